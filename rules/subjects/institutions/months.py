"""Months of an institution beside the plan of its quota and beside last year. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from statistics import fmean
from typing import Final

from metering.gauge.settings import DegreeDaySettings
from metering.plan.compare import Comparison, year_on_year
from metering.plan.curve import Curve, as_last_year, evenly
from metering.plan.progress import Base, Kind, Progress, State, progress
from metering.plan.usage import Usage, Window, month_of
from registry.calendar import Calendar

ENOUGH: Final = Decimal("0.8")
"""Share of a month's days that must be known before anything is said about it: a month that has
only begun says nothing yet."""
_COMPARABLE: Final = Decimal("0.5")
"""Share of a month's days that must find a day of their kind to be compared with."""
_DEGREE_DAYS: Final = DegreeDaySettings()


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota in force, for the whole institution.

    Attributes:
        kind: what it demands.
        micro: of the year, millionths of the unit.
        told: for officers, with its source.
    """

    kind: Kind
    micro: int
    told: str


def binding(limits: Sequence[Limit]) -> Limit | None:
    """Return the quota that counts: the strictest that binds, else the strictest baseline.

    A guide value is what an institution may strive for: to be above it is no doubt.
    """
    for kind in (Kind.CONSTRAINT, Kind.BASELINE):
        mine = [one for one in limits if one.kind is kind]
        if mine:
            return min(mine, key=lambda one: (one.micro, one.told))
    return None


def enough_known(usage: Usage, month: Window) -> bool:
    """Whether a month is known well enough to be spoken of."""
    known = sum(len(piece.window) for piece in usage.pieces(month))
    return known >= ENOUGH * len(month)


def plan_of(year: int, usage: Usage, calendar: Calendar, *, seasonal: bool) -> Curve | None:
    """Return how a year's quota is to be used up: as last year, or evenly where nobody knows that.

    Args:
        year: whose.
        usage: of the one before.
        calendar: of both.
        seasonal: no even plan would do: None where last year is not known.
    """
    found = as_last_year(year, usage, calendar)
    return found or (None if seasonal else evenly(year))


def against_plan(usage: Usage, limit: Limit, first: date, curve: Curve) -> Progress | None:
    """Return how the year stood to its quota when a month was over; None: nobody knows.

    Args:
        usage: of the year.
        limit: the quota that counts at the end of the month.
        first: day of the month.
        curve: of its year's plan, see :func:`plan_of`.
    """
    month = month_of(first)
    if not enough_known(usage, month):
        return None
    found = progress(limit.micro, usage, curve, month.last)
    return None if found.state is State.UNKNOWN else found


def against_last_year(usage: Usage, first: date, calendar: Calendar) -> Comparison | None:
    """Return how a month stands to the same month of the year before; None: nobody knows.

    Where the holidays of either year are not known, workdays cannot be told from others.

    Args:
        usage: of both years.
        first: day of the month.
        calendar: of both years.
    """
    month = month_of(first)
    if not enough_known(usage, month):
        return None
    found = year_on_year(usage, usage, month, calendar)
    if found.now is None or found.share < _COMPARABLE or not found.published:
        return None
    return found


def growth(now: Base, then: Base, by: Collection[str]) -> Decimal:
    """Return how many times as large an institution is as it was; at least 1.

    A new building, or new staff, uses energy. What is not known of both did not grow.

    Args:
        now: how large it is.
        then: how large it was.
        by: ``area`` and ``heads``, whichever grew more, or one of them.
    """
    pairs = {"area": (now.area_m2, then.area_m2), "heads": (now.heads, then.heads)}
    return max(Decimal(1), *(a / b for one in by for a, b in [pairs[one]] if a and b), Decimal(1))


def harder(now: Sequence[float], then: Sequence[float], felt: float) -> Decimal:
    """Return how many times as much some days asked for as others, by their weather; at least 1.

    A milder winter is no reason to expect less: who kept on heating alike is not asked.

    Args:
        now: mean outdoor temperatures of days, °C; none are known: nobody can tell, and it did not.
        then: of the others.
        felt: by what share of what is used without weather a degree-day a day adds to it.
    """
    if not now or not then:
        return Decimal(1)
    asked, before = (
        1 + felt * fmean(_heating(celsius) + _cooling(celsius) for celsius in days)
        for days in (now, then)
    )
    return max(Decimal(1), Decimal(asked / before))


def weather(
    celsius: Callable[[Window], Mapping[date, float]], windows: tuple[Window, Window], felt: float
) -> Decimal:
    """Return how many times as much a month asked for as the one before, see :func:`harder`.

    Args:
        celsius: mean outdoor temperatures of the days of a window that are known; where that are
            few of either, nobody can tell.
        windows: the month, and that of the year before.
        felt: see there.
    """
    days = [[*celsius(one).values()] for one in windows]
    if any(len(its) < _COMPARABLE * len(one) for its, one in zip(days, windows, strict=True)):
        return Decimal(1)
    return harder(days[0], days[1], felt)


def _heating(celsius: float) -> float:
    return max(0.0, _DEGREE_DAYS.heating_base_c - celsius)


def _cooling(celsius: float) -> float:
    return max(0.0, celsius - _DEGREE_DAYS.cooling_base_c)
