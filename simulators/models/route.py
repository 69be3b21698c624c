"""Road-like routes and the motion along them.

A route runs along streets that cross at right angles, all turned by the same angle. Motion is a
row of knots between which the acceleration is constant, so place, speed and distance follow from
time in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import noise

M_PER_DEGREE: Final = 111_320.0
_ACCELERATE: Final = 1.2  # m/s²
_BRAKE: Final = 1.6
_TURN_M_S: Final = 5.0
_STREET_ANGLE: Final = math.radians(17.0)

Point = tuple[float, float]
"""East and north of the city's centre in metres, along the streets."""


@dataclass(frozen=True, slots=True)
class City:
    """Where the streets lie: WGS-84 degrees of the centre."""

    lat: float
    lon: float

    def locate(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitude and longitude of street coordinates."""
        cos, sin = math.cos(_STREET_ANGLE), math.sin(_STREET_ANGLE)
        east, north = x * cos - y * sin, x * sin + y * cos
        m_per_lon = M_PER_DEGREE * math.cos(math.radians(self.lat))
        return self.lat + north / M_PER_DEGREE, self.lon + east / m_per_lon


@dataclass(frozen=True, slots=True)
class Knot:
    """A moment of a trip.

    Attributes:
        t: seconds since the trip began.
        s: metres travelled.
        v: speed in m/s.
        a: acceleration in m/s² until the next knot.
    """

    t: float
    s: float
    v: float
    a: float


def streets(seed: int, start: Point, end: Point) -> list[Point]:
    """Return the corners of a way from start to end along the streets."""
    corners = [start]
    turns = 2 + noise.derive(seed, "turns") % 3
    y = start[1]
    for n in range(turns):
        share = (n + 1) / turns
        x_to = start[0] + (end[0] - start[0]) * share + 300.0 * (noise.chance(seed, "x", n) - 0.5)
        y_to = start[1] + (end[1] - start[1]) * share + 300.0 * (noise.chance(seed, "y", n) - 0.5)
        x_to, y_to = end if n == turns - 1 else (x_to, y_to)
        corners.extend([(x_to, y), (x_to, y_to)])
        y = y_to
    return [p for n, p in enumerate(corners) if n == 0 or _gap(p, corners[n - 1]) > 0.0]


def drive(seed: int, corners: list[Point]) -> list[Knot]:
    """Return the motion along a way: slow at corners, at rest at some, at rest at the end."""
    knots: list[Knot] = []
    t = s = v = 0.0
    last = len(corners) - 2
    for n in range(len(corners) - 1):
        length = _gap(corners[n], corners[n + 1])
        red = noise.chance(seed, "red", n) < 0.45
        leave = 0.0 if n == last or red else _TURN_M_S
        cruise = 10.0 + 9.0 * noise.chance(seed, "cruise", n)
        for duration, a in _leg(length, v, leave, cruise):
            knots.append(Knot(t, s, v, a))
            s += v * duration + 0.5 * a * duration * duration
            v += a * duration
            t += duration
        v = leave
        if red and n != last:
            knots.append(Knot(t, s, 0.0, 0.0))
            t += 8.0 + 50.0 * noise.chance(seed, "wait", n)
    knots.append(Knot(t, s, 0.0, 0.0))
    return knots


def _leg(length: float, enter: float, leave: float, cruise: float) -> list[tuple[float, float]]:
    """Durations and accelerations of one leg; a short leg never reaches its cruising speed."""
    if length < abs(leave * leave - enter * enter) / (2.0 * _ACCELERATE) + 1.0:
        a = (leave * leave - enter * enter) / (2.0 * length)
        mean = 0.5 * (enter + leave)
        if mean > 0.0:
            return [(length / mean, a)]
    reachable = (2 * _ACCELERATE * _BRAKE * length + _BRAKE * enter**2 + _ACCELERATE * leave**2) / (
        _ACCELERATE + _BRAKE
    )
    top = min(max(cruise, enter, leave), math.sqrt(reachable))
    up = (top - enter) / _ACCELERATE
    down = (top - leave) / _BRAKE
    ramps = 0.5 * (enter + top) * up + 0.5 * (top + leave) * down
    level = max(0.0, length - ramps) / top
    return [(up, _ACCELERATE), (level, 0.0), (down, -_BRAKE)]


def _gap(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])
