"""Datums of Chinese maps: GCJ-02 (Amap, Tencent) and BD-09 (Baidu) to WGS-84.

Both shift a place by a published formula that has no closed inverse; the inverse is found by
stepping towards the place whose shift gives what was written. CGCS2000 (天地图) is WGS-84 to within
a decimetre.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from typing import Final

Degrees = tuple[float, float]
"""Longitude, latitude: the order of GeoJSON."""


class Datum(enum.StrEnum):
    """What coordinates are of."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


_AXIS: Final = 6_378_245.0  # of Krasovsky's ellipsoid, which the formula uses
_E2: Final = 0.00669342162296594323
_X_PI: Final = math.pi * 3000.0 / 180.0
_CHINA: Final = (72.004, 0.8293, 137.8347, 55.8271)
_CLOSE: Final = 1e-10
"""Degrees: a hundredth of a millimetre."""
_STEPS: Final = 30


def to_wgs84(place: Degrees, datum: Datum) -> Degrees:
    """Return a place in WGS-84, right to a tenth of a millimetre of the published formulas.

    Args:
        place: longitude, latitude, degrees.
        datum: of that place.

    Raises:
        ValueError: a place abroad, where the shifted datums are not defined.
    """
    if datum is Datum.WGS84:
        return place
    west, south, east, north = _CHINA
    if not (west <= place[0] <= east and south <= place[1] <= north):
        raise ValueError(f"{place} lies outside China, where {datum} is not defined")
    if datum is Datum.BD09:
        place = _inverse(_bd09_of_gcj02, place)
    return _inverse(gcj02_of_wgs84, place)


def gcj02_of_wgs84(place: Degrees) -> Degrees:
    """Return a place as Amap and Tencent draw it."""
    lon, lat = place
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)) * 2.0 / 3.0
    root = math.sqrt(abs(x))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += _waves(y, 160.0, 320.0, 12.0, 30.0)
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += _waves(x, 150.0, 300.0, 12.0, 30.0)
    angle = math.radians(lat)
    bend = 1.0 - _E2 * math.sin(angle) ** 2
    north_m = _AXIS * (1.0 - _E2) / (bend * math.sqrt(bend))
    east_m = _AXIS / math.sqrt(bend) * math.cos(angle)
    return lon + math.degrees(east / east_m), lat + math.degrees(north / north_m)


def _waves(value: float, long: float, longer: float, over: float, far: float) -> float:
    """Sum the four sines of one direction."""
    short = 20.0 * math.sin(value * math.pi) + 40.0 * math.sin(value / 3.0 * math.pi)
    wide = long * math.sin(value / over * math.pi) + longer * math.sin(value * math.pi / far)
    return (short + wide) * 2.0 / 3.0


def _bd09_of_gcj02(place: Degrees) -> Degrees:
    lon, lat = place
    radius = math.hypot(lon, lat) + 0.00002 * math.sin(lat * _X_PI)
    angle = math.atan2(lat, lon) + 0.000003 * math.cos(lon * _X_PI)
    return radius * math.cos(angle) + 0.0065, radius * math.sin(angle) + 0.006


def _inverse(shift: Callable[[Degrees], Degrees], place: Degrees) -> Degrees:
    found = place
    for _ in range(_STEPS):
        lon, lat = shift(found)
        off = place[0] - lon, place[1] - lat
        found = found[0] + off[0], found[1] + off[1]
        if max(map(abs, off)) < _CLOSE:
            break
    return found
