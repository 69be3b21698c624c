from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.factors.clock import date_of, local_day, local_quarters, midnight_us
from tests.unit.metering.factors.samples import SHANGHAI, us

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def test_days_begin_at_the_local_midnight() -> None:
    clock = local_quarters(us("2026-12-31 23:45"), us("2027-01-01 00:15"), SHANGHAI)
    assert [(date_of(int(d)), int(q)) for d, q in zip(clock.day, clock.quarter, strict=True)] == [
        (date(2026, 12, 31), 95),
        (date(2027, 1, 1), 0),
    ]
    assert local_day(us("2026-12-31 23:59"), SHANGHAI) == date(2026, 12, 31)
    assert midnight_us(date(2027, 1, 1), SHANGHAI) == us("2027-01-01 00:00")


def test_a_day_on_which_the_clock_changes() -> None:
    short = local_quarters(
        midnight_us(date(2026, 3, 29), BERLIN), midnight_us(date(2026, 3, 30), BERLIN), BERLIN
    )
    assert [int(q) for q in short.quarter] == [*range(8), *range(12, 96)]
    long = local_quarters(
        midnight_us(date(2026, 10, 25), BERLIN), midnight_us(date(2026, 10, 26), BERLIN), BERLIN
    )
    assert [int(q) for q in long.quarter] == [*range(12), *range(8, 96)]
    assert set(long.day) == {(date(2026, 10, 25) - date(1970, 1, 1)).days}


@pytest.mark.parametrize(("begin", "end"), [(1, GRAIN_US), (0, 1), (0, 0), (GRAIN_US, 0)])
def test_a_window_off_the_quarters_is_refused(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="no whole quarter hours"):
        local_quarters(begin, end, SHANGHAI)


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 2_000_000), st.integers(1, 400))
def test_every_quarter_is_where_the_zone_says(name: str, first: int, count: int) -> None:
    zone = ZoneInfo(name)
    begin = first * GRAIN_US
    clock = local_quarters(begin, begin + count * GRAIN_US, zone)
    for index in range(count):
        moment = EPOCH + timedelta(microseconds=begin + index * GRAIN_US)
        local = moment.astimezone(zone)
        assert date_of(int(clock.day[index])) == local.date()
        assert int(clock.quarter[index]) == local.hour * 4 + local.minute // 15
