from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.demand import (
    Demands,
    LeftOut,
    MaximumDemand,
    bounds,
    demand,
    maximum_demand,
    maximum_demands,
)
from metering.gauge.gauge import GaugeQuarters
from tests.unit.metering.gauge.samples import MIDNIGHT, SECOND

QUARTER = 900 * SECOND
DAY = 96 * QUARTER
LEAST = 600


def quarters(*rows: tuple[int, int, float, int]) -> GaugeQuarters:
    """Subject, quarter of the day, mean, covered seconds."""
    subject, number, mean, covered = (np.array(column) for column in zip(*rows, strict=True))
    mean = mean.astype(np.float64)
    slot = MIDNIGHT + number * QUARTER
    return GaugeQuarters(subject, slot, mean, mean, mean, covered.astype(np.int16))


def demands(*rows: tuple[int, float, int]) -> Demands:
    return demand(quarters(*((0, *row) for row in rows)))


def of_day(found: Demands) -> MaximumDemand:
    return maximum_demand(found, MIDNIGHT, MIDNIGHT + DAY, LEAST)


def left_out(first: int, last: int, covered: int = 0) -> LeftOut:
    return LeftOut(MIDNIGHT + first * QUARTER, MIDNIGHT + last * QUARTER, covered)


def test_the_greatest_demand_has_its_time() -> None:
    found = of_day(demands(*((n, 120.5 if n == 40 else 80.0, 900) for n in range(96))))
    assert found == MaximumDemand(120.5, MIDNIGHT + 40 * QUARTER, 96, ())


def test_of_equal_demands_the_first_counts() -> None:
    found = of_day(demands((10, 5.0, 900), (20, 5.0, 900)))
    assert found.slot == MIDNIGHT + 10 * QUARTER


def test_two_devices_at_once_make_no_quarter_longer_than_it_is() -> None:
    found = demand(quarters((1, 3, 10.0, 900), (2, 3, 30.0, 900)))
    assert (found.value.tolist(), found.covered_s.tolist()) == ([20.0], [900])


def test_a_quarter_covered_too_little_does_not_count_and_is_named() -> None:
    found = of_day(
        demands(*((n, 500.0 if n == 7 else 80.0, 599 if n == 7 else 900) for n in range(96)))
    )
    assert found == MaximumDemand(80.0, MIDNIGHT, 95, (left_out(7, 8, 599),))


def test_missing_quarters_are_named_together() -> None:
    found = of_day(demands((0, 1.0, 900), (1, 2.0, 10), (5, 3.0, 600)))
    assert found == MaximumDemand(
        3.0, MIDNIGHT + 5 * QUARTER, 2, (left_out(1, 5, 10), left_out(6, 96))
    )


def test_of_nothing_the_greatest_is_unknown_not_zero() -> None:
    nothing = demands((200, 1.0, 900))
    assert of_day(nothing) == MaximumDemand(None, None, 0, (left_out(0, 96),))
    assert maximum_demand(nothing, MIDNIGHT, MIDNIGHT, LEAST) == MaximumDemand(None, None, 0, ())


def test_power_that_is_fed_in_is_negative_and_stays_so() -> None:
    assert of_day(demands((0, -5.0, 900), (1, -3.0, 900))).value == -3.0


@pytest.mark.parametrize(("begin", "end"), [(1, QUARTER), (0, 1), (QUARTER, 0)])
def test_only_whole_quarters_can_be_asked_for(begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="whole quarter hours"):
        maximum_demand(demands((0, 1.0, 900)), begin, end, LEAST)


def test_case_25_a_meter_replaced_within_a_quarter_counts_by_its_time() -> None:
    found = demand(quarters((1, 0, 10.0, 300), (2, 0, 40.0, 600), (2, 1, 7.0, 900)))
    assert found.value.tolist() == [30.0, 7.0]
    assert found.covered_s.tolist() == [900, 900]


def test_case_21_power_behind_transformers_is_multiplied() -> None:
    assert demand(quarters((0, 0, 2.5, 900)), factor=80.0).value.tolist() == [200.0]


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan")])
def test_a_ratio_must_be_above_zero(factor: float) -> None:
    with pytest.raises(ValueError, match="ratio must be above 0"):
        demand(quarters((0, 0, 1.0, 900)), factor)


ROWS = st.lists(
    st.tuples(st.integers(-5, 100), st.floats(-1e6, 1e6), st.integers(1, 900)),
    unique_by=lambda row: row[0],
    min_size=1,
)


@given(ROWS)
def test_every_quarter_counts_or_is_left_out(rows: list[tuple[int, float, int]]) -> None:
    found = of_day(demands(*rows))
    good = {n: value for n, value, covered in rows if 0 <= n < 96 and covered >= LEAST}
    named = sum((gap.until - gap.since) // QUARTER for gap in found.left_out)
    assert found.counted == len(good)
    assert named == 96 - len(good)
    assert found.value == max(good.values(), default=None)
    poor = sum(covered for n, _, covered in rows if 0 <= n < 96 and covered < LEAST)
    assert sum(gap.covered_s for gap in found.left_out) == poor


SHANGHAI = ZoneInfo("Asia/Shanghai")


def moments(found: list[int]) -> list[datetime]:
    return [datetime.fromtimestamp(us / SECOND, SHANGHAI).replace(tzinfo=None) for us in found]


def test_case_39_a_day_begins_at_midnight_of_the_site() -> None:
    assert moments(bounds(date(2026, 5, 31), date(2026, 6, 1), "day", SHANGHAI)) == [
        datetime(2026, 5, 31),  # noqa: DTZ001
        datetime(2026, 6, 1),  # noqa: DTZ001
        datetime(2026, 6, 2),  # noqa: DTZ001
    ]


def test_case_38_a_month_is_one_of_the_calendar() -> None:
    assert moments(bounds(date(2026, 1, 31), date(2026, 3, 1), "month", SHANGHAI)) == [
        datetime(2026, month, 1)  # noqa: DTZ001
        for month in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(("day", "quarters"), [(date(2026, 3, 29), 92), (date(2026, 10, 25), 100)])
def test_case_40_a_day_may_have_23_or_25_hours(day: date, quarters: int) -> None:
    begin, end = bounds(day, day, "day", ZoneInfo("Europe/Berlin"))
    assert (end - begin) // QUARTER == quarters


def test_days_that_end_before_they_begin_are_refused() -> None:
    with pytest.raises(ValueError, match="is before the first"):
        bounds(date(2026, 6, 2), date(2026, 6, 1), "day", SHANGHAI)


def test_the_greatest_demand_of_each_day() -> None:
    found = demands((-1, 9.0, 900), (0, 5.0, 900), (95, 6.0, 900), (96, 7.0, 900))
    days = [MIDNIGHT + number * DAY for number in (-1, 0, 1, 2)]
    peaks = [(peak.value, peak.counted) for peak in maximum_demands(found, days, LEAST)]
    assert peaks == [(9.0, 1), (6.0, 2), (7.0, 1)]
