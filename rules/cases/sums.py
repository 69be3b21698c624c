"""What was used while doubts went on, by institution and month; and what of it people call waste.

Two doubts of one subject at one time are counted once. What was no waste, or a fault of the data,
is left out. Waste is what was concluded to be it: all that is used, of kinds where it is needless
then; what was more than usual, of meters; how much of the use of others could be avoided, nobody
measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from metering.factors.meter_cost import Pricing
from rules.cases.excess import Over, amounts, apart, mains_of, tells
from rules.cases.life import State, Verdict
from rules.cases.listing import Listed
from rules.cases.used import Stretch, Used, counted, units, used
from rules.kinds.catalogue import KINDS
from rules.kinds.model import Sort
from rules.subjects.model import Basis
from storage.times import midnight, us_of

LEFT_OUT: Final = (State.WITHDRAWN, State.EXEMPT)
"""Doubts that are none any more."""
_CLOSED: Final = (State.CONCLUDED, *LEFT_OUT)

Spans = list[tuple[int, int]]
"""From, to; µs UTC."""


@dataclass(slots=True)
class Total:
    """What is known of some stretches.

    Attributes:
        quantity: the sum of what is known.
        yuan: likewise.
        unknown: stretches of which nobody knows the quantity.
        unpriced: those of the others of which nobody knows the price.
        known: stretches of which the quantity is known.
        priced: those of them of which the price is, too.
    """

    quantity: Decimal = Decimal(0)
    yuan: Decimal = Decimal(0)
    unknown: int = 0
    unpriced: int = 0
    known: int = 0
    priced: int = 0

    @property
    def some_quantity(self) -> bool:
        """Whether there is a sum of quantities: of stretches that are all unknown there is none."""
        return bool(self.known or not self.unknown)

    @property
    def some_yuan(self) -> bool:
        """Likewise of money."""
        return bool(self.priced or not (self.unknown or self.unpriced))

    def add(self, one: Used) -> None:
        """Add a stretch."""
        if one.quantity is None:
            self.unknown += 1
            return
        self.known += 1
        self.quantity += one.quantity
        self.priced += one.yuan is not None
        self.unpriced += one.yuan is None
        self.yuan += one.yuan or 0


@dataclass(slots=True)
class Sum:
    """A month of an institution, of what is counted in one unit.

    Attributes:
        institution: its code; None: nobody's.
        name: what it is called.
        month: its first day.
        unit: kWh, m³ …; empty: nothing is counted.
        doubts: that begin in it.
        open: those of them that are not concluded.
        waste: those of them that were concluded to be waste.
        used: while doubts went on.
        wasted: of the waste.
    """

    institution: str | None
    name: str | None
    month: date
    unit: str
    doubts: int = 0
    open: int = 0
    waste: int = 0
    used: Total = field(default_factory=Total)
    wasted: Total = field(default_factory=Total)


@dataclass(frozen=True, slots=True)
class _Key:
    institution: str | None
    month: date
    sort: Sort
    subject: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A doubt with what people concluded; None: nothing yet."""

    doubt: Listed
    verdict: Verdict | None


def sums(
    conn: psycopg.Connection[Any],
    basis: Basis,
    found: Sequence[Judged],
    window: tuple[datetime, datetime],
    pricing: Pricing,
) -> list[Sum]:
    """Add up, by institution, then month.

    Args:
        conn: any connection.
        basis: how long values hold.
        found: doubts.
        window: what lies outside is left out; aware.
        pricing: tariffs, calendar, zone.
    """
    parts = {
        which: _merged(_parts(found, window, pricing.zone, which)) for which in ("used", "wasted")
    }
    stretches = [
        (which, key, Stretch(key.sort, key.subject, *span))
        for which, spans in parts.items()
        for key, some in spans.items()
        for span in some
    ]
    spent = used(conn, basis, [one for _, _, one in stretches], pricing)
    unit_of = units(conn, {(one.doubt.sort, one.doubt.subject_id) for one in found})
    more = [*_over(conn, found, window, pricing.zone)]
    excess = amounts(conn, basis, [one for _, one in more], pricing)
    totals: dict[tuple[str | None, date, str], Sum] = {}
    for one in found:
        _count(one, totals, unit_of, window, pricing.zone)
    for (which, key, _), amount in zip(stretches, spent, strict=True):
        row = totals[key.institution, key.month, amount.unit]
        (row.used if which == "used" else row.wasted).add(amount)
    for (key, _), amount in zip(more, excess, strict=True):
        totals[key.institution, key.month, amount.unit].wasted.add(amount)
    return sorted(totals.values(), key=lambda row: (row.institution or "", row.month, row.unit))


