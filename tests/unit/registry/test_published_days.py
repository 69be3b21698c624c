from __future__ import annotations

from datetime import date, timedelta

from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from registry.published_days import published_days

CALENDAR = DatedCalendar(published_days())


def days_2026(kind: DayKind) -> list[date]:
    year = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    return [day for day in year if CALENDAR.kind(day) is kind]


def test_the_make_up_days_of_2026_are_workdays() -> None:
    weekend = [day for day in days_2026(DayKind.WORKDAY) if day.weekday() >= 5]
    # The State Council's notice on the holidays of 2026, as facts/libraries.md has it.
    named = ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))
    assert weekend == [date(2026, month, day) for month, day in named]


def test_the_national_day_is_a_holiday_and_an_ordinary_sunday_a_weekend() -> None:
    assert CALENDAR.kind(date(2026, 10, 1)) is DayKind.HOLIDAY
    assert CALENDAR.kind(date(2026, 11, 22)) is DayKind.WEEKEND
    assert CALENDAR.kind(date(2026, 11, 23)) is DayKind.WORKDAY


def test_a_year_without_a_notice_is_said_to_be_one() -> None:
    assert CALENDAR.published(2026)
    assert not CALENDAR.published(2100)
