from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators import almanac
from simulators.models import route, vehicle
from simulators.models.route import City, Point
from simulators.models.vehicle import OFFICIAL, PATROL, Fixes, Habit, Vehicle

SINCE = 20_500
CITY = City(30.572, 104.066)
SECOND = 1_000_000
SEEDS = st.integers(0, 2**32)


def travel(habit: Habit, seed: int, step_s: int, days: int = 3) -> Fixes:
    begin = almanac.start_of(SINCE + 10)
    end = almanac.start_of(SINCE + 10 + days)
    grid = np.arange(begin, end, step_s * SECOND, dtype=np.int64)
    return Vehicle(habit, CITY, seed, SINCE).at(grid)


@pytest.mark.parametrize("habit", [OFFICIAL, PATROL])
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_odometer_never_falls_and_agrees_with_speed(habit: Habit, seed: int) -> None:
    fixes = travel(habit, seed, 1)
    km = np.diff(fixes.odometer)
    assert km.min() >= 0.0
    by_speed = (fixes.speed[1:] + fixes.speed[:-1]) / 2.0 / 3600.0
    assert abs(km.sum() - by_speed.sum()) < 0.002 * km.sum() + 0.05
    assert np.abs(km - by_speed).max() < 0.012, "a hundredth of a kilometre is the last digit"


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_places_are_joined_by_the_distance_driven(seed: int) -> None:
    fixes = travel(PATROL, seed, 10)
    north = np.diff(fixes.lat) * route.M_PER_DEGREE
    east = np.diff(fixes.lon) * route.M_PER_DEGREE * np.cos(np.radians(CITY.lat))
    driven = np.diff(fixes.odometer) * 1000.0
    assert (np.hypot(east, north) <= driven + 20.0).all(), "no jump, be it at midnight"


@given(seed=SEEDS, n=st.integers(0, 25_919))
@settings(max_examples=20, deadline=None)
def test_one_instant_alone_is_as_among_many(seed: int, n: int) -> None:
    whole = travel(PATROL, seed, 10)
    alone = Vehicle(PATROL, CITY, seed, SINCE).at(whole.t_us[n : n + 1])
    for name in Fixes.__dataclass_fields__:
        assert getattr(alone, name)[0] == getattr(whole, name)[n]


@pytest.mark.parametrize("habit", [OFFICIAL, PATROL])
def test_the_odometer_after_ten_years_takes_no_more_plans_than_after_one(
    habit: Habit, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = vehicle.plan
    planned: list[tuple[int, int]] = []

    def counted(habit: Habit, yard: Point, seed: int, number: int, outings: int) -> vehicle.Track:
        planned.append((number, outings))
        return plan(habit, yard, seed, number, outings)

    monkeypatch.setattr(vehicle, "plan", counted)
    late = np.array([almanac.start_of(SINCE + 3650)])
    assert Vehicle(habit, CITY, 3, SINCE).at(late).odometer[0] > 50_000.0
    assert len(planned) < 100


def test_no_two_days_are_alike() -> None:
    fixes = travel(PATROL, 3, 10, days=40)
    starts = fixes.acc.reshape(40, -1).argmax(axis=1)
    assert len(set(starts.tolist())) > 30


def test_a_parked_vehicle_stands_still_with_the_ignition_off() -> None:
    fixes = travel(OFFICIAL, 3, 10, days=10)
    assert not fixes.acc.all()
    assert fixes.acc.any()
    assert fixes.speed[~fixes.acc].max() == 0.0
    assert fixes.speed.max() < 75.0


def test_official_cars_rest_at_night_patrols_do_not() -> None:
    official, patrol = (travel(h, 3, 60, days=10) for h in (OFFICIAL, PATROL))
    hour = (official.t_us + almanac.ZONE_US) // (3600 * SECOND) % 24
    assert not official.acc[(hour < 7) | (hour >= 23)].any()
    assert patrol.acc[(hour >= 1) & (hour < 5)].any()


def test_the_course_points_where_the_vehicle_goes() -> None:
    fixes = travel(PATROL, 3, 1, days=1)
    north = np.diff(fixes.lat) * route.M_PER_DEGREE
    east = np.diff(fixes.lon) * route.M_PER_DEGREE * np.cos(np.radians(CITY.lat))
    fast = (fixes.speed[1:] > 50.0) & (fixes.course[1:] == fixes.course[:-1])
    turned = np.degrees(np.arctan2(east[fast], north[fast])) - fixes.course[1:][fast]
    off = np.abs((turned + 180.0) % 360.0 - 180.0)
    assert np.median(off) < 10.0, "the jitter of a fix is a few metres"


@given(seed=SEEDS)
def test_every_drive_ends_where_the_way_ends(seed: int) -> None:
    way = route.streets(seed, (0.0, 0.0), (1800.0, -2600.0))
    knots = route.drive(seed, way)
    length = sum(abs(b[0] - a[0]) + abs(b[1] - a[1]) for a, b in itertools.pairwise(way))
    assert way[-1] == (1800.0, -2600.0)
    assert knots[-1].s == pytest.approx(length)
    assert knots[-1].v == 0.0
    assert all(b.t >= a.t and b.s >= a.s for a, b in itertools.pairwise(knots))


@given(
    seed=SEEDS,
    away=st.tuples(st.floats(-50.0, 50.0), st.floats(-50.0, 50.0)),
)
def test_a_short_way_is_driven_too(seed: int, away: tuple[float, float]) -> None:
    knots = route.drive(seed, route.streets(seed, (0.0, 0.0), away))
    assert all(b.t >= a.t and b.s >= a.s for a, b in itertools.pairwise(knots))
    assert all(k.v >= -1e-9 for k in knots)
