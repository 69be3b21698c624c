from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jieyong.commands.temperature_tables import missing, totals
from metering.gauge.daily import DayMean
from metering.gauge.settings import DegreeDaySettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        ((), ""),
        ((3,), "03 时"),
        ((3, 4, 5, 14), "03–05、14 时"),
        (tuple(range(24)), "00–23 时"),
    ],
)
def test_missing_hours_are_joined(hours: Sequence[int], words: str) -> None:
    assert missing([datetime(2026, 6, 1, hour, tzinfo=SHANGHAI) for hour in hours]) == words


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_a_change_of_the_clock_does_not_part_a_day(day: date, hours: int) -> None:
    begin = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    whole = [(begin + timedelta(hours=n)).astimezone(BERLIN) for n in range(hours)]
    assert missing(whole) == "00–23 时"


def test_many_unknown_days_are_named_in_part() -> None:
    unknown = [DayMean(date(2026, 6, day), None, None, ()) for day in range(1, 13)]
    heating, cooling, named = totals(unknown, DegreeDaySettings(heating_base_c=15.5))
    assert heating == "采暖度日 HDD15.5 合计未知；仅就已知的 0 天为 0.0 ℃·d"
    assert cooling == "制冷度日 CDD26 合计未知；仅就已知的 0 天为 0.0 ℃·d"
    assert named.startswith("气温未知的 12 天：2026-06-01、")
    assert named.endswith("2026-06-10 等；补录后即可得出合计。")
