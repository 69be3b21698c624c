"""Sharing bills out over days: exactly adding up to the bill, whatever its period. Pure."""

from __future__ import annotations

import enum
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from metering.derive.times import next_month

ONE_DAY: Final = timedelta(days=1)


_Span = tuple[date, date]
"""First day, the day after the last."""


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
class MeterDays:
    """What an account's meters counted on neighbouring days.

    Running sums, each with one more than there are days: what any stretch of days comes to is one
    subtraction, also for a city's accounts, bills and months.

    Attributes:
        first: the first day.
        micro: of millionths of the unit.
        estimated: of the part of it that was allotted over gaps.
        known: of days of which anything is known.
        complete: of days on which every meter was covered for the whole day.
        below: of days below 0, which cannot be weights.
    """

    first: date
    micro: Sequence[int]
    estimated: Sequence[int]
    known: Sequence[int]
    complete: Sequence[int]
    below: Sequence[int]

    @classmethod
    def of(cls, days: Mapping[date, MeterDay]) -> MeterDays:
        """Put days together; those in between of which there is nothing are not known."""
        first, last = min(days, default=date.min), max(days, default=date.min)
        every = [days.get(day) for day in days_between(first, last + ONE_DAY)]
        seen = [day or MeterDay(0, 0, complete=False) for day in every]
        return cls(
            first,
            _running(day.micro for day in seen),
            _running(day.estimated for day in seen),
            _running(day is not None for day in every),
            _running(day.complete for day in seen),
            _running(day.micro < 0 for day in seen),
        )

    def micro_of(self, first: date, end: date) -> int:
        """Return millionths of ``[first, end)``, days that lie among those that are held."""
        begin = (first - self.first).days
        return int(self.micro[begin + (end - first).days]) - int(self.micro[begin])

    def over(self, first: date, end: date) -> Stretch:
        """Return what ``[first, end)`` comes to; of days that are not held nothing is known."""
        held = len(self.micro) - 1
        begin = min(max((first - self.first).days, 0), held)
        until = min(max((end - self.first).days, begin), held)
        return Stretch(
            days=(end - first).days,
            micro=int(self.micro[until]) - int(self.micro[begin]),
            estimated=int(self.estimated[until]) - int(self.estimated[begin]),
            known=int(self.known[until]) - int(self.known[begin]),
            complete=int(self.complete[until]) - int(self.complete[begin]),
            below=int(self.below[until]) - int(self.below[begin]),
        )


class Stretch(NamedTuple):
    """What meters counted in a stretch of days; the attributes are those of :class:`MeterDays`."""

    days: int
    micro: int
    estimated: int
    known: int
    complete: int
    below: int

    @property
    def whole(self) -> bool:
        """Whether every meter was covered on every day."""
        return self.complete == self.days


def _running(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(itertools.accumulate(values, initial=0))


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


def portion(total: int, before: int, through: int, whole: int) -> int:
    """Return what a stretch gets of a whole number that is divided by weights.

    ``floor(total × W / ΣW)`` of the running weight W, at its end less at its begin: whatever the
    stretches, neighbouring ones add up to what the same stretch would get at once.

    Args:
        total: what is divided; may be negative.
        before: the running weight where the stretch begins.
        through: where it ends.
        whole: of all; above 0.
    """
    return total * through // whole - total * before // whole


class Sharing:
    """How the bills of one account are shared out: each question to its meters is asked once.

    Args:
        metered: what they counted; None: it has none.
    """

    def __init__(self, metered: MeterDays | None) -> None:
        self._metered = metered
        self._counted: dict[int, Stretch | None] = {}
        self._weights: dict[tuple[int, _Span], tuple[int, int, int, How]] = {}

    def counted(self, bill: BillFigures) -> int | None:
        """Return what meters counted in a bill's period; None: they miss any of its days."""
        seen = self._seen(bill)
        return seen.micro if seen is not None and seen.whole else None

    def weights(self, bill: BillFigures, run: _Span) -> tuple[int, int, int, How]:
        """Return the running weight at the begin of a stretch, at its end, and of all the bill."""
        known = self._weights.get((bill.id, run))
        if known is None:
            known = self._weights[bill.id, run] = self._weigh(bill, run)
        return known

    def _seen(self, bill: BillFigures) -> Stretch | None:
        if bill.id not in self._counted:
            of = None if self._metered is None else self._metered.over(bill.first, bill.end)
            self._counted[bill.id] = of
        return self._counted[bill.id]

    def _weigh(self, bill: BillFigures, run: _Span) -> tuple[int, int, int, How]:
        first, end = run
        seen = self._seen(bill)
        if self._metered is not None and seen and seen.whole and not seen.below and seen.micro:
            before = self._metered.micro_of(bill.first, first)
            through = before + self._metered.micro_of(first, end)
            return before, through, seen.micro, How.METERED
        days = (bill.end - bill.first).days
        return (first - bill.first).days, (end - bill.first).days, days, How.DAYS


def shares(
    bills: Sequence[BillFigures],
    value: Callable[[BillFigures], int | None],
    days: Sequence[date],
    sharing: Sharing,
) -> tuple[Share, ...]:
    """Say what the bills of one account give to some days.

    A settled bill stands before an estimated one, day by day. A bill that does not state the value
    says nothing of its days.

    Args:
        bills: of one account; those of one status do not overlap.
        value: which of their figures.
        days: ascending, each once.
        sharing: by what they are shared out.

    Returns:
        Stretches of days in their order; days that no bill covers are absent.
    """
    stated = [bill for bill in bills if value(bill) is not None]
    return tuple(
        _share(bill, run, value(bill) or 0, sharing)
        for span in spans_of(days)
        for bill, run in _runs(stated, span)
    )


def spans_of(days: Sequence[date]) -> list[_Span]:
    """Make stretches ``[first, end)`` of days, which ascend, each once."""
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


def _share(bill: BillFigures, run: _Span, total: int, sharing: Sharing) -> Share:
    first, end = run
    estimated = not bill.settled
    if (first, end) == (bill.first, bill.end):
        return Share(bill.id, first, end, total, How.WHOLE, estimated)
    before, through, whole, how = sharing.weights(bill, run)
    return Share(bill.id, first, end, portion(total, before, through, whole), how, estimated)
