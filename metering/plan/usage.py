"""What was used, as it is known: by day from meters, by month from bills or entries. Pure."""

from __future__ import annotations

import calendar
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

DAY = timedelta(days=1)


class Source(enum.StrEnum):
    """What a figure rests on."""

    METERED = "metered"
    BILLED = "billed"
    ENTERED = "entered"  # an earlier month, brought in by a person


@dataclass(frozen=True, slots=True)
class Window:
    """Whole local days, both ends included.

    Raises:
        ValueError: it ends before it begins.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the window ends on {self.last}, before it begins on {self.first}")

    def __iter__(self) -> Iterator[date]:
        return (self.first + DAY * n for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def months(self) -> tuple[date, ...]:
        """The first of each month it touches."""
        start, found = self.first.replace(day=1), []
        while start <= self.last:
            found.append(start)
            start = month_of(start).last + DAY
        return tuple(found)


def month_of(day: date) -> Window:
    """The month that a day is in."""
    last = calendar.monthrange(day.year, day.month)[1]
    return Window(day.replace(day=1), day.replace(day=last))


def year_of(year: int) -> Window:
    """A calendar year."""
    return Window(date(year, 1, 1), date(year, 12, 31))


def month_before(month: date) -> Window:
    """The month before the one that a day is in."""
    return month_of(month.replace(day=1) - DAY)


def year_before(window: Window) -> Window:
    """The same dates a year earlier; a month's last day stays its month's last day."""
    return Window(_year_before(window.first, end=False), _year_before(window.last, end=True))


def _year_before(day: date, *, end: bool) -> date:
    last = calendar.monthrange(day.year - 1, day.month)[1]
    is_end = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(day.year - 1, day.month, last if end and is_end else min(day.day, last))


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """A month that is known as a whole.

    Attributes:
        micro: millionths of the unit.
        source: billed or entered.
    """

    micro: int
    source: Source


@dataclass(frozen=True, slots=True)
class Piece:
    """An amount of some whole days, and what it rests on; µ-units."""

    window: Window
    micro: int
    source: Source


@dataclass(frozen=True, slots=True)
class Usage:
    """One energy of a meter or an institution. What is in neither mapping is unknown.

    Attributes:
        days: millionths of the unit of each day that meters know completely.
        months: totals of months, by their first day.
        months_first: whether a month's total prevails over its days (the bill is the figure);
            otherwise it stands in only where days are missing.
    """

    days: Mapping[date, int] = field(default_factory=dict)
    months: Mapping[date, MonthTotal] = field(default_factory=dict)
    months_first: bool = False

    def pieces(self, window: Window) -> tuple[Piece, ...]:
        """What is known of a window, in order, nothing twice.

        A month's total counts only when the whole month lies in the window.
        """
        found: list[Piece] = []
        for first in window.months():
            month = month_of(first)
            inside = Window(max(first, window.first), min(month.last, window.last))
            known = [day for day in inside if day in self.days]
            total = self.months.get(first) if inside == month else None
            if total is not None and (self.months_first or len(known) < len(month)):
                found.append(Piece(month, total.micro, total.source))
            else:
                found.extend(Piece(Window(d, d), self.days[d], Source.METERED) for d in known)
        return tuple(found)

    def total(self, window: Window) -> int | None:
        """Millionths of the unit of a window; None unless every day of it is known."""
        pieces = self.pieces(window)
        if sum(len(piece.window) for piece in pieces) < len(window):
            return None
        return sum(piece.micro for piece in pieces)

    def sources(self, window: Window) -> frozenset[Source]:
        """What the known part of a window rests on."""
        return frozenset(piece.source for piece in self.pieces(window))
