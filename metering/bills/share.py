"""Sharing bills out over days: exactly adding up to the bill, whatever its period. Pure."""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from metering.derive.times import next_month

ONE_DAY: Final = timedelta(days=1)


class How(enum.StrEnum):
    """How a share came about."""

    WHOLE = "whole"  # nothing was shared out
    METERED = "metered"  # as metering saw the energy used
    DAYS = "days"  # every day alike


@dataclass(frozen=True, slots=True)
class MeterDay:
    """What an account's meters counted on a day.

    Attributes:
        micro: millionths of the unit.
        estimated: the part of it that was allotted over gaps.
        complete: every meter was covered for the whole day.
    """

    micro: int
    estimated: int
    complete: bool


@dataclass(frozen=True, slots=True)
class BillFigures:
    """A bill as figures see it.

    Attributes:
        id: of the bill.
        first: first day.
        end: the day after its last.
        settled: the supplier has read the meter.
        micro: millionths of the unit of figures; None: not stated.
        fen: hundredths of a yuan; None: not stated.
    """

    id: int
    first: date
    end: date
    settled: bool
    micro: int | None
    fen: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """What a bill gives to a stretch of days.

    Attributes:
        bill_id: which bill.
        first: first day.
        end: the day after its last.
        value: millionths or hundredths.
        how: how it came about.
        estimated: the bill is.
    """

    bill_id: int
    first: date
    end: date
    value: int
    how: How
    estimated: bool

    @property
    def days(self) -> int:
        """How many days it covers."""
        return (self.end - self.first).days


def days_of(first: date, end: date) -> Iterator[date]:
    """Yield the days of ``[first, end)``."""
    for number in range((end - first).days):
        yield first + timedelta(days=number)


@functools.lru_cache(maxsize=4096)
def days_between(first: date, end: date) -> tuple[date, ...]:
    """Return the days of ``[first, end)``; a city's accounts ask for the same ones again."""
    return tuple(days_of(first, end))


def each_month(first: date, end: date) -> Iterator[date]:
    """Yield the first days of the months of ``[first, end)``."""
    while first < end:
        yield first
        first = next_month(first)


def portion(total: int, weights: Sequence[int], begin: int, end: int) -> int:
    """Return what a stretch gets of a whole number that is divided by weights.

    ``floor(total × W / ΣW)`` of the running weight W, at its end less at its begin: whatever the
    stretches, neighbouring ones add up to what the same stretch would get at once.

    Args:
        total: what is divided; may be negative.
        weights: whole numbers ≥ 0, at least one above.
        begin: number of the first weight of the stretch.
        end: the number after its last.
    """
    whole = sum(weights)
    before = sum(weights[:begin])
    through = before + sum(weights[begin:end])
    return total * through // whole - total * before // whole


def shares(
    bills: Sequence[BillFigures],
    value: Callable[[BillFigures], int | None],
    days: Sequence[date],
    metered: Mapping[date, MeterDay],
) -> tuple[Share, ...]:
    """Say what the bills of one account give to some days.

    A settled bill stands before an estimated one, day by day. A bill that does not state the value
    says nothing of its days.

    Args:
        bills: of one account; those of one status do not overlap.
        value: which of their figures.
        days: ascending, each once.
        metered: what the account's meters counted.

    Returns:
        Stretches of days in their order; days that no bill covers are absent.
    """
    stated = [bill for bill in bills if value(bill) is not None]
    return tuple(
        _share(bill, run, value(bill) or 0, metered)
        for span in _spans(days)
        for bill, run in _runs(stated, span)
    )


_Span = tuple[date, date]


def _spans(days: Sequence[date]) -> list[_Span]:
    """Make stretches of neighbouring days."""
    if not days:
        return []
    if (days[-1] - days[0]).days + 1 == len(days):
        return [(days[0], days[-1] + ONE_DAY)]
    breaks = [n for n in range(1, len(days)) if days[n] - days[n - 1] != ONE_DAY]
    bounds = itertools.pairwise([0, *breaks, len(days)])
    return [(days[begin], days[end - 1] + ONE_DAY) for begin, end in bounds]


def _runs(bills: Sequence[BillFigures], span: _Span) -> list[tuple[BillFigures, _Span]]:
    """Say which bill speaks of which days: an estimated one where no settled one does."""
    settled, gaps = _clipped([bill for bill in bills if bill.settled], span)
    others = [bill for bill in bills if not bill.settled]
    if not gaps or not others:
        return settled
    filled = [run for gap in gaps for run in _clipped(others, gap)[0]]
    return sorted([*settled, *filled], key=lambda run: run[1])


def _clipped(
    bills: Sequence[BillFigures], span: _Span
) -> tuple[list[tuple[BillFigures, _Span]], list[_Span]]:
    """Cut bills that do not overlap to a stretch; return them and what they leave of it."""
    at, end = span
    runs: list[tuple[BillFigures, _Span]] = []
    gaps: list[_Span] = []
    for bill in sorted(bills, key=lambda b: b.first):
        begin, until = max(bill.first, at), min(bill.end, end)
        if begin >= until:
            continue
        if at < begin:
            gaps.append((at, begin))
        runs.append((bill, (begin, until)))
        at = until
    if at < end:
        gaps.append((at, end))
    return runs, gaps


def _share(bill: BillFigures, run: _Span, total: int, metered: Mapping[date, MeterDay]) -> Share:
    first, end = run
    estimated = not bill.settled
    if (first, end) == (bill.first, bill.end):
        return Share(bill.id, first, end, total, How.WHOLE, estimated)
    weights, how = _weights(bill, metered)
    begin = (first - bill.first).days
    value = portion(total, weights, begin, begin + (end - first).days)
    return Share(bill.id, first, end, value, how, estimated)


def _weights(bill: BillFigures, metered: Mapping[date, MeterDay]) -> tuple[list[int], How]:
    known = covered(bill, metered)
    if known is not None and min(known) >= 0 and sum(known) > 0:
        return known, How.METERED
    return [1] * (bill.end - bill.first).days, How.DAYS


def covered(bill: BillFigures, metered: Mapping[date, MeterDay]) -> list[int] | None:
    """Return what metering counted on each day of a bill, or None when it misses any of them."""
    known: list[int] = []
    for day in days_between(bill.first, bill.end) if metered else ():
        seen = metered.get(day)
        if seen is None or not seen.complete:
            return None
        known.append(seen.micro)
    return known or None
