"""What is missing of what institutions report, as layers: of periods that are over.

No clock: the month that has begun last is noted when it begins (:mod:`….institutions.due`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, LiteralString
from zoneinfo import ZoneInfo

from metering.bills.reporting import reported
from metering.factors.kinds import load_kinds
from rules.kinds.missing import CADENCES, Cadence
from rules.subjects.institutions.missing import (
    YEAR,
    Begun,
    Figures,
    Period,
    Told,
    laid,
    later,
    missing,
    over,
)
from rules.subjects.model import Conn, Inputs
from storage.times import at_us, us_of

LAYERS: Final = frozenset(one.layer for one in CADENCES)
# All accounts without a bill had one that was withdrawn: until then the figure was known. There is
# no index of withdrawn bills, which are few: all are read once, beside seconds of what is reported.
_TAKEN_BACK: Final[LiteralString] = """
WITH lacking AS (
    SELECT code, energy, daterange(month, (month + interval '1 month')::date) AS days, month
    FROM unnest(%s::text[], %s::text[], %s::date[]) AS one (code, energy, month)
), due AS (
    SELECT lacking.*, account.id AS account
    FROM lacking
    JOIN institution USING (code)
    JOIN utility_account_institution AS bound ON bound.institution_id = institution.id
        AND bound.withdrawn_at IS NULL AND bound.valid && days
    JOIN utility_account AS account
        ON account.id = bound.account_id AND account.energy = lacking.energy
), withdrawn AS MATERIALIZED (
    SELECT account_id, period, withdrawn_at FROM bill WHERE withdrawn_at IS NOT NULL
), told AS (
    SELECT code, energy, month, (
        SELECT max(withdrawn_at) FROM withdrawn WHERE account_id = account AND period && days
    ) AS gone
    FROM due
    WHERE NOT EXISTS (
        SELECT FROM bill
        WHERE account_id = account AND period && days AND bill.withdrawn_at IS NULL
    )
)
SELECT code, energy, month, max(gone) FROM told
GROUP BY 1, 2, 3 HAVING bool_and(gone IS NOT NULL)
"""
_BEGUN: Final[LiteralString] = "SELECT month, first FROM rules_report_month"


@dataclass(frozen=True, slots=True)
class Asked:
    """An institution whose periods are looked at.

    Attributes:
        id: of the institution.
        code: of the institution.
        first: local day.
        last: local day.
    """

    id: int
    code: str
    first: date
    last: date


def asked(id_: int, code: str, begin_us: int, end_us: int, zone: ZoneInfo) -> Asked:
    """Return the question of which periods are missing in ``begin`` ≤ t < ``end``, µs UTC."""
    first, last = (at_us(at).astimezone(zone).date() for at in (begin_us, end_us - 1))
    return Asked(id_, code, first, last)


def load(conn: Conn, those: Sequence[Asked], wanted: Collection[str], zone: ZoneInfo) -> Inputs:
    """Return layers of what is missing; see :class:`rules.subjects.model.Known`.

    Args:
        conn: may write: the attribution of meters is brought up to date.
        those: ascending by id.
        wanted: names of layers; others than these are passed over.
        zone: of the site.
    """
    begun = _begun(conn)
    periods = {
        cadence.layer: {one.id: _periods(one, cadence, begun) for one in those}
        for cadence in CADENCES
        if cadence.layer in wanted
    }
    every = itertools.chain.from_iterable(its.values() for its in periods.values())
    figures = _figures(conn, [one.code for one in those], every, zone)
    return laid(periods, {one.id: figures[one.code] for one in those}, zone)


def compared(conn: Conn, one: Asked, wanted: Collection[str], zone: ZoneInfo) -> Iterator[str]:
    """Yield what is missing of an institution, a line for each period."""
    names = {code: kind.name for code, kind in load_kinds().items()}
    begun = _begun(conn)
    every = [_periods(one, cadence, begun) for cadence in CADENCES if cadence.layer in wanted]
    figures = _figures(conn, [one.code], every, zone)[one.code]
    for period in itertools.chain.from_iterable(every):
        lacking: dict[date, list[str]] = defaultdict(list)
        for month, energy in missing(figures, period):
            lacking[month].append(names.get(energy, energy))
        told = "；".join(f"{month:%Y-%m} {'、'.join(its)}" for month, its in lacking.items())
        if told:
            yield f"未齐：{told}"


def _begun(conn: Conn) -> Begun | None:
    """Return the months that have begun; None: nobody has noted any yet."""
    row = conn.execute(_BEGUN).fetchone()
    return None if row is None else Begun(*row)


def _periods(one: Asked, cadence: Cadence, begun: Begun | None) -> list[Period]:
    return [] if begun is None else [*over(one.first, one.last, cadence.months, begun)]


def _figures(
    conn: Conn, codes: Sequence[str], periods: Iterable[Sequence[Period]], zone: ZoneInfo
) -> Mapping[str, Figures]:
    """Return what is told of the months of periods, and of the year before the first one."""
    found: dict[str, dict[str, dict[date, Told]]] = {code: defaultdict(dict) for code in codes}
    every = [*itertools.chain.from_iterable(periods)]
    if not every:
        return found
    months = later(min(one.first for one in every), -YEAR), max(one.end for one in every)
    for one in reported(conn, months, zone.key, codes):
        if one.institution is not None:
            bound = any(part.accounts or part.figure.meter_ids for part in one.parts)
            found[one.institution][one.energy][one.month] = Told(one.micro, bound)
    for code, energy, month, gone in _taken_back(conn, found, {*every}):
        told = found[code][energy][month]
        found[code][energy][month] = replace(told, gone_us=us_of(gone))
    return found


def _taken_back(
    conn: Conn, figures: Mapping[str, Figures], periods: Collection[Period]
) -> Iterator[tuple[str, str, date, datetime]]:
    """Yield what is missing of whom and was there: until when."""
    lacking = {
        (code, energy, month)
        for code, its in figures.items()
        for period in periods
        for month, energy in missing(its, period)
        if month in its[energy]
    }
    if lacking:
        codes, energies, months = (list(column) for column in zip(*sorted(lacking), strict=True))
        yield from conn.execute(_TAKEN_BACK, [codes, energies, months])
