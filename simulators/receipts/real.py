"""A fleet on real tracks: what its vehicles burn, where they fill and are mended, and its papers.

The tracks are as they were recorded, with their noise and holes. Stations are the places where
several vehicles stand as long as a filling takes. Made up, from a seed, is at which of their stops
there they fill, and all else that :mod:`simulators.receipts.life` makes up.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator

from simulators import almanac, noise
from simulators.receipts import places
from simulators.receipts.life import IDLE_L_H, Car, Life, Mended, bought, burnt, cars
from simulators.receipts.papers import invoices, on_day, receipts
from simulators.receipts.recording import Stood
from simulators.receipts.region import Floats, Region, Spot
from simulators.receipts.road import LAPS, Lap, Road
from simulators.receipts.world import World

_EACH: Final = 1_000
"""Numbers of papers that each vehicle has to itself."""
_HOLE_S: Final = 600.0
_BENT: Final = 1.4
"""What was driven unseen is so much longer than the straight line, at most."""
_FAST_KMH: Final = 45.0
_WAITS_S: Final = 2_400.0
_THIRSTY: Final = (0.35, 0.65)
"""With less of a tank than about this it is filled at the next stop at a station: a taxi uses half
a tank a day, and does not always stand at a station when it must."""
_RESERVE: Final = 0.12
"""With less of a tank than this it is filled at the next stop, wherever that is."""
_LOST_S: Final = 3_600.0
_MOVED_M: Final = 300.0


def driven(road: Road, seed: int) -> World:
    """Return a fleet on real tracks.

    Args:
        road: what they drive.
        seed: of everything else.
    """
    region = _region(road, seed)
    lives, statements, repairs = {}, [], []
    for n, (lap, car) in enumerate(zip(road.vehicles, _cars(road, region), strict=True)):
        life = lives[lap.code] = _live(road, lap, car, region)
        statements += [one if one.timed else on_day(one) for one in receipts(life, n * _EACH, seed)]
        repairs += invoices(life, n * _EACH, seed)
    return World(
        seed,
        region,
        road.first_day,
        road.lap_days * LAPS,
        lives,
        {lap.code: lap.sent for lap in road.vehicles},
        tuple(statements),
        tuple(repairs),
        recorded=True,
        scored_days=road.lap_days * LAPS // 2,
    )


def _region(road: Road, seed: int) -> Region:
    rng = np.random.default_rng(noise.derive(seed, "stations"))
    return Region(
        seed,
        yards=tuple(Spot(f"院{lap.code}", places.yard(lap)) for lap in road.vehicles),
        stations=tuple(
            Spot(f"中国石化第{n + 1}加油站", at, int(rng.normal(0, 60)))
            for n, at in enumerate(places.stations(road.vehicles))
        ),
        garages=tuple(
            Spot(f"{n}号汽车维修厂", at) for n, at in enumerate(places.garages(road.vehicles))
        ),
    )


def _cars(road: Road, region: Region) -> list[Car]:
    """Return cars as a simulated fleet has them, but for where they live and fill."""
    found: list[Car] = []
    for lap, car in zip(road.vehicles, cars(region, len(road.vehicles)), strict=True):
        stops = [stay for stay in lap.stood if places.fits_pump(stay)]
        often = [sum(places.near(spot.at, stay) for stay in stops) for spot in region.stations]
        order = sorted(range(len(often)), key=lambda index: (-often[index], index))
        usual = tuple(region.stations[index] for index in order[:5])
        yard = region.yards[len(found)]
        found.append(replace(car, code=lap.code, yard=yard, usual=usual))
    return found


def _live(road: Road, lap: Lap, car: Car, region: Region) -> Life:
    rng = np.random.default_rng(noise.derive(region.seed, "life", car.code))
    life = Life(car)
    laps = np.arange(LAPS) * road.lap_s
    life.t = np.concatenate([lap.t + later for later in laps])
    life.x, life.y = np.tile(lap.x, LAPS), np.tile(lap.y, LAPS)
    life.metres = _metres(lap, life, rng)
    life.speed = np.zeros(len(life.t))
    stood = [
        _later(stay, later, n * len(lap.t)) for n, later in enumerate(laps) for stay in lap.stood
    ]
    life.stays = [(int(one.begin_s), int(one.end_s), one.at, False) for one in stood]
    life.unseen = _unseen(life)
    _fill(life, stood, region, rng)
    life.mended = [
        Mended(_day(one), garage)
        for one in stood
        for garage in region.garages
        if places.near(garage.at, one) and places.fits_garage(one)
    ]
    return life


def _later(stay: Stood, later_s: float, fixes: int) -> Stood:
    return replace(
        stay,
        first=stay.first + fixes,
        last=stay.last + fixes,
        begin_s=stay.begin_s + later_s,
        end_s=stay.end_s + later_s,
    )


def _metres(lap: Lap, life: Life, rng: Generator) -> Floats:
    """Return how far it had gone at each fix; what nobody saw is bent by chance."""
    legs = np.hypot(np.diff(life.x), np.diff(life.y))
    unseen = np.diff(life.t) > _HOLE_S
    legs[unseen] *= rng.uniform(1.0, _BENT, int(unseen.sum()))
    for n in range(LAPS):
        for stay in lap.stood:
            legs[n * len(lap.t) + stay.first : n * len(lap.t) + stay.last] = 0.0
    return np.append(0.0, np.cumsum(legs))


def _fill(life: Life, stood: list[Stood], region: Region, rng: Generator) -> None:
    """Let a vehicle fill at stops at stations when its tank is low."""
    car, level = life.car, life.car.tank_l * rng.uniform(0.4, 0.9)
    for before, stay in pairwise(stood):
        km = float(life.metres[stay.first] - life.metres[before.last]) / 1_000.0
        fast = km * 3_600.0 > _FAST_KMH * max(stay.begin_s - before.end_s, 1.0)
        level -= burnt(car, km, _day(stay), rng, fast=fast)
        if stay.seconds < _WAITS_S and rng.random() < 0.12:
            level -= stay.seconds / 3_600.0 * IDLE_L_H
        level = max(level, 1.0)
        thirst = level < car.tank_l * rng.uniform(*_THIRSTY)
        if not thirst or not places.fits_pump(stay):
            continue
        where = _station(region, stay, lone=level < car.tank_l * _RESERVE)
        if where is None:
            continue
        tank = bought(car, level, region.seed, _day(stay), rng)
        level += tank.litres
        at_s = int(stay.begin_s + stay.seconds * rng.uniform(0.5, 0.85))
        life.pumped.append(tank.pumped(at_s, where, float(life.metres[stay.first]) / 1_000.0))


def _station(region: Region, stay: Stood, *, lone: bool) -> Spot | None:
    """Return the station at which a vehicle stands; if it must fill, any place is one."""
    for spot in (*region.stations, *region.services):
        if places.near(spot.at, stay):
            return spot
    if not lone:
        return None
    spot = Spot(f"{len(region.services)}号路边加油站", stay.at)
    region.services = (*region.services, spot)
    return spot


def _unseen(life: Life) -> tuple[tuple[int, int], ...]:
    """Return when nobody knows where the vehicle was: it was silent and had moved, or for long."""
    took = np.diff(life.t)
    moved = np.hypot(np.diff(life.x), np.diff(life.y)) > _MOVED_M
    lost = np.flatnonzero(((took > _HOLE_S) & moved) | (took > _LOST_S))
    return tuple((int(life.t[index]), int(life.t[index + 1])) for index in lost.tolist())


def _day(stay: Stood) -> int:
    return almanac.day_of(int(stay.begin_s) * 1_000_000)
