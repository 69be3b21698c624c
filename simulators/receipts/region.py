"""A city with its roads out: yards, offices, stations, garages, and the ways between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import noise
from simulators.models import route
from simulators.models.route import City, Point

Floats = NDArray[np.float64]

CITY: Final = City(30.62, 104.06)
STEP_S: Final = 20
_HIGHWAY_M: Final = 12_000.0
_PAIRS_M: Final = (300.0, 450.0, 650.0, 900.0, 1_300.0, 2_000.0, 3_000.0, 4_500.0)


@dataclass(frozen=True, slots=True)
class Spot:
    """Somewhere to be.

    Attributes:
        name: what papers call it.
        at: street coordinates, m.
        lag_s: how much the clock of its till is ahead.
    """

    name: str
    at: Point
    lag_s: int = 0


@dataclass(frozen=True, slots=True)
class Drive:
    """A way driven: every ``STEP_S`` where, how fast, how far.

    Attributes:
        x, y: street coordinates, m.
        speed: km/h.
        metres: since its begin.
        long: a highway is in it.
    """

    x: Floats
    y: Floats
    speed: Floats
    metres: Floats
    long: bool

    @property
    def seconds(self) -> int:
        """How long it takes."""
        return (len(self.x) - 1) * STEP_S


@dataclass(slots=True)
class Region:
    """Where vehicles live.

    Attributes:
        seed: of everything.
        yards: one for each institution.
        offices: where vehicles go, in town.
        towns: where they go by highway.
        stations: in town; near pairs among them, so that one can be taken for another.
        services: stations at the highways.
        garages: some near, some at the edge.
    """

    seed: int
    yards: tuple[Spot, ...] = ()
    offices: tuple[Spot, ...] = ()
    towns: tuple[Spot, ...] = ()
    stations: tuple[Spot, ...] = ()
    services: tuple[Spot, ...] = ()
    garages: tuple[Spot, ...] = ()
    _drives: dict[tuple[Point, Point, int], Drive] = field(default_factory=dict)

    def drive(self, start: Point, end: Point, variant: int) -> Drive:
        """Return one of the ways from here to there."""
        key = start, end, variant
        found = self._drives.get(key)
        if found is None:
            found = self._drives[key] = _drive(
                noise.derive(self.seed, "way", *map(str, key)), *key[:2]
            )
        return found


def region(seed: int) -> Region:
    """Make up a region."""
    rng = np.random.default_rng(noise.derive(seed, "region"))

    def around(within: float) -> Point:
        x, y = rng.uniform(-within, within, 2)
        return float(x), float(y)

    def away(near: float, far: float) -> Point:
        angle, distance = rng.uniform(0, 2 * math.pi), rng.uniform(near, far)
        return distance * math.cos(angle), distance * math.sin(angle)

    stations = []
    for number, apart in enumerate(_PAIRS_M):
        here = around(6_500.0)
        angle = rng.uniform(0, 2 * math.pi)
        there = here[0] + apart * math.cos(angle), here[1] + apart * math.sin(angle)
        for side, at in enumerate((here, there)):
            lag = int(rng.normal(0, 60))
            stations.append(Spot(f"中国石化第{number * 2 + side + 1}加油站", at, lag))
    towns = tuple(Spot(f"县{n}", away(45_000.0, 110_000.0)) for n in range(6))
    services = tuple(
        Spot(f"高速服务区{n}加油站", (town.at[0] * 0.55, town.at[1] * 0.55 + 900.0))
        for n, town in enumerate(towns)
    )
    garages = [Spot(f"{n}号汽车维修厂", around(6_000.0)) for n in range(4)]
    garages += [Spot(f"{n}号汽车维修厂", away(6_000.0, 14_000.0)) for n in range(4, 8)]
    return Region(
        seed,
        yards=tuple(Spot(f"院{n}", around(3_500.0)) for n in range(6)),
        offices=tuple(Spot(f"处{n}", around(7_000.0)) for n in range(90)),
        towns=towns,
        stations=tuple(stations),
        services=services,
        garages=tuple(garages),
    )


def _drive(seed: int, start: Point, end: Point) -> Drive:
    far = max(math.hypot(*start), math.hypot(*end)) > 25_000.0
    if far:
        return _highway(seed, start, end)
    corners = route.streets(seed, start, end)
    if len(corners) < 2:
        x, y, still = np.array([start[0]]), np.array([start[1]]), np.zeros(1)
        return Drive(x, y, still, still, long=False)
    knots = route.drive(seed, corners)
    t = np.array([one.t for one in knots])
    times = np.append(np.arange(0.0, t[-1], STEP_S), t[-1])
    at = np.clip(np.searchsorted(t, times, side="right") - 1, 0, None)
    s, v, a = (np.array([getattr(one, name) for one in knots])[at] for name in ("s", "v", "a"))
    dt = times - t[at]
    metres = np.maximum.accumulate(s + v * dt + 0.5 * a * dt * dt)
    bends = np.cumsum([0.0, *(math.dist(p, q) for p, q in pairwise(corners))])
    x, y = np.array(corners).T
    speed = np.maximum(v + a * dt, 0.0) * 3.6
    return Drive(
        np.interp(metres, bends, x), np.interp(metres, bends, y), speed, metres, long=False
    )


def _highway(seed: int, start: Point, end: Point) -> Drive:
    straight = math.dist(start, end)
    bend = (noise.chance(seed, "bend") - 0.5) * 0.2 * straight
    share = np.linspace(0.0, 1.0, 400)
    out = bend * np.sin(share * math.pi)
    dx, dy = (end[0] - start[0]) / straight, (end[1] - start[1]) / straight
    x = start[0] + share * (end[0] - start[0]) - out * dy
    y = start[1] + share * (end[1] - start[1]) + out * dx
    along = np.append(0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y))))
    cruise = 22.0 + 8.0 * noise.chance(seed, "cruise")
    slow = np.minimum(along, along[-1] - along) < min(_HIGHWAY_M / 4, along[-1] / 4)
    pace = np.where(slow, 10.0, cruise)
    taken = np.append(0.0, np.cumsum(np.diff(along) / pace[1:]))
    times = np.append(np.arange(0.0, taken[-1], STEP_S), taken[-1])
    metres = np.interp(times, taken, along)
    speed = np.append(np.diff(metres) / np.maximum(np.diff(times), 1e-9), 0.0) * 3.6
    return Drive(np.interp(metres, along, x), np.interp(metres, along, y), speed, metres, long=True)
