"""The life of a vehicle, day by day: where it is, what it burns, where it fills, when it is mended.

Everything here is true. What terminals and papers make of it is made elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.random import Generator

from simulators import almanac, noise
from simulators.models.route import Point
from simulators.receipts.region import STEP_S, Floats, Region, Spot

_HOUR: Final = 3_600
IDLE_L_H: Final = 0.9
"""Litres an hour that an engine burns by running."""
_NECK: Final = 1.04
"""A tank takes a little more than its nominal size."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How a vehicle is used from a local day on.

    Attributes:
        since_day: days since 1970.
        thirst: times what it used before.
        long: share of outings that lead out of town.
        waits: share of stays at offices with the engine on.
        cap_yuan: most that a card pays at once; 0: no limit.
    """

    since_day: int
    thirst: float
    long: float
    waits: float
    cap_yuan: int


@dataclass(frozen=True, slots=True)
class Car:
    """What a vehicle is.

    Attributes:
        code: its name.
        energy: what it runs on.
        tank_l: nominal.
        rate: L/100 km in spring, in mixed traffic.
        yard: where it sleeps.
        usual: stations at which it mostly fills.
        cap_yuan: most that a card pays at once; 0: no limit.
        marks_full: its drivers tell when the tank was full.
        long: share of outings that lead out of town.
        waits: share of stays at offices with the engine on.
        season: how much more is used in winter and in summer, half of it.
        habits: what changes with time, ascending.
    """

    code: str
    energy: str
    tank_l: int
    rate: float
    yard: Spot
    usual: tuple[Spot, ...]
    cap_yuan: int
    marks_full: bool
    long: float
    waits: float = 0.12
    season: float = 0.05
    habits: tuple[Habit, ...] = ()

    def on(self, day: int) -> Car:
        """Return what it is on a local day."""
        its = [one for one in self.habits if one.since_day <= day]
        if not its:
            return self
        now = its[-1]
        return replace(
            self,
            rate=self.rate * now.thirst,
            long=now.long,
            waits=now.waits,
            cap_yuan=now.cap_yuan,
        )


@dataclass(frozen=True, slots=True)
class Pumped:
    """A true filling.

    Attributes:
        at_s: when the pump stopped; seconds since 1970, UTC.
        where: the station.
        litres: of it.
        room_l: what the tank could have taken.
        full: to the brim.
        km: driven since the begin of its life.
        parts: payments.
    """

    at_s: int
    where: Spot
    litres: float
    room_l: float
    full: bool
    km: float
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Mended:
    """A true stay at a garage: local day, and where."""

    day: int
    where: Spot


@dataclass(slots=True)
class Life:
    """What happened: pieces of motion, stays, fillings, repairs; ascending.

    Attributes:
        car: whose.
        t, x, y, speed, metres: while driving, every ``STEP_S``; s, m, km/h, m since the begin.
        stays: (from s, to s, where, ignition on).
        pumped, mended: fillings and repairs.
        unseen: (from s, to s) of which nobody knows where it was; of what is made up, never.
    """

    car: Car
    t: Floats = field(default_factory=lambda: np.zeros(0))
    x: Floats = field(default_factory=lambda: np.zeros(0))
    y: Floats = field(default_factory=lambda: np.zeros(0))
    speed: Floats = field(default_factory=lambda: np.zeros(0))
    metres: Floats = field(default_factory=lambda: np.zeros(0))
    stays: list[tuple[int, int, Point, bool]] = field(default_factory=list)
    pumped: list[Pumped] = field(default_factory=list)
    mended: list[Mended] = field(default_factory=list)
    unseen: tuple[tuple[int, int], ...] = ()

    def seen(self, from_s: int, to_s: int) -> bool:
        """Tell whether it is known throughout where it was."""
        return not any(begin < to_s and from_s < end for begin, end in self.unseen)


@dataclass(frozen=True, slots=True)
class Bought:
    """What went into a tank, and what could have; see :class:`Pumped`."""

    litres: float
    room_l: float
    full: bool
    parts: int

    def pumped(self, at_s: int, where: Spot, km: float) -> Pumped:
        """Return the filling that it was."""
        return Pumped(at_s, where, self.litres, self.room_l, self.full, km, self.parts)


def bought(car: Car, level_l: float, seed: int, day: int, rng: Generator) -> Bought:
    """Return what a driver buys: nearly full, or as much as the card pays at once or twice."""
    room = car.tank_l * _NECK - level_l
    wanted = room * float(rng.uniform(0.94, 1.0))
    price = 7.3 + 0.5 * noise.chance(seed, "price", day // 14)
    parts, litres = 1, wanted
    if car.cap_yuan and wanted * price > car.cap_yuan:
        twice = rng.random() < 0.12
        parts = 2 if twice else 1
        litres = min(wanted, car.cap_yuan / price * parts)
    return Bought(litres, room, litres >= wanted, parts)


def burnt(car: Car, km: float, day: int, rng: Generator, *, fast: bool) -> float:
    """Return the litres that a drive takes: by road, season and chance."""
    traffic = 0.86 if fast else 1.06
    spread = float(rng.normal(1.0, 0.05))
    return km * car.rate / 100.0 * traffic * _season(day, car.season) * spread


def cars(region: Region, count: int) -> list[Car]:
    """Make up vehicles."""
    found = []
    for n in range(count):
        rng = np.random.default_rng(noise.derive(region.seed, "car", n))
        yard = region.yards[n % len(region.yards)]
        own = np.random.default_rng(noise.derive(region.seed, "usual", yard.name))
        usual = own.choice(len(region.stations), min(5, len(region.stations)), replace=False)
        found.append(
            Car(
                code=f"V{n:03d}",
                energy="diesel" if rng.random() < 0.2 else "petrol",
                tank_l=int(rng.choice([50, 55, 60, 65, 70, 80])),
                rate=float(rng.uniform(7.5, 13.0)),
                yard=yard,
                usual=tuple(region.stations[i] for i in usual),
                cap_yuan=int(rng.choice([0, 0, 200, 300, 300])),
                marks_full=bool(rng.random() < 0.5),
                long=float(rng.uniform(0.06, 0.3)),
            )
        )
    return found


def live(region: Region, car: Car, first_day: int, days: int) -> Life:
    """Return the life of a vehicle from a local day on."""
    rng = np.random.default_rng(noise.derive(region.seed, "life", car.code))
    state = _State(region, car, rng, Life(car), car.tank_l * rng.uniform(0.4, 0.9))
    state.here, state.clock = car.yard.at, almanac.start_of(first_day) // 1_000_000
    next_repair = first_day + int(rng.integers(5, 70))
    span = np.arange(first_day, first_day + days)
    for day, worked in zip(span.tolist(), almanac.workdays(span).tolist(), strict=True):
        state.car = car.on(day)
        outings = int(rng.choice([0, 1, 2, 3], p=[0.06, 0.3, 0.38, 0.26])) if worked else 0
        outings = outings or int(not worked and rng.random() < 0.06)
        clock = almanac.start_of(day) // 1_000_000 + int(rng.uniform(7.3, 9.5) * _HOUR)
        for _ in range(outings):
            if day >= next_repair and worked:
                next_repair = day + int(rng.integers(25, 80))
                clock = state.mend(max(clock, state.clock), day)
            else:
                clock = state.outing(max(clock, state.clock), day)
            clock += int(rng.uniform(0.4, 2.5) * _HOUR)
            if clock > almanac.start_of(day) // 1_000_000 + 18 * _HOUR:
                break
    state.stay(almanac.start_of(first_day + days) // 1_000_000)
    return state.done()


@dataclass(slots=True)
class _State:
    region: Region
    car: Car
    rng: Generator
    life: Life
    level: float
    here: Point = (0.0, 0.0)
    clock: int = 0
    metres: float = 0.0
    pieces: list[tuple[Floats, Floats, Floats, Floats, Floats]] = field(default_factory=list)

    def stay(self, until_s: int, *, on: bool = False) -> None:
        if until_s > self.clock:
            self.life.stays.append((self.clock, until_s, self.here, on))
            if on:
                self.level -= (until_s - self.clock) / _HOUR * IDLE_L_H
            self.clock = until_s

    def go(self, to: Point, day: int) -> None:
        way = self.region.drive(self.here, to, int(self.rng.integers(0, 3)))
        if len(way.x) > 1:
            t = np.arange(len(way.x), dtype=np.float64) * STEP_S + float(self.clock)
            self.pieces.append((t, way.x, way.y, way.speed, self.metres + way.metres))
            km = float(way.metres[-1]) / 1000.0
            self.level -= burnt(self.car, km, day, self.rng, fast=way.long)
            self.metres += float(way.metres[-1])
            self.clock += way.seconds
            self.level = max(self.level, 1.0)
        self.here = to

    def outing(self, start_s: int, day: int) -> int:
        rng, car = self.rng, self.car
        self.stay(start_s)
        far = rng.random() < car.long
        thirst = self.level < car.tank_l * rng.uniform(0.22, 0.42)
        if far and (thirst or self.level < car.tank_l * 0.55):
            self.fill(self._station(), day)
            thirst = False
        if far:
            town = int(rng.integers(0, len(self.region.towns)))
            self.go(self.region.towns[town].at, day)
            self.stay(self.clock + int(rng.uniform(1.0, 3.5) * _HOUR))
            if self.level < car.tank_l * 0.45:
                self.fill(self.region.services[town], day)
                if rng.random() < 0.4:
                    self.stay(self.clock + int(rng.uniform(0.3, 1.0) * _HOUR))
        else:
            for _ in range(int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))):
                self.go(self.region.offices[int(rng.integers(0, len(self.region.offices)))].at, day)
                waits = rng.random() < car.waits
                self.stay(self.clock + int(rng.uniform(0.15, 2.5) * _HOUR), on=waits)
        if thirst:
            self.fill(self._station(), day)
        self.go(car.yard.at, day)
        return self.clock

    def mend(self, start_s: int, day: int) -> int:
        self.stay(start_s)
        garage = self.region.garages[int(self.rng.integers(0, len(self.region.garages)))]
        self.go(garage.at, day)
        self.stay(self.clock + int(self.rng.uniform(1.0, 5.0) * _HOUR))
        self.life.mended.append(Mended(day, garage))
        self.go(self.car.yard.at, day)
        return self.clock

    def fill(self, where: Spot, day: int) -> None:
        rng, car = self.rng, self.car
        self.go(where.at, day)
        took = int(rng.uniform(3.0, 9.0) * 60)
        tank = bought(car, self.level, self.region.seed, day, rng)
        self.level += tank.litres
        on = rng.random() < 0.08
        pumped_s = self.clock + int(took * rng.uniform(0.5, 0.85))
        self.stay(self.clock + took, on=on)
        self.life.pumped.append(tank.pumped(pumped_s, where, self.metres / 1000.0))

    def _station(self) -> Spot:
        if self.rng.random() < 0.9:
            return self.car.usual[int(self.rng.integers(0, len(self.car.usual)))]
        return self.region.stations[int(self.rng.integers(0, len(self.region.stations)))]

    def done(self) -> Life:
        joined = [np.concatenate(one) for one in zip(*self.pieces, strict=True)]
        life = self.life
        life.t, life.x, life.y, life.speed, life.metres = joined
        return life


def _season(day: int, half: float) -> float:
    """Return how much more is used: heating in winter, cooling in summer."""
    angle = 2.0 * np.pi * ((day % 365.25) - 20.0) / 365.25
    return float(1.0 + half * (1.0 + np.cos(2.0 * angle)))
