"""Shapes of fences on the ground: circles and polygons, WGS-84."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import shapely

from fleet.fence.datum import Degrees
from fleet.fence.plane import Plane, plane
from fleet.track.fixes import Bools, Floats, Int64s

LARGEST_M: Final = 200_000
"""No fence reaches further from its middle: beyond that the plane is no longer right."""
MOST_CORNERS: Final = 1_000
_SMALLEST_M: Final = 5
_FURTHEST_NORTH: Final = 85.0
_FAR: Final = math.inf

Part = tuple[float, float]
"""From one fraction of a leg to another, 0 … 1."""


class ShapeError(ValueError):
    """A shape that is no fence; the text is for officers, in Chinese."""


class Shape(Protocol):
    """Something with an inside."""

    def outside_m(self, lat: Floats, lon: Floats, near_m: float) -> Floats:
        """Return how far outside places lie, metres; 0: inside or on the edge.

        What lies further away than ``near_m`` may be said to be infinitely far.
        """
        ...

    def parts_inside(self, lat: Floats, lon: Floats, legs: Int64s) -> list[Part | None]:
        """Say of some straight legs from where to where each is inside, first to last.

        Args:
            lat: of places.
            lon: of places.
            legs: the numbers of those where a leg to the next one begins.

        Returns:
            In the legs' order; None: nowhere.
        """
        ...

    def may_cross(self, lat: Floats, lon: Floats) -> Bools:
        """Say of each leg between neighbours whether it may touch the shape; never wrongly no."""
        ...


@dataclass(frozen=True)
class Circle:
    """Everything no further from its middle than its radius.

    Attributes:
        middle: longitude, latitude, degrees.
        radius_m: metres.
    """

    middle: Degrees
    radius_m: int

    def outside_m(self, lat: Floats, lon: Floats, near_m: float) -> Floats:
        """Return how far outside places lie, metres; 0: inside."""
        del near_m
        east, north = self._plane.metres(lat, lon)
        away: Floats = np.maximum(np.sqrt(east * east + north * north) - self.radius_m, 0.0)
        return away

    def parts_inside(self, lat: Floats, lon: Floats, legs: Int64s) -> list[Part | None]:
        """Say of some straight legs from where to where each is inside; None: nowhere."""
        return [self._part(*ends) for ends in _ends(self._plane, lat, lon, legs)]

    def _part(self, x: float, y: float, u: float, v: float) -> Part | None:
        dx, dy = u - x, v - y
        a, b = dx * dx + dy * dy, x * dx + y * dy
        c = x * x + y * y - self.radius_m**2
        if a == 0.0:
            return (0.0, 1.0) if c <= 0 else None
        under = b * b - a * c
        if under < 0:
            return None
        root = math.sqrt(under)
        first, last = max(0.0, (-b - root) / a), min(1.0, (-b + root) / a)
        return (first, last) if first <= last else None

    def may_cross(self, lat: Floats, lon: Floats) -> Bools:
        """Say of each leg whether its box touches the circle's."""
        return _boxes_touch(self._plane, (-self.radius_m,) * 2, (self.radius_m,) * 2, lat, lon)

    @cached_property
    def _plane(self) -> Plane:
        return plane(self.middle)


@dataclass(frozen=True)
class Polygon:
    """Everything within a ring of straight edges; it may be concave.

    Attributes:
        ring: corners, longitude and latitude, degrees; the last edge leads back to the first.
    """

    ring: tuple[Degrees, ...]

    def outside_m(self, lat: Floats, lon: Floats, near_m: float) -> Floats:
        """Return how far outside places lie, metres; 0: inside, infinite: beyond ``near_m``."""
        east, north = self._plane.metres(lat, lon)
        west, south, most_east, most_north = self._area.bounds
        near = np.flatnonzero(
            (east >= west - near_m)
            & (east <= most_east + near_m)
            & (north >= south - near_m)
            & (north <= most_north + near_m)
        )
        away = np.full(len(lat), _FAR)
        away[near] = shapely.distance(self._area, shapely.points(east[near], north[near]))
        return away

    def parts_inside(self, lat: Floats, lon: Floats, legs: Int64s) -> list[Part | None]:
        """Say of some straight legs from where to where each is inside; None: nowhere."""
        return [self._part(*ends) for ends in _ends(self._plane, lat, lon, legs)]

    def _part(self, x: float, y: float, u: float, v: float) -> Part | None:
        dx, dy = u - x, v - y
        length2 = dx * dx + dy * dy
        if length2 == 0.0:
            inside = bool(shapely.intersects_xy(self._area, x, y))
            return (0.0, 1.0) if inside else None
        met = shapely.intersection(self._area, shapely.LineString([(x, y), (u, v)]))
        corners = shapely.get_coordinates(met)
        if not len(corners):
            return None
        along = ((corners[:, 0] - x) * dx + (corners[:, 1] - y) * dy) / length2
        return max(0.0, float(along.min())), min(1.0, float(along.max()))

    def may_cross(self, lat: Floats, lon: Floats) -> Bools:
        """Say of each leg whether its box touches the polygon's."""
        west, south, east, north = self._area.bounds
        return _boxes_touch(self._plane, (west, south), (east, north), lat, lon)

    @cached_property
    def _plane(self) -> Plane:
        return plane(_middle(self.ring))

    @cached_property
    def _area(self) -> shapely.Polygon:
        lon, lat = (np.array(part) for part in zip(*self.ring, strict=True))
        area = shapely.Polygon(np.column_stack(self._plane.metres(lat, lon)))
        shapely.prepare(area)
        return area


