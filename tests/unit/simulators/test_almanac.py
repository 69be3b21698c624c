from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from simulators import almanac

EPOCH = date(1970, 1, 1)


def day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


@pytest.mark.parametrize(
    ("when", "worked"),
    [
        ("2026-11-20", True),  # a Friday
        ("2026-11-21", False),
        ("2026-11-22", False),
        ("2026-10-01", False),
        ("2026-02-17", False),  # new year's day of the moon
        ("2026-02-16", False),  # its eve
        ("2026-03-02", True),
    ],
)
def test_workdays(when: str, worked: bool) -> None:
    assert bool(almanac.workdays(np.array([day(when)]))[0]) is worked


def test_a_local_day_begins_at_sixteen_hours_utc() -> None:
    first = almanac.start_of(day("2026-03-01"))
    assert first == 1_772_294_400_000_000  # 2026-02-28T16:00:00Z
    assert almanac.day_of(first) == day("2026-03-01")
    assert almanac.day_of(first - 1) == day("2026-02-28")


def test_summer_is_warm_and_light_winter_is_neither() -> None:
    july = np.arange(day("2026-07-01"), day("2026-08-01"))
    january = np.arange(day("2026-01-01"), day("2026-02-01"))
    assert almanac.outdoor(5, july).mean() - almanac.outdoor(5, january).mean() > 15.0
    assert almanac.daylight(5, july).sum() > 1.5 * almanac.daylight(5, january).sum()
    assert almanac.daylight(5, july)[:, :16].max() == 0.0, "it is dark before four"


def test_temperature_is_the_same_however_many_days_are_asked_for() -> None:
    days = np.arange(20_600, 20_640)
    whole = almanac.outdoor(3, days)
    assert np.array_equal(whole[7], almanac.outdoor(3, days[7:8])[0])


def test_temperature_has_no_step_at_midnight() -> None:
    whole = almanac.outdoor(3, np.arange(20_600, 20_700)).reshape(-1)
    assert np.abs(np.diff(whole)).max() < 1.0
