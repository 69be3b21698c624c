"""Shifted maps to WGS-84; pairs as published with eviltransform and coordtransform."""

from __future__ import annotations

import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from fleet.fence.datum import Datum, Degrees, gcj02_of_wgs84, to_wgs84

SHANGHAI = (121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)
SHENZHEN = (113.912316, 22.543847), (113.9171764808363, 22.540796131694766)
BEIJING = (116.377817, 39.911954), (116.38404722455657, 39.91334545536069)


def metres(one: Degrees, other: Degrees) -> float:
    found: float = Geodesic.WGS84.Inverse(one[1], one[0], other[1], other[0])["s12"]
    return found


@pytest.mark.parametrize(("wgs84", "gcj02"), [SHANGHAI, SHENZHEN, BEIJING])
def test_places_as_published(wgs84: Degrees, gcj02: Degrees) -> None:
    assert metres(gcj02_of_wgs84(wgs84), gcj02) < 0.01
    assert metres(to_wgs84(gcj02, Datum.GCJ02), wgs84) < 0.01
    assert 400 < metres(wgs84, gcj02) < 700


def test_a_place_of_baidu_as_published() -> None:
    baidu, gcj02 = (116.41036949371029, 39.92133699351022), (116.404, 39.915)
    assert metres(to_wgs84(baidu, Datum.BD09), to_wgs84(gcj02, Datum.GCJ02)) < 0.01


@given(lon=st.floats(74, 134), lat=st.floats(18, 53))
def test_what_is_converted_and_shifted_again_is_where_it_was(lon: float, lat: float) -> None:
    found = to_wgs84((lon, lat), Datum.GCJ02)
    assert metres(gcj02_of_wgs84(found), (lon, lat)) < 0.001


def test_wgs84_is_left_as_it_is_and_shifted_maps_end_at_the_border() -> None:
    assert to_wgs84((2.35, 48.85), Datum.WGS84) == (2.35, 48.85)
    with pytest.raises(ValueError, match="outside China"):
        to_wgs84((2.35, 48.85), Datum.GCJ02)
