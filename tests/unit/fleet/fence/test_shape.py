from __future__ import annotations

import math

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.fence.datum import Degrees
from fleet.fence.shape import Circle, Part, Polygon, ShapeError, circle, polygon
from fleet.track.fixes import Floats

HERE = (104.0, 30.6)
SQUARE = [(104.0, 30.6), (104.01, 30.6), (104.01, 30.61), (104.0, 30.61)]
# Open to the east: an U lying on its side.
HOOK = [
    *((104.0, 30.6), (104.03, 30.6), (104.03, 30.605), (104.01, 30.605)),
    *((104.01, 30.615), (104.03, 30.615), (104.03, 30.62), (104.0, 30.62)),
]


def away(shape: Circle | Polygon, place: Degrees, near_m: float = 1e9) -> float:
    return float(shape.outside_m(np.array([place[1]]), np.array([place[0]]), near_m)[0])


def beyond(place: Degrees, azimuth: float, metres: float) -> Degrees:
    there = Geodesic.WGS84.Direct(place[1], place[0], azimuth, metres)
    return there["lon2"], there["lat2"]


@given(
    lat=st.floats(-80, 80),
    azimuth=st.floats(0, 360),
    radius=st.integers(10, 20_000),
    more=st.floats(0, 2_000),
)
def test_a_circle_is_a_circle_on_the_ellipsoid(
    lat: float, azimuth: float, radius: int, more: float
) -> None:
    middle = (104.0, lat)
    found = away(circle(middle, radius), beyond(middle, azimuth, radius + more))
    assert found == pytest.approx(more, abs=0.05 + (radius + more) * 2e-5)
    assert away(circle(middle, radius), beyond(middle, azimuth, 0.99 * radius)) == 0.0


@given(azimuth=st.floats(0, 360), metres=st.floats(0, 5_000))
@example(azimuth=87.0, metres=4683.0)
def test_a_polygon_is_measured_as_geodesics_are(azimuth: float, metres: float) -> None:
    # A thin strip along a meridian: from its end on, distances are those to a point.
    strip = polygon([(104.0, 30.0), (104.00001, 30.0), (104.00001, 30.6), (104.0, 30.6)])
    place = beyond((104.000005, 30.6), azimuth, metres)
    turned = math.radians(azimuth)
    expected = metres if math.cos(turned) >= 0 else abs(metres * math.sin(turned))
    # East and west are scaled as in the middle of the strip, 0.3° away: tan 30.3° · 0.3° = 0.31 %.
    assert away(strip, place) == pytest.approx(expected, abs=2 + metres * 3.2e-3)


def test_a_concave_polygon_has_no_inside_in_its_mouth() -> None:
    hook = polygon(HOOK)
    assert away(hook, (104.005, 30.61)) == 0.0
    assert away(hook, (104.02, 30.602)) == 0.0
    assert away(hook, (104.02, 30.61)) == pytest.approx(554, abs=3)


def test_far_is_far_and_needs_no_measuring() -> None:
    assert away(polygon(SQUARE), (105.0, 31.0), near_m=51) == math.inf


def inside(shape: Circle | Polygon, start: Degrees, end: Degrees) -> Part | None:
    (part,) = shape.parts_inside(*degrees([start, end]), np.array([0]))
    return part


def degrees(places: list[Degrees]) -> tuple[Floats, Floats]:
    lon, lat = np.array(places).T
    return lat, lon


@pytest.mark.parametrize("shape", [polygon(SQUARE), polygon(HOOK), circle(HERE, 700)])
@given(
    places=st.lists(
        st.tuples(st.floats(103.98, 104.05), st.floats(30.58, 30.64)), min_size=2, max_size=20
    )
)
def test_legs_looked_at_together_are_inside_where_each_alone_is(
    shape: Circle | Polygon, places: list[Degrees]
) -> None:
    legs = np.arange(len(places) - 1)[::-1]
    alone = [inside(shape, places[leg], places[leg + 1]) for leg in legs.tolist()]
    assert shape.parts_inside(*degrees(places), legs) == alone


def test_a_leg_is_inside_between_its_crossings() -> None:
    start, end = (103.99, 30.605), (104.02, 30.605)
    part = inside(polygon(SQUARE), start, end)
    assert part is not None
    assert part == pytest.approx((1 / 3, 2 / 3), abs=1e-4)
    assert inside(polygon(SQUARE), start, (103.99, 30.7)) is None
    round_one = inside(circle(HERE, 500), beyond(HERE, 270, 1000), beyond(HERE, 90, 1000))
    assert round_one == pytest.approx((0.25, 0.75), abs=1e-4)
    assert inside(circle(HERE, 500), beyond(HERE, 270, 1000), beyond(HERE, 0, 5000)) is None


@pytest.mark.parametrize("shape", [polygon(SQUARE), polygon(HOOK), circle(HERE, 700)])
@given(
    places=st.lists(
        st.tuples(st.floats(103.98, 104.05), st.floats(30.58, 30.64)), min_size=2, max_size=2
    )
)
def test_a_leg_that_crosses_is_never_left_out(
    shape: Circle | Polygon, places: list[Degrees]
) -> None:
    start, end = places
    if inside(shape, start, end) is not None:
        assert shape.may_cross(*degrees(places)).all()
    if away(shape, start) == 0.0 or away(shape, end) == 0.0:
        assert inside(shape, start, end) is not None


def test_what_is_no_fence_is_refused_with_what_to_do() -> None:
    bow = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]
    for corners, words in (
        (bow, "相互交叉.*请改成"),
        (SQUARE[:2], "至少要有三个"),
        ([*SQUARE[:2], (104.005, 30.6)], "相互交叉|面积不到"),
        ([(179.9, 0), (-179.9, 0), (-179.9, 1)], "180° 经线"),
        ([(104, 86), (105, 86), (105, 87)], "靠近极点"),
        ([(104, 30), (204, 30), (105, 31)], "第 2 个点.*不在地球上"),
        ([(100, 30), (106, 30), (106, 34)], "跨度超过"),
        ([(104 + math.cos(n) / 100, 30 + math.sin(n) / 100) for n in range(1001)], "最多 1000"),
        ([(104, 30), (math.nan, 30), (105, 31)], "不在地球上"),
    ):
        with pytest.raises(ShapeError, match=words):
            polygon(corners)
    for middle, radius, words in (
        (HERE, 3, "半径"),
        (HERE, 300_000, "半径"),
        ((180.0, 0.0), 100, "180° 经线"),
        ((104.0, 90.0), 100, "极点"),
    ):
        with pytest.raises(ShapeError, match=words):
            circle(middle, radius)
