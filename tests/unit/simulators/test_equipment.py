"""The models behave as what they stand for."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from simulators import almanac
from simulators.models import aircon, lighting
from simulators.models.aircon import Unit
from simulators.models.building import Load
from simulators.models.equipment import build
from simulators.models.lighting import Circuit
from simulators.models.water import Taps

EPOCH = date(1970, 1, 1)
FRIDAY = (date(2026, 7, 17) - EPOCH).days
SATURDAY = FRIDAY + 1
JULY = np.arange((date(2026, 7, 1) - EPOCH).days, (date(2026, 8, 1) - EPOCH).days)
JANUARY = np.arange((date(2026, 1, 5) - EPOCH).days, (date(2026, 1, 24) - EPOCH).days)


def hour(grid: np.ndarray, at: int) -> float:
    return float(grid[0, at * 4 : at * 4 + 4].sum())


def test_an_office_works_by_day_rests_at_noon_and_sleeps_at_night() -> None:
    used = Load("office", 6.0, 40.0, 1.6).quanta(5, 7, np.array([FRIDAY]))
    assert hour(used, 10) > 1.3 * hour(used, 12) > 2.0 * hour(used, 3) > 0.0
    weekend = Load("office", 6.0, 40.0, 1.6).quanta(5, 7, np.array([SATURDAY]))
    assert hour(weekend, 10) < 0.4 * hour(used, 10)


def test_a_hospital_does_not_close() -> None:
    load = Load("hospital", 6.0, 40.0, 1.6)
    weekend, friday = (load.quanta(5, 7, np.array([d])) for d in (SATURDAY, FRIDAY))
    assert weekend.sum() > 0.6 * friday.sum()


def test_weather_moves_the_load() -> None:
    load = Load("office", 6.0, 40.0, 1.6)
    mild = np.arange((date(2026, 4, 6) - EPOCH).days, (date(2026, 4, 27) - EPOCH).days)
    july = JULY[: len(mild)]
    assert load.quanta(5, 7, july).sum() > 1.05 * load.quanta(5, 7, mild).sum()


def test_a_leak_shows_at_night_only_after_it_opened() -> None:
    taps = Taps("office", 3.0, leak_m3h=0.1, leak_since_day=FRIDAY)
    before, after = (hour(taps.quanta(7, np.array([d])), 2) for d in (FRIDAY - 1, FRIDAY))
    assert before == 0.0
    assert after == 100_000  # 0.1 m³ in mL


def test_the_room_has_inertia_and_the_unit_holds_its_set_point() -> None:
    course = aircon.follow(Unit(2600.0, 26.0, 20.0, 0.0), 5, 7, JULY)
    steps = np.abs(np.diff(course.room_c, axis=1))
    assert steps.max() < 3.0
    afternoon = course.on & (np.arange(96) >= 56)
    held = course.room_c[:, :-1][afternoon]
    assert held.max() < 29.0
    assert abs(np.median(held) - 26.0) < 1.0


def test_midnight_joins_the_days_of_a_room() -> None:
    course = aircon.follow(Unit(2600.0, 26.0, 20.0, 0.3), 5, 7, JULY)
    assert np.abs(course.room_c[1:, 0] - course.room_c[:-1, -1]).max() < 0.7


def test_a_unit_cools_in_summer_heats_in_winter_and_draws_power_only_when_on() -> None:
    unit = Unit(2600.0, 26.0, 20.0, 0.0)
    summer, winter = (aircon.follow(unit, 5, 7, days) for days in (JULY, JANUARY))
    assert set(summer.mode[summer.on.any(axis=1)].tolist()) == {aircon.COOL}
    assert set(winter.mode[winter.on.any(axis=1)].tolist()) == {aircon.HEAT}
    assert summer.power_w[~summer.on].max() < 10.0
    assert summer.power_w[summer.on].min() > 100.0
    assert summer.power_w.max() <= 2606.0


def test_a_forgotten_unit_runs_until_morning() -> None:
    course = aircon.follow(Unit(2600.0, 26.0, 20.0, 1.0), 5, 7, np.array([FRIDAY, SATURDAY]))
    assert course.on[0, 80:].all()
    assert course.on[1, :32].all()
    assert not course.on[1, 40:].any()


def test_lamps_follow_people_and_daylight() -> None:
    careful = lighting.follow(Circuit(480.0, 0.0, 0.0), 5, 7, JANUARY)
    careless = lighting.follow(Circuit(480.0, 1.0, 0.0), 5, 7, JANUARY)
    assert not (careful.on & ~careful.occupied).any()
    assert (careless.on == careless.occupied).all()
    assert careful.on.sum() < careless.on.sum()
    assert (careful.lux[careful.on] > 300.0).all()


def test_a_forgotten_circuit_burns_through_the_night() -> None:
    course = lighting.follow(Circuit(480.0, 0.0, 1.0), 5, 7, np.array([FRIDAY, SATURDAY]))
    assert course.on[0, 72:].all()
    assert course.on[1, :32].all()


def test_the_phases_add_up() -> None:
    at = almanac.start_of(FRIDAY) + 10 * 3600 * 1_000_000
    v = build("office", 1.0, 5, 7, FRIDAY - 30).values(at)
    phases = [v[f"power_{p}"] for p in "abc"]
    assert sum(phases) == pytest.approx(v["power_total"])
    for p in "abc":
        apparent = v[f"voltage_{p}"] * v[f"current_{p}"] / 1000.0
        assert v[f"power_{p}"] == pytest.approx(apparent * v[f"pf_{p}"])
    assert v["apparent_total"] > v["power_total"] > v["reactive_total"] > 0.0


def test_flow_and_volume_agree() -> None:
    meter = build("hospital-water", 1.0, 5, 7, FRIDAY - 30)
    at = almanac.start_of(FRIDAY) + 10 * 3600 * 1_000_000
    counter = meter.counters["volume_total"]
    flowed = (counter.at(at + 1_000_000) - counter.at(at)) / 1e6 * 3600.0
    assert meter.values(at)["flow"] == pytest.approx(flowed, rel=0.01)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="take office, school, hospital"):
        build("castle", 1.0, 5, 7, FRIDAY)
