from __future__ import annotations

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from metering.gauge.daily import DayMean
from metering.gauge.season import Season, season_by_dates, seasons
from metering.gauge.settings import SeasonSettings

BY_DATES = SeasonSettings()
BY_TEMPERATURE = SeasonSettings(mode="temperature")
FIRST = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("month", "day", "expected"),
    [
        (11, 14, Season.NEITHER),
        (11, 15, Season.HEATING),
        (12, 31, Season.HEATING),
        (1, 1, Season.HEATING),
        (3, 15, Season.HEATING),
        (3, 16, Season.NEITHER),
        (5, 31, Season.NEITHER),
        (6, 1, Season.COOLING),
        (9, 30, Season.COOLING),
        (10, 1, Season.NEITHER),
    ],
)
def test_seasons_by_their_days(month: int, day: int, expected: Season) -> None:
    assert season_by_dates(date(2026, month, day), BY_DATES) is expected


def test_the_mode_dates_needs_no_temperature() -> None:
    assert seasons([FIRST], [], BY_DATES) == {FIRST: Season.NEITHER}


def by_temperature(*celsius: float | None) -> list[Season]:
    means = [
        DayMean(FIRST + timedelta(days=number), value, None if value is None else "hours", ())
        for number, value in enumerate(celsius)
    ]
    found = seasons([mean.day for mean in means], means, BY_TEMPERATURE)
    return list(found.values())


def test_heating_begins_with_the_running_mean_not_with_one_cold_day() -> None:
    found = by_temperature(10, 10, 10, 10, 0, 10, 0, 0, 0)
    assert found[4:] == [Season.NEITHER] * 3 + [Season.HEATING] * 2


def test_cooling_begins_with_the_running_mean() -> None:
    assert by_temperature(26, 26, 26, 26, 26)[-1] is Season.COOLING
    assert by_temperature(26, 26, 26, 26, 25.9)[-1] is Season.NEITHER


def test_with_an_unknown_day_in_the_window_the_season_is_unknown() -> None:
    found = by_temperature(0, 0, 0, 0, 0, None, 0)
    assert found == [Season.UNKNOWN] * 4 + [Season.HEATING] + [Season.UNKNOWN] * 2


def test_a_window_of_one_day_is_the_day() -> None:
    settings = SeasonSettings(mode="temperature", running_days=1)
    mean = DayMean(FIRST, 5.0, "hours", ())
    assert seasons([FIRST], [mean], settings) == {FIRST: Season.HEATING}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"heating_from": "02-30"}, "no day of the year"),
        ({"heating_from": "2-3"}, "pattern"),
        ({"heating_until": "06-01"}, "both seasons include 06-01"),
        ({"heating_at_most_c": 26.0}, "must be below"),
    ],
)
def test_settings_that_contradict_are_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        SeasonSettings.model_validate(wrong)
