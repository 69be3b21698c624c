from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from fleet.ledger.window import months, rolling, year


def test_windows_end_with_their_month() -> None:
    month, quarter, twelve = rolling(date(2026, 2, 17))
    assert (month.first, month.end, month.name) == (date(2026, 2, 1), date(2026, 3, 1), "2026-02")
    assert (quarter.first, quarter.end) == (date(2025, 12, 1), date(2026, 3, 1))
    assert (twelve.first, twelve.end) == (date(2025, 3, 1), date(2026, 3, 1))
    assert twelve.name == "2025-03 至 2026-02"


def test_a_month_begins_at_local_midnight() -> None:
    begin, end = months(date(2026, 12, 1), 1).times(ZoneInfo("Asia/Shanghai"))
    assert begin == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert end == datetime(2026, 12, 31, 16, tzinfo=UTC)


def test_a_year() -> None:
    assert (year(2026).first, year(2026).end) == (date(2026, 1, 1), date(2027, 1, 1))
