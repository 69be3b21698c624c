from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US, Quarters
from metering.plan.base_load import BaseLoad, By, base_load, week_span

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 10, 12)
BEGIN = datetime(2026, 10, 11, 16, tzinfo=UTC)
WEEK = 7 * 96


def week(micro: Callable[[int], int]) -> Quarters:
    """Quarter n of the local week holds micro(n)."""
    count = WEEK
    start = round(BEGIN.timestamp()) * 1_000_000
    return Quarters(
        slot=start + np.arange(count, dtype=np.int64) * GRAIN_US,
        micro=np.array([micro(n) for n in range(count)], dtype=np.int64),
        estimated=np.zeros(count, dtype=np.int64),
        covered_s=np.full(count, 900, dtype=np.int16),
        flags=np.zeros(count, dtype=np.int16),
    )


def only(quarters: Quarters, keep: Callable[[int], bool]) -> Quarters:
    mask = np.array([keep(n) for n in range(len(quarters.slot))])
    return Quarters(*(getattr(quarters, name)[mask] for name in Quarters.__slots__))


def test_the_days_do_not_matter_only_the_nights() -> None:
    found = base_load(week(lambda n: 250_000 if n % 96 < 20 else 9_010_000), MONDAY, SHANGHAI)
    assert found == BaseLoad(MONDAY, 1_000_000, 7, By.HOUR)


def test_one_night_of_work_and_one_odd_hour_do_not_change_it() -> None:
    def micro(n: int) -> int:
        if n // 96 == 3:
            return 5_000_000
        return 10_000 if 4 <= n < 8 else 250_000

    assert base_load(week(micro), MONDAY, SHANGHAI).micro_per_hour == 1_000_000


def test_a_register_of_whole_kilowatt_hours_is_judged_by_the_night() -> None:
    # 1.2 kW on a counter of 1 kWh: hours read 1, 1, 1, 1, 2.
    found = base_load(
        week(lambda n: ((n + 1) * 3 // 10 - n * 3 // 10) * 1_000_000), MONDAY, SHANGHAI
    )
    assert found.by is By.NIGHT
    assert found.micro_per_hour == 1_200_000


def test_estimated_or_missing_quarters_leave_their_night_out() -> None:
    quarters = week(lambda _: 250_000)
    quarters.estimated[0] = 1
    quarters.covered_s[96] = 899
    found = base_load(only(quarters, lambda n: n != 2 * 96 + 7), MONDAY, SHANGHAI)
    assert found.nights == 4


def test_two_nights_say_nothing() -> None:
    found = base_load(only(week(lambda _: 1), lambda n: n < 2 * 96), MONDAY, SHANGHAI)
    assert found == BaseLoad(MONDAY, None, 2, By.HOUR)


def test_no_consumption_at_night_is_zero_and_known() -> None:
    assert base_load(week(lambda _: 0), MONDAY, SHANGHAI).micro_per_hour == 0


def test_the_week_is_a_local_week_from_monday() -> None:
    assert week_span(MONDAY, SHANGHAI) == (BEGIN, BEGIN + timedelta(days=6, hours=5))
    with pytest.raises(ValueError, match="no Monday"):
        week_span(date(2026, 10, 13), SHANGHAI)


@given(st.lists(st.integers(0, 10**9), min_size=WEEK, max_size=WEEK))
def test_it_lies_between_the_least_and_the_most_of_the_nights(values: list[int]) -> None:
    found = base_load(week(lambda n: values[n]), MONDAY, SHANGHAI)
    nights = np.array(values).reshape(7, 96)[:, :20]
    assert found.micro_per_hour is not None
    assert nights.min() * 4 <= found.micro_per_hour <= nights.max() * 4


@pytest.mark.parametrize(("low_hours", "found"), [(3, 1_000_000), (4, 400_004), (7, 400_004)])
def test_a_tenth_of_the_hours_makes_the_base_load(low_hours: int, found: int) -> None:
    """Of 35 hours of seven nights, the fourth from below."""

    def micro(n: int) -> int:
        night, quarter = divmod(n, 96)
        return 100_001 if quarter < 4 and night < low_hours else 250_000

    assert base_load(week(micro), MONDAY, SHANGHAI).micro_per_hour == found
