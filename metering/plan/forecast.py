"""What a year will come to: last year's remaining shape, scaled by how this year has gone. Pure.

The scale is this year over last year on comparable days. How sure that is follows from how much the
months so far differ from each other: an honest interval takes the rest of the year to be as
different from them as one more month would be, and not as the mean of many.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from metering.plan.compare import Comparison, year_on_year
from metering.plan.curve import month_total
from metering.plan.usage import DAY, Usage, Window, month_of, year_before, year_of
from registry.calendar import Calendar

FEWEST_MONTHS: Final = 3
"""Months to compare before a spread means anything."""
FEWEST_DAYS: Final = 10
"""Comparable days that make a month worth a ratio."""

_STUDENT_80: Final = tuple(
    Decimal(text)
    for text in (
        *("3.078", "1.886", "1.638", "1.533", "1.476", "1.440"),
        *("1.415", "1.397", "1.383", "1.372", "1.363"),
    )
)
"""Two-sided 80 % quantiles of Student's t for 1, 2, … 11 degrees of freedom."""


class Refusal(enum.StrEnum):
    """Why there is no forecast."""

    FEW_MONTHS = "few_months"  # fewer than three months can be compared
    LAST_YEAR_UNKNOWN = "last_year_unknown"  # a month still to come is unknown last year
    NOTHING_USED = "nothing_used"  # last year's comparable days add up to 0
    GAPS_SO_FAR = "gaps_so_far"  # unknown days this year that last year cannot fill


@dataclass(frozen=True, slots=True)
class Forecast:
    """A year's end as it looks now; millionths of the unit.

    Attributes:
        so_far: known up to the day, unknown days filled by last year's, scaled.
        filled: the part of `so_far` that was filled so.
        expected: the whole year.
        low: nine of ten such years come to more.
        high: nine of ten such years come to less.
        ratio: this year over last year on comparable days.
        months: months that were compared.
        days: comparable days in them.
    """

    so_far: int
    filled: int
    expected: int
    low: int
    high: int
    ratio: Decimal
    months: int
    days: int


def forecast(now: Usage, last: Usage, until: date, calendar: Calendar) -> Forecast | Refusal:
    """Estimate the year's total.

    Args:
        now: what is known of the year.
        last: what is known of the year before.
        until: the last day that is over.
        calendar: of both years.
    """
    months = _compared(now, last, until, calendar)
    if len(months) < FEWEST_MONTHS:
        return Refusal.FEW_MONTHS
    ratio = _ratio(months)
    if ratio is None:
        return Refusal.NOTHING_USED
    spread = _spread(months, ratio)
    so_far = _so_far(now, last, until, ratio)
    if so_far is None:
        return Refusal.GAPS_SO_FAR
    known, filled = so_far
    rest = _rest(last, until)
    if rest is None:
        return Refusal.LAST_YEAR_UNKNOWN
    to_come = rest * ratio
    unsure = (to_come + filled) * spread / ratio if ratio else Decimal(0)
    certain = known + filled
    return Forecast(
        so_far=certain,
        filled=filled,
        expected=certain + int(to_come),
        low=max(known, certain + int(to_come - unsure)),
        high=certain + int(to_come + unsure),
        ratio=ratio,
        months=len(months),
        days=sum(month.days for month in months),
    )


def _compared(now: Usage, last: Usage, until: date, calendar: Calendar) -> tuple[Comparison, ...]:
    found = []
    for first in Window(date(until.year, 1, 1), until).months():
        inside = Window(first, min(month_of(first).last, until))
        one = year_on_year(now, last, inside, calendar)
        if one.now is not None and one.days >= FEWEST_DAYS:
            found.append(one)
    return tuple(found)


def _ratio(months: Sequence[Comparison]) -> Decimal | None:
    then = sum(month.then or 0 for month in months)
    return Decimal(sum(month.now or 0 for month in months)) / then if then else None


def _spread(months: Sequence[Comparison], ratio: Decimal) -> Decimal:
    """Half the width of the interval, in the unit of the ratio; weighted by last year's use."""
    then = sum(month.then or 0 for month in months)
    off = sum(
        (Decimal(month.now or 0) - ratio * (month.then or 0)) ** 2 / month.then
        for month in months
        if month.then
    )
    count = len(months)
    variance = Decimal(off) / then * count / (count - 1)
    student = _STUDENT_80[min(count - 2, len(_STUDENT_80) - 1)]
    return student * (variance * (1 + Decimal(1) / count)).sqrt()


def _so_far(now: Usage, last: Usage, until: date, ratio: Decimal) -> tuple[int, int] | None:
    """What is known this year up to the day, and what last year says of the days between."""
    window = Window(date(until.year, 1, 1), until)
    pieces = now.pieces(window)
    covered = {day for piece in pieces for day in piece.window}
    filled = Decimal(0)
    for first in window.months():
        missing = sum(day not in covered for day in month_of(first) if day in window)
        if not missing:
            continue
        month = month_of(first)
        total = month_total(last, year_before(month))
        if total is None:
            return None
        filled += total * ratio * missing / len(month)
    return sum(piece.micro for piece in pieces), int(filled)


def _rest(last: Usage, until: date) -> Decimal | None:
    """What last year used after the same date."""
    rest = Decimal(0)
    year = year_of(until.year)
    if until == year.last:
        return rest
    for first in Window(until + DAY, year.last).months():
        month = month_of(first)
        total = month_total(last, year_before(month))
        if total is None:
            return None
        to_come = len(month) - (until.day if until in month else 0)
        rest += Decimal(total) * to_come / len(month)
    return rest
