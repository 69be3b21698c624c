"""Geometries as GeoJSON writes them, and what they are in WGS-84."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from fleet.fence.datum import Datum, Degrees, to_wgs84
from fleet.fence.shape import Circle, Polygon, ShapeError, circle, polygon

_DECIMALS: Final = 8
"""Of degrees: a millimetre."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A shape as it was given, and as it is kept.

    Attributes:
        kind: ``circle`` or ``polygon``.
        original: the GeoJSON geometry as given, in its datum; of a circle its middle.
        wgs84: the same in WGS-84.
        radius_m: of a circle.
    """

    kind: str
    original: str
    wgs84: str
    radius_m: int | None


def geometry(given: object, radius_m: int | None, datum: Datum) -> Geometry:
    """Check a geometry and convert it.

    Args:
        given: a GeoJSON geometry: a Polygon, or a Point with a radius.
        radius_m: metres; None for polygons.
        datum: of its coordinates.

    Raises:
        ShapeError: it is no fence.
    """
    kind, corners = _corners(given)
    if (kind == "Point") != (radius_m is not None):
        raise ShapeError("圆形要写圆心（Point）和半径，多边形不写半径，请改正")
    if radius_m is not None:
        circle(corners[0], radius_m)
        middle = _converted(corners[0], datum)
        found: object = {"type": "Point", "coordinates": circle(middle, radius_m).middle}
        original: object = {"type": "Point", "coordinates": corners[0]}
        return Geometry("circle", _text(original), _text(found), radius_m)
    polygon(corners)
    ring = polygon([_converted(place, datum) for place in corners]).ring
    closed = [*ring, ring[0]]
    return Geometry(
        "polygon",
        _text({"type": "Polygon", "coordinates": [corners]}),
        _text({"type": "Polygon", "coordinates": [closed]}),
        None,
    )


def shape_of(wgs84: str, radius_m: int | None) -> Circle | Polygon:
    """Return the shape of what is kept."""
    coordinates = json.loads(wgs84)["coordinates"]
    if radius_m is not None:
        return Circle((coordinates[0], coordinates[1]), radius_m)
    return Polygon(tuple((lon, lat) for lon, lat in coordinates[0][:-1]))


def _corners(given: object) -> tuple[str, list[Degrees]]:
    if not isinstance(given, dict) or not given:
        raise ShapeError("没有几何图形，请补上 geometry")
    kind, coordinates = given.get("type"), given.get("coordinates")
    if kind == "Point":
        return "Point", [_place(coordinates, 1)]
    if kind != "Polygon":
        raise ShapeError(f"几何类型“{kind}”不支持，请用 Polygon，或 Point 加半径；一个围栏一个图形")
    if not isinstance(coordinates, list) or not coordinates or not isinstance(coordinates[0], list):
        raise ShapeError("多边形没有坐标，请补上")
    if len(coordinates) > 1:
        raise ShapeError("多边形带有空洞，不支持，请去掉内环")
    return "Polygon", [_place(one, number) for number, one in enumerate(coordinates[0], 1)]


def _place(given: Any, number: int) -> Degrees:  # noqa: ANN401 - whatever JSON holds
    if (
        not isinstance(given, (list, tuple))
        or len(given) < 2
        or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in given[:2])
    ):
        raise ShapeError(f"第 {number} 个点不是坐标，请写成 [经度, 纬度]")
    return float(given[0]), float(given[1])


def _converted(place: Degrees, datum: Datum) -> Degrees:
    try:
        lon, lat = to_wgs84(place, datum)
    except ValueError as error:
        said = f"坐标（经度 {place[0]}，纬度 {place[1]}）不在国内，不能是 {datum}，请核对坐标系"
        raise ShapeError(said) from error
    return round(lon, _DECIMALS), round(lat, _DECIMALS)


def _text(value: object) -> str:
    return json.dumps(value)
