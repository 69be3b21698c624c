from __future__ import annotations

from datetime import date, time
from zoneinfo import ZoneInfo

import pytest

from fleet.yards.days import meets, read_clock, read_days, shown_days, whole, window
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from registry.published_days import published_days

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = DatedCalendar(published_days())
HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "kept", "shown"),
    [
        ("每天", "daily", "每天"),
        ("周末、节假日", "weekend,holiday", "周末、节假日"),
        ("法定节假日", "holiday", "节假日"),
        ("周日 周一", "mon,sun", "周一、周日"),
        ("holiday,weekend", "weekend,holiday", "周末、节假日"),
    ],
)
def test_days_are_read_as_people_write_them(text: str, kept: str, shown: str) -> None:
    assert read_days(text) == kept
    assert shown_days(kept) == shown


def test_words_that_are_no_days_are_not_understood() -> None:
    assert read_days("有时") is None
    assert read_days("") is None


def test_national_day_and_its_make_up_days() -> None:
    assert meets("holiday", date(2026, 10, 1), CALENDAR) is True
    assert meets("holiday", date(2026, 10, 9), CALENDAR) is False
    # 2026-10-10 is a Saturday that is worked.
    assert meets("weekend", date(2026, 10, 10), CALENDAR) is False
    assert meets("workday", date(2026, 10, 10), CALENDAR) is True
    assert meets("sat", date(2026, 10, 10), CALENDAR) is True
    assert meets("daily", date(2031, 10, 1), CALENDAR) is True


def test_holidays_of_a_year_that_is_not_published_are_not_known() -> None:
    assert meets("holiday", date(2031, 10, 1), CALENDAR) is None
    assert meets("mon,holiday", date(2031, 10, 1), CALENDAR) is None
    assert meets("wed,holiday", date(2031, 10, 1), CALENDAR) is True
    entered = DatedCalendar({date(2031, 10, 1): DayKind.HOLIDAY})
    assert meets("holiday", date(2031, 10, 1), entered) is True
    assert meets("holiday", date(2031, 10, 2), entered) is False


def test_a_night_ends_in_the_morning() -> None:
    night = window(date(2026, 6, 1), time(22), time(6), ZONE)
    assert night.to_us - night.from_us == 8 * HOUR
    assert window(date(2026, 6, 1), time(8), time(18), ZONE).to_us - night.from_us == -4 * HOUR
    day = whole(date(2026, 6, 1), ZONE)
    assert day.to_us - day.from_us == 24 * HOUR
    assert night.from_us - day.from_us == 22 * HOUR


def test_clocks() -> None:
    assert read_clock("22:00") == time(22)
    assert read_clock("24:00") == time(0)
    assert read_clock("25:00") is None
    assert read_clock("22") is None