def circle(middle: Degrees, radius_m: int) -> Circle:
    """Return a circle.

    Raises:
        ShapeError: nobody can mean it.
    """
    _on_earth([middle])
    if not _SMALLEST_M <= radius_m <= LARGEST_M:
        raise ShapeError(f"半径 {radius_m} 米不在 {_SMALLEST_M} 至 {LARGEST_M} 米之间，请核对")
    found = Circle(middle, radius_m)
    reach = radius_m / 111_000 / math.cos(math.radians(middle[1]))
    if abs(middle[0]) + reach >= 180.0:
        raise ShapeError("围栏跨过 180° 经线，暂不支持")
    return found


def polygon(corners: Sequence[Degrees]) -> Polygon:
    """Return a polygon; the first corner may be repeated as the last.

    Raises:
        ShapeError: it crosses itself, is too small or large, or lies at a pole or the antimeridian.
    """
    ring = tuple(corners)
    if len(ring) > 1 and ring[0] == ring[-1]:
        ring = ring[:-1]
    if len(set(ring)) < 3:
        raise ShapeError("多边形至少要有三个不同的点，请补上")
    if len(ring) > MOST_CORNERS:
        raise ShapeError(f"多边形有 {len(ring)} 个点，最多 {MOST_CORNERS} 个，请简化")
    _on_earth(ring)
    found = Polygon(ring)
    _sound(found)
    return found


def _sound(found: Polygon) -> None:
    lon, lat = (np.array(part) for part in zip(*found.ring, strict=True))
    if np.ptp(lon) >= 180.0:
        raise ShapeError("围栏跨过 180° 经线，暂不支持")
    flat = plane(_middle(found.ring))
    east, north = flat.metres(lat, lon)
    if max(np.ptp(east), np.ptp(north)) > 2 * LARGEST_M:
        raise ShapeError(f"围栏的跨度超过 {2 * LARGEST_M // 1000} 公里，请核对坐标")
    area = shapely.Polygon(np.column_stack((east, north)))
    if not area.is_valid:
        raise ShapeError(f"多边形的边相互交叉或重叠{_where(area, found)}，请改成不交叉的边界")
    if area.area < _SMALLEST_M**2:
        raise ShapeError(f"多边形的面积不到 {_SMALLEST_M**2} 平方米，请核对坐标")


def _where(area: shapely.Polygon, found: Polygon) -> str:
    """Say near which corner an invalid ring goes wrong."""
    reason = shapely.is_valid_reason(area)
    _, bracket, rest = reason.partition("[")
    if not bracket:
        return ""
    x, y = map(float, rest.rstrip("]").split()[:2])
    corners = shapely.get_coordinates(area)[: len(found.ring)]
    nearest = int(np.argmin(np.hypot(corners[:, 0] - x, corners[:, 1] - y)))
    return f"（在第 {nearest + 1} 个点附近）"


def _on_earth(places: Sequence[Degrees]) -> None:
    for number, (lon, lat) in enumerate(places, 1):
        which = f"第 {number} 个点" if len(places) > 1 else "圆心"
        if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
            raise ShapeError(f"{which}（经度 {lon}，纬度 {lat}）不在地球上，请核对：先经度，后纬度")
        if abs(lat) > _FURTHEST_NORTH:
            raise ShapeError(f"{which}的纬度 {lat} 太靠近极点，暂不支持")


def _middle(ring: Sequence[Degrees]) -> Degrees:
    lon, lat = zip(*ring, strict=True)
    return (min(lon) + max(lon)) / 2, (min(lat) + max(lat)) / 2


def _ends(
    flat: Plane, lat: Floats, lon: Floats, legs: Int64s
) -> Iterator[tuple[float, float, float, float]]:
    """Yield where legs begin and end, metres: east and north, and again."""
    begin = flat.metres(lat[legs], lon[legs])
    end = flat.metres(lat[legs + 1], lon[legs + 1])
    return zip(*(part.tolist() for part in (*begin, *end)), strict=True)


def _boxes_touch(
    flat: Plane, low: tuple[float, float], high: tuple[float, float], lat: Floats, lon: Floats
) -> Bools:
    east, north = flat.metres(lat, lon)
    found: Bools = (
        (np.maximum(east[:-1], east[1:]) >= low[0])
        & (np.minimum(east[:-1], east[1:]) <= high[0])
        & (np.maximum(north[:-1], north[1:]) >= low[1])
        & (np.minimum(north[:-1], north[1:]) <= high[1])
    )
    return found
