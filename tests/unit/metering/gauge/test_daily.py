from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.daily import DayMean, DegreeDays, Hour, daily_mean, degree_days
from metering.gauge.settings import DegreeDaySettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 6, 1)
SETTINGS = DegreeDaySettings()


def hours_of(day: date, values: dict[int, float], zone: ZoneInfo = SHANGHAI) -> list[Hour]:
    """Hour of the day → °C."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return [
        Hour(midnight + timedelta(hours=hour), celsius, "entered")
        for hour, celsius in values.items()
    ]


def mean_of(values: dict[int, float], entered: float | None = None) -> DayMean:
    return daily_mean(DAY, SHANGHAI, hours_of(DAY, values), entered, SETTINGS)


def test_the_mean_of_all_hours() -> None:
    found = mean_of({hour: float(hour) for hour in range(24)})
    assert found == DayMean(DAY, 11.5, "hours", ())


def test_missing_hours_are_named_and_do_not_count_as_zero() -> None:
    found = mean_of({hour: 20.0 for hour in range(24) if hour not in {3, 4}})
    assert (found.celsius, found.basis) == (20.0, "hours")
    assert [at.hour for at in found.missing] == [3, 4]
    assert all(at.tzinfo is SHANGHAI and at.date() == DAY for at in found.missing)


def test_just_enough_hours_make_a_mean() -> None:
    found = mean_of(dict.fromkeys(range(20), 20.0))
    assert (found.celsius, found.basis, len(found.missing)) == (20.0, "hours", 4)


def test_a_day_with_too_few_readings_is_unknown() -> None:
    found = mean_of(dict.fromkeys(range(19), 20.0))
    assert (found.celsius, found.basis, len(found.missing)) == (None, None, 5)


def test_the_four_hours_of_the_weather_service_are_enough() -> None:
    found = mean_of({2: 10.0, 8: 14.0, 14: 22.0, 20: 16.0, 21: 99.0})
    assert (found.celsius, found.basis, len(found.missing)) == (15.5, "four", 19)


def test_a_mean_that_was_entered_goes_before_the_hours() -> None:
    found = mean_of(dict.fromkeys(range(24), 20.0), entered=0.0)
    assert found == DayMean(DAY, 0.0, "entered", ())


@pytest.mark.parametrize(("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_case_40_a_day_of_23_or_25_hours_misses_so_many(day: date, length: int) -> None:
    found = daily_mean(day, BERLIN, [], None, SETTINGS)
    assert len({at.astimezone(UTC) for at in found.missing}) == length


def test_degree_days_of_a_time() -> None:
    means = [
        DayMean(DAY + timedelta(days=number), celsius, "hours", ())
        for number, celsius in enumerate([10.0, 18.0, 20.0, 26.0, 29.5])
    ]
    assert degree_days(means, SETTINGS) == DegreeDays(8.0, 3.5, 8.0, 3.5, 5, ())


def test_the_bases_can_be_set() -> None:
    settings = DegreeDaySettings(heating_base_c=15, cooling_base_c=24)
    found = degree_days([DayMean(DAY, 14.0, "hours", ())], settings)
    assert (found.heating, found.cooling) == (1.0, 0.0)


def test_with_an_unknown_day_the_sum_is_unknown_and_the_least_is_said() -> None:
    other = DAY + timedelta(days=1)
    found = degree_days([DayMean(DAY, 10.0, "hours", ()), DayMean(other, None, None, ())], SETTINGS)
    assert found == DegreeDays(None, None, 8.0, 0.0, 1, (other,))


@given(st.lists(st.one_of(st.none(), st.floats(-60, 60)), max_size=40), st.integers(0, 40))
def test_degree_days_of_parts_add_up(celsius: list[float | None], cut: int) -> None:
    means = [
        DayMean(DAY + timedelta(days=number), value, None if value is None else "hours", ())
        for number, value in enumerate(celsius)
    ]
    whole = degree_days(means, SETTINGS)
    parts = degree_days(means[:cut], SETTINGS), degree_days(means[cut:], SETTINGS)
    assert whole.heating_known == pytest.approx(sum(part.heating_known for part in parts))
    assert whole.cooling_known == pytest.approx(sum(part.cooling_known for part in parts))
    assert whole.unknown == parts[0].unknown + parts[1].unknown
    assert (whole.heating is None) == any(part.heating is None for part in parts)
    assert whole.days + len(whole.unknown) == len(means)
