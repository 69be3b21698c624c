"""What the tests of plans share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from metering.plan.usage import Window, year_of
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind

KWH = 1_000_000
PLAIN = DatedCalendar({})
"""Weekdays only; nothing is published."""
NATIONAL_DAY = DatedCalendar(
    {date(year, 10, day): DayKind.HOLIDAY for year in (2025, 2026) for day in range(1, 8)}
    | {date(2026, 10, 10): DayKind.WORKDAY, date(2025, 9, 28): DayKind.WORKDAY}
)


def days(window: Window, kwh: Callable[[date], float]) -> dict[date, int]:
    return {day: round(kwh(day) * KWH) for day in window}


def office(day: date) -> float:
    """100 kWh on weekdays, 40 at weekends."""
    return 40 if day.weekday() >= 5 else 100


def full_year(year: int, kwh: Callable[[date], float] = office) -> dict[date, int]:
    return days(year_of(year), kwh)