def months(since: int, until: int, zone: ZoneInfo) -> Iterator[tuple[date, int, int]]:
    """Cut a stretch at the months of the site: first day of each, from, to; µs UTC."""
    while since < until:
        day = datetime.fromtimestamp(since / 1e6, zone).date().replace(day=1)
        behind = date(day.year + day.month // 12, day.month % 12 + 1, 1)
        end = min(until, us_of(midnight(behind, zone)))
        yield day, since, end
        since = end


def merged(spans: Iterable[tuple[int, int]]) -> Spans:
    """Join spans that touch or overlap."""
    found: Spans = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def _merged(parts: Iterable[tuple[_Key, int, int]]) -> dict[_Key, Spans]:
    spans: dict[_Key, Spans] = defaultdict(list)
    for key, since, until in parts:
        spans[key].append((since, until))
    return {key: merged(some) for key, some in spans.items()}


def _parts(
    found: Iterable[Judged], window: tuple[datetime, datetime], zone: ZoneInfo, which: str
) -> Iterator[tuple[_Key, int, int]]:
    chosen = _is_used if which == "used" else _is_wasted
    for one in found:
        doubt = one.doubt
        if counted(doubt.sort) and chosen(one):
            for month, since, until in months(*_clipped(doubt, window), zone):
                yield _Key(doubt.institution, month, doubt.sort, doubt.subject_id), since, until


def _over(
    conn: psycopg.Connection[Any],
    found: Iterable[Judged],
    window: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> Iterator[tuple[_Key, Over]]:
    """Yield when which meters wasted what they counted more than usual, cut at months."""
    mine = [one.doubt for one in found if one.verdict is Verdict.WASTE and _is_excess(one)]
    whose = {one.subject_id: one.institution for one in mine}
    spans = [Over(one.kind, one.subject_id, *_clipped(one, window)) for one in mine]
    for one in apart(spans, mains_of(conn, list(whose))):
        for month, since, until in months(one.since, one.until, zone):
            key = _Key(whose[one.meter], month, Sort.METER, one.meter)
            yield key, Over(one.kind, one.meter, since, until)


def _is_excess(one: Judged) -> bool:
    return tells(one.doubt.kind, one.doubt.sort)


def _is_used(one: Judged) -> bool:
    return one.verdict in {None, Verdict.WASTE}


def _is_wasted(one: Judged) -> bool:
    return one.verdict is Verdict.WASTE and _needless(one)


def _needless(one: Judged) -> bool:
    kind = KINDS.get(one.doubt.kind)
    return kind is not None and kind.needless


def _clipped(doubt: Listed, window: tuple[datetime, datetime]) -> tuple[int, int]:
    return us_of(max(doubt.since, window[0])), us_of(min(doubt.until, window[1]))


def _count(
    one: Judged,
    totals: dict[tuple[str | None, date, str], Sum],
    unit_of: Mapping[tuple[Sort, int], str],
    window: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> None:
    """Count a doubt in its first month; make rows for all of its months."""
    doubt = one.doubt
    unit = unit_of.get((doubt.sort, doubt.subject_id), "")
    for number, (month, *_) in enumerate(months(*_clipped(doubt, window), zone)):
        new = Sum(doubt.institution, doubt.institution_name, month, unit)
        row = totals.setdefault((doubt.institution, month, unit), new)
        if not number:
            row.doubts += 1
            row.open += doubt.state not in _CLOSED
            row.waste += one.verdict is Verdict.WASTE
            told = _is_wasted(one) or _is_excess(one)
            row.wasted.unknown += one.verdict is Verdict.WASTE and not told
