from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from fleet.trips.days import calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = 3_600_000_000


def us(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp()) * 1_000_000


def test_a_way_across_midnight_is_shared_by_time() -> None:
    days = calendar(us(2026, 6, 1), us(2026, 6, 3), SHANGHAI)
    shared = [
        (days.day(n), mm) for n, mm in days.share(us(2026, 6, 1, 15), us(2026, 6, 1, 18), 100)
    ]
    assert shared == [(date(2026, 6, 1), 33), (date(2026, 6, 2), 67)]


def test_what_ends_at_midnight_belongs_to_the_day_before() -> None:
    days = calendar(us(2026, 6, 1), us(2026, 6, 3), SHANGHAI)
    assert list(days.share(us(2026, 6, 1, 15), us(2026, 6, 1, 16), 7)) == [(0, 7)]


def test_days_of_23_and_25_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    for day, hours in (((2026, 3, 29), 23), ((2026, 10, 25), 25)):
        days = calendar(us(*day, 6), us(*day, 7), zone)
        begin, end = days.midnights_us
        assert end - begin == hours * HOUR


@given(
    st.integers(0, 60 * 24),
    st.integers(0, 20 * 60 * 24),
    st.integers(0, 10**10),
)
def test_nothing_is_lost(begin_min: int, minutes: int, amount: int) -> None:
    start = us(2026, 6, 1) + begin_min * 60_000_000
    end = start + minutes * 60_000_000
    days = calendar(start, end, SHANGHAI)
    parts = list(days.share(start, end, amount))
    assert sum(part for _, part in parts) == amount
    assert all(part >= 0 for _, part in parts)
    assert [n for n, _ in parts] == sorted({n for n, _ in parts})
