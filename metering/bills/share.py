"""Sharing bills out over days: exactly adding up to the bill, whatever its period. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

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


def next_month(month: date) -> date:
    """Return the first day of the month after that of ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


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
    owners = _owners(bills, value, set(days))
    return tuple(_share(bill, run, value(bill) or 0, metered) for bill, run in _runs(owners, days))


def _owners(
    bills: Sequence[BillFigures], value: Callable[[BillFigures], int | None], days: set[date]
) -> dict[date, BillFigures]:
    owners: dict[date, BillFigures] = {}
    for bill in sorted(bills, key=lambda b: b.settled):  # settled ones last: they overwrite
        if value(bill) is not None:
            owners.update((day, bill) for day in days_of(bill.first, bill.end) if day in days)
    return owners


def _runs(
    owners: Mapping[date, BillFigures], days: Sequence[date]
) -> list[tuple[BillFigures, list[date]]]:
    runs: list[tuple[BillFigures, list[date]]] = []
    for day in days:
        bill = owners.get(day)
        if bill is None:
            continue
        last = runs[-1] if runs else None
        if last is not None and last[0] is bill and last[1][-1] + ONE_DAY == day:
            last[1].append(day)
        else:
            runs.append((bill, [day]))
    return runs


def _share(
    bill: BillFigures, run: Sequence[date], total: int, metered: Mapping[date, MeterDay]
) -> Share:
    first, end = run[0], run[-1] + ONE_DAY
    estimated = not bill.settled
    if (first, end) == (bill.first, bill.end):
        return Share(bill.id, first, end, total, How.WHOLE, estimated)
    weights, how = _weights(bill, metered)
    begin = (first - bill.first).days
    value = portion(total, weights, begin, begin + len(run))
    return Share(bill.id, first, end, value, how, estimated)


def _weights(bill: BillFigures, metered: Mapping[date, MeterDay]) -> tuple[list[int], How]:
    known = covered(bill, metered)
    if known is not None and min(known) >= 0 and sum(known) > 0:
        return known, How.METERED
    return [1] * (bill.end - bill.first).days, How.DAYS


def covered(bill: BillFigures, metered: Mapping[date, MeterDay]) -> list[int] | None:
    """Return what metering counted on each day of a bill, or None when it misses any of them."""
    seen = [metered.get(day) for day in days_of(bill.first, bill.end)]
    known = [day.micro for day in seen if day is not None and day.complete]
    return known if len(known) == len(seen) else None
