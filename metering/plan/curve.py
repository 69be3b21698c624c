"""How a year's quota is expected to be used up: evenly, or as last year. Pure."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Final

from metering.plan.usage import Usage, Window, month_of, year_of
from registry.calendar import Calendar
from registry.day_kind import DayKind

ENOUGH_OF_A_MONTH: Final = Decimal("0.8")
"""Share of a month's days that lets their mean stand for the others."""


class Shape(enum.StrEnum):
    """What a curve follows."""

    DAYS = "days"
    LAST_YEAR = "last_year"


@dataclass(frozen=True, slots=True)
class Curve:
    """A weight for each day of a year.

    Attributes:
        weights: any whole numbers; only their proportion counts.
        shape: where they come from.
    """

    weights: Mapping[date, int]
    shape: Shape

    def share(self, days: Iterable[date]) -> Fraction:
        """Which part of the year's quota belongs to some of its days."""
        return Fraction(sum(self.weights[day] for day in days), sum(self.weights.values()))


def evenly(year: int) -> Curve:
    """Every day the same."""
    return Curve(dict.fromkeys(year_of(year), 1), Shape.DAYS)


def as_last_year(year: int, last: Usage, calendar: Calendar) -> Curve | None:
    """Each month as heavy as last year's; in it, workdays as heavy as last year's workdays.

    Args:
        year: the year the curve is for.
        last: what is known of the year before.
        calendar: of both years.

    Returns:
        None when a month of last year is unknown, or nothing was used.
    """
    weights: dict[date, int] = {}
    for first in year_of(year).months():
        before = month_of(first.replace(year=year - 1))
        total = month_total(last, before)
        if total is None:
            return None
        weights |= _spread(total, month_of(first), _means(last, before, calendar), calendar)
    return Curve(weights, Shape.LAST_YEAR) if any(weights.values()) else None


def month_total(usage: Usage, month: Window) -> int | None:
    """Millionths of the unit of a month; a few unknown days count as the mean of the others."""
    total = usage.total(month)
    if total is not None:
        return total
    known = [usage.days[day] for day in month if day in usage.days]
    if Decimal(len(known)) / len(month) < ENOUGH_OF_A_MONTH:
        return None
    return sum(known) * len(month) // len(known)


def _means(usage: Usage, month: Window, calendar: Calendar) -> dict[DayKind, int]:
    by_kind: dict[DayKind, list[int]] = defaultdict(list)
    for day in month:
        if day in usage.days:
            by_kind[calendar.kind(day)].append(usage.days[day])
    return {kind: sum(values) // len(values) for kind, values in by_kind.items()}


def _spread(
    total: int, month: Window, means: Mapping[DayKind, int], calendar: Calendar
) -> dict[date, int]:
    usual = sum(means.values()) // len(means) if means else 1
    raw = [means.get(calendar.kind(day), usual) for day in month]
    running = list(accumulate(raw if any(raw) else [1] * len(month), initial=0))
    upto = [total * weight // running[-1] for weight in running]  # the parts add up to the total
    return {day: b - a for day, (a, b) in zip(month, pairwise(upto), strict=True)}
