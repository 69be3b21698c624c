from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.track.ground import ground, whole_mm

LATITUDES = st.floats(-89, 89)
LONGITUDES = st.floats(-180, 180)


def way(one: tuple[float, float], other: tuple[float, float]) -> float:
    where = ground(np.array([one[0], other[0]]), np.array([one[1], other[1]]))
    return float(where.legs_m()[0])


# Degrees on the WGS-84 ellipsoid, from its published radii of curvature.
@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0.0, 104.0), (0.0, 104.1), 11_131.949),
        ((0.0, 104.0), (0.1, 104.0), 11_057.428),
        ((45.0, 104.0), (45.1, 104.0), 11_113.276),
        ((60.0, 104.0), (60.0, 104.1), 5_580.024),
        ((30.0, 179.95), (30.0, -179.95), 9_648.628),
        ((30.0, 104.0), (30.0, 104.0), 0.0),
    ],
)
def test_a_tenth_of_a_degree(
    one: tuple[float, float], other: tuple[float, float], metres: float
) -> None:
    assert way(one, other) == pytest.approx(metres, rel=2e-5, abs=1e-6)


@given(LATITUDES, LONGITUDES, st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
def test_it_is_near_the_sphere_and_the_same_both_ways(
    lat: float, lon: float, up: float, side: float
) -> None:
    one, other = (lat * 0.98, lon), (lat * 0.98 + up, lon + side)
    there = way(one, other)
    assert there == way(other, one)
    a, b = math.radians(one[0]), math.radians(other[0])
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(side) / 2) ** 2
    sphere = 2 * 6_371_008.8 * math.asin(math.sqrt(half))
    assert there == pytest.approx(sphere, rel=0.01, abs=1e-3)


@given(st.integers(1, 70), st.integers(0, 9), st.integers(0, 2**32))
def test_a_leg_is_the_same_wherever_in_an_array_it_stands(
    count: int, skipped: int, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    lat, lon = dice.uniform(-80, 80, count + 10), dice.uniform(-180, 180, count + 10)
    whole = ground(lat, lon).legs_m()[skipped:]
    part = ground(lat[skipped:].copy(), lon[skipped:].copy()).legs_m()
    assert whole.tolist() == part.tolist()


def test_millimetres_are_rounded_once() -> None:
    assert whole_mm(np.array([0.0004, 0.0006, 12.3456])).tolist() == [0, 1, 12_346]
