"""Comparing two windows over days that can be compared. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from metering.plan.usage import DAY, Source, Usage, Window, month_before, month_of, year_before
from registry.calendar import Calendar
from registry.day_kind import DayKind

ENOUGH: Final = Decimal("0.5")
"""Share of days from which a comparison by days is preferred to one of whole months."""

MOST_LONGER: Final = 3
"""Days by which windows may differ when their totals are compared: February and March do."""


class Basis(enum.StrEnum):
    """Over what two windows were compared."""

    DAYS = "days"  # day by day, workday with workday
    WHOLE = "whole"  # totals: nobody knows the days of at least one of them
    NONE = "none"  # nothing is known in both


@dataclass(frozen=True, slots=True)
class Pair:
    """Two days of the same kind."""

    now: date
    then: date
    kind: DayKind


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a window stands to another one.

    Attributes:
        window: the window in question.
        against: the one it is compared with.
        basis: over what.
        now: millionths of the unit over what is compared; None: nothing can be compared.
        then: likewise, of the other window.
        days: how many days of each are compared.
        unknown_now: days of the window nobody knows.
        unknown_then: days of the other one nobody knows.
        uneven: days left out because the other window has fewer of their kind.
        sources: what both figures rest on.
        totals: of both whole windows, as they are reported; None: not known as a whole.
        totals_rest_on: what the known ones of them rest on.
        published: whether holidays of both years are known; otherwise weekdays were compared.
    """

    window: Window
    against: Window
    basis: Basis
    now: int | None
    then: int | None
    days: int
    unknown_now: tuple[date, ...]
    unknown_then: tuple[date, ...]
    uneven: tuple[date, ...]
    sources: frozenset[Source]
    totals: tuple[int | None, int | None]
    totals_rest_on: frozenset[Source]
    published: bool

    @property
    def share(self) -> Decimal:
        """Which part of the longer window is compared, 0 to 1."""
        if self.basis is Basis.WHOLE:
            return Decimal(1)
        return Decimal(self.days) / max(len(self.window), len(self.against))

    @property
    def change(self) -> Decimal | None:
        """(now − then) / then; None without a comparison or when then is 0."""
        if self.now is None or not self.then:
            return None
        return Decimal(self.now - self.then) / self.then


def year_on_year(now: Usage, then: Usage, window: Window, calendar: Calendar) -> Comparison:
    """Against the same dates of the year before."""
    return compare(now, then, (window, year_before(window)), calendar)


def month_on_month(usage: Usage, window: Window, calendar: Calendar) -> Comparison:
    """A month against the one before; its first days against the first days of that one."""
    before = month_before(window.first)
    if window != month_of(window.first):
        before = Window(before.first, min(before.last, before.first + DAY * (len(window) - 1)))
    return compare(usage, usage, (window, before), calendar)


def pair(window: Window, against: Window, calendar: Calendar) -> tuple[Pair, ...]:
    """The n-th workday with the n-th workday, and so for weekends and holidays.

    Pairs are made before anybody looks what is known: a gap must not push later days against
    days of another season.
    """
    found: list[Pair] = []
    for kind in DayKind:
        ours = (day for day in window if calendar.kind(day) is kind)
        theirs = (day for day in against if calendar.kind(day) is kind)
        found.extend(Pair(a, b, kind) for a, b in zip(ours, theirs, strict=False))
    return tuple(sorted(found, key=lambda one: one.now))


def compare(
    now: Usage, then: Usage, windows: tuple[Window, Window], calendar: Calendar
) -> Comparison:
    """Compare by days where enough of them are known in both, else by totals, else by few days.

    Args:
        now: what is known of the first window.
        then: what is known of the second one.
        windows: the two.
        calendar: workdays, weekends, holidays.
    """
    by_days = _by_days(now, then, windows, calendar)
    if by_days.share >= ENOUGH:
        return by_days
    return _whole(by_days) or by_days


def _by_days(
    now: Usage, then: Usage, windows: tuple[Window, Window], calendar: Calendar
) -> Comparison:
    window, against = windows
    pairs = pair(window, against, calendar)
    known = [one for one in pairs if one.now in now.days and one.then in then.days]
    return Comparison(
        window=window,
        against=against,
        basis=Basis.DAYS if known else Basis.NONE,
        now=sum(now.days[one.now] for one in known) if known else None,
        then=sum(then.days[one.then] for one in known) if known else None,
        days=len(known),
        unknown_now=_without(window, now.days.__contains__),
        unknown_then=_without(against, then.days.__contains__),
        uneven=_uneven(windows, pairs),
        sources=frozenset([Source.METERED]) if known else frozenset(),
        totals=(now.total(window), then.total(against)),
        totals_rest_on=now.sources(window) | then.sources(against),
        published=all(calendar.published(w.year) for w in _ends(windows)),
    )


def _whole(by_days: Comparison) -> Comparison | None:
    ours, theirs = by_days.totals
    longer = abs(len(by_days.window) - len(by_days.against))
    if ours is None or theirs is None or longer > MOST_LONGER:
        return None
    return replace(
        by_days,
        basis=Basis.WHOLE,
        now=ours,
        then=theirs,
        days=len(by_days.window),
        unknown_now=(),
        unknown_then=(),
        uneven=(),
        sources=by_days.totals_rest_on,
    )


def _uneven(windows: tuple[Window, Window], pairs: Iterable[Pair]) -> tuple[date, ...]:
    used = {day for one in pairs for day in (one.now, one.then)}
    return tuple(day for window in windows for day in window if day not in used)


def _without(window: Window, known: Callable[[date], bool]) -> tuple[date, ...]:
    return tuple(day for day in window if not known(day))


def _ends(windows: tuple[Window, Window]) -> tuple[date, ...]:
    return tuple(day for window in windows for day in (window.first, window.last))
