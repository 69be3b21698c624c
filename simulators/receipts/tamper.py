"""Papers that are not true, each kind at several sizes: the ground truth of what is to be found.

A size says how far a paper is from the truth, so the larger it is the easier it is to see. Papers
that are made up carry all the errors of true ones: late, coarse, in several spellings.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
from numpy.random import Generator

from simulators import almanac, noise
from simulators.models.route import Point
from simulators.receipts.case import Case, Kind
from simulators.receipts.life import Life
from simulators.receipts.papers import Invoice, Receipt, on_day, said, spelt
from simulators.receipts.region import Floats, Spot
from simulators.receipts.tamper_orders import ORDER_KINDS, ORDER_MAKERS
from simulators.receipts.world import World, scored_from

_T = TypeVar("_T")
RUN: Final = 10
"""So many fillings in a row are padded; a size says by how much together."""
_DAY: Final = 86_400
_HOUR: Final = 3_600
_WIDER: Final = 1.4
"""A size of 1000 m means from 1000 m to 1400 m."""
_TRIES: Final = 40_000
_FORGED: Final = 900_000


_METRES: Final = (300, 500, 700, 1_000, 1_500, 2_500, 5_000)
KINDS: Final = (
    Kind("borrowed_card", "m", _METRES, 60),
    Kind("station_elsewhere", "m", _METRES[:-1], 50),
    Kind("without_travel", "min", (20, 40, 60, 90, 120, 180, 240), 60),
    Kind("overfill:tank", "L", (1, 2, 4, 6, 8, 10, 15), 50),
    Kind("overfill:since", "L", (5, 10, 15, 20, 25, 30, 40), 40),
    Kind("two_fills", "min", (2, 5, 10, 20, 30, 45, 60), 50),
    Kind("padded_litres", "L", (20, 40, 60, 80, 100, 120, 150, 200), 12),
    Kind("wrong_fuel", "L", (5, 15, 30), 50),
    Kind("other_vehicle", "L", (5, 15, 30), 50),
    Kind("garage_never_visited", "m", _METRES, 25),
    *ORDER_KINDS,
)


def tampered(world: World, kind: Kind, size: int) -> Case:
    """Return a world's papers with untrue ones of a kind and size among them."""
    seed = noise.derive(world.seed, "tamper", kind.name, size)
    return _MAKERS[kind.name](world, size, kind.each, np.random.default_rng(seed))


def _borrowed(world: World, size: int, each: int, rng: Generator) -> Case:
    made: list[Receipt] = []
    lives = list(world.lives.values())
    spots = {one.name: one for one in (*world.region.stations, *world.region.services)}
    for _ in range(_TRIES):
        if len(made) == each:
            break
        life = lives[int(rng.integers(0, len(lives)))]
        station = spots[world.receipts[int(rng.integers(0, len(world.receipts)))].station]
        at_s = _day_time(world, rng)
        one = _forged(life, station, at_s, len(made), rng)
        if not life.seen(*_span(one)):
            continue
        path = _path(life, *_span(one))
        stood = _stood(life, *_span(one)) if world.recorded else path
        fits = size <= _near(path, station.at) < size * _WIDER
        if fits and not _at_a_station(world, stood):
            made.append(one)
    return _with(world, made)


def _elsewhere(world: World, size: int, each: int, rng: Generator) -> Case:
    spots = {one.name: one for one in (*world.region.stations, *world.region.services)}
    changed: dict[int, Receipt] = {}
    left = _rarely(world)
    for one in _shuffled(_scored(world), rng):
        if len(changed) == each:
            break
        here = spots[one.station].at
        life = world.lives[one.vehicle]
        if not life.seen(*_span(one)):
            continue
        path = _path(life, one.at_s - 45 * 60, one.at_s + 15 * 60)
        for other in _shuffled(list(world.region.stations), rng):
            fits = one.timed and size <= math.dist(here, other.at) < size * _WIDER
            if fits and left[other.name] > 0 and _near(path, other.at) >= size * 0.9:
                left[other.name] -= 1
                changed[one.number] = replace(one, merchant=spelt(other.name, rng))
                break
    return _changed(world, changed)


def _rarely(world: World) -> dict[str, int]:
    """Return how often a station may be named wrongly: a place is learned from what is named so."""
    named = Counter(one.station for one in world.receipts)
    return {spot.name: named[spot.name] // 5 for spot in world.region.stations}


def _without_travel(world: World, size: int, each: int, rng: Generator) -> Case:
    made: list[Receipt] = []
    lives = list(world.lives.values())
    needed, begin = size * 60, scored_from(world)
    for _ in range(_TRIES):
        if len(made) == each:
            break
        life = lives[int(rng.integers(0, len(lives)))]
        since, until, where, _ = life.stays[int(rng.integers(0, len(life.stays)))]
        if since < begin or until - since < 2.1 * needed or _is_station(world, where):
            continue
        offset = int(rng.uniform(needed, min(needed * _WIDER, (until - since) / 2)))
        at_s = since + offset if rng.random() < 0.5 else until - offset
        station = life.car.usual[int(rng.integers(0, len(life.car.usual)))]
        one = _forged(life, station, at_s, len(made), rng)
        seen = life.seen(at_s - needed, at_s + needed)
        if one.timed and seen and math.dist(where, station.at) > 400.0:
            made.append(one)
    return _with(world, made)


def _overfill_tank(world: World, size: int, each: int, rng: Generator) -> Case:
    whole = [one for one in _scored(world) if one.ml is not None and one.room_ml is not None]
    chosen = _shuffled(whole, rng)[:each]
    tanks = {code: life.car.tank_l for code, life in world.lives.items()}
    return _changed(
        world, {one.number: replace(one, ml=(tanks[one.vehicle] + size) * 1_000) for one in chosen}
    )


def _overfill_since(world: World, size: int, each: int, rng: Generator) -> Case:
    """Make up fillings between a full tank and the next: more litres than there is room for."""
    made: list[Receipt] = []
    legs = [
        (one, following)
        for one, following in pairwise(world.receipts)
        if one.vehicle == following.vehicle and one.full and one.timed and following.timed
    ]
    for one, following in _shuffled(legs, rng):
        life, begin = world.lives[one.vehicle], scored_from(world)
        if len(made) == each:
            break
        if one.at_s < begin or not (one.ml and one.room_ml and following.room_ml):
            continue
        if following.true_s - one.true_s < 9 * _HOUR:
            continue
        at_s = int(rng.uniform(one.true_s + 4 * _HOUR, following.true_s - 4 * _HOUR))
        km = np.interp([one.true_s, at_s, following.true_s], life.t, life.metres)
        burnt = following.room_ml - one.room_ml + one.ml
        share = (km[1] - km[0]) / max(km[2] - km[0], 1.0)
        room = one.room_ml - one.ml + int(burnt * share)
        ml = room + size * 1_000
        if 4_000 < ml <= life.car.tank_l * 1_000:
            station = life.car.usual[int(rng.integers(0, len(life.car.usual)))]
            forged = _forged(life, station, at_s, len(made), rng)
            if forged.timed:
                made.append(replace(forged, ml=ml // 10 * 10))
    return _with(world, made)


def _two_fills(world: World, size: int, each: int, rng: Generator) -> Case:
    made: list[Receipt] = []
    times: dict[str, list[int]] = {}
    for one in world.receipts:
        times.setdefault(one.vehicle, []).append(one.at_s)
    for one in _shuffled(_scored(world), rng):
        if len(made) == each:
            break
        near = sum(abs(at - one.at_s) < 4 * _HOUR for at in times[one.vehicle])
        if not one.timed or near > 1:
            continue
        stations = world.region.stations
        where = stations[int(rng.integers(0, len(stations)))]
        if rng.random() < 0.4:
            where = next((spot for spot in stations if spot.name == one.station), where)
        life = world.lives[one.vehicle]
        second = _forged(life, where, one.true_s + (120 - size) * 60, len(made), rng)
        if second.timed:
            made.append(second)
    close = {
        other.number
        for before, one in pairwise(world.receipts)
        if before.vehicle == one.vehicle and one.true_s - before.true_s <= 120 * 60
        for other in (before, one)
    }
    return replace(_with(world, made), apart=frozenset(close))


def _padded(world: World, size: int, each: int, rng: Generator) -> Case:
    mine: dict[str, list[Receipt]] = {}
    for one in _scored(world):
        mine.setdefault(one.vehicle, []).append(one)
    enough = [code for code, found in mine.items() if len(found) >= RUN]
    changed: dict[int, Receipt] = {}
    groups: dict[int, int] = {}
    for group, code in enumerate(_shuffled(enough, rng)[:each]):
        for one in mine[code][:RUN]:
            groups[one.number] = group
            if one.ml is not None:
                changed[one.number] = replace(one, ml=one.ml + size * 1_000 // RUN)
    return replace(_changed(world, changed), untrue=groups)


def _wrong_fuel(world: World, size: int, each: int, rng: Generator) -> Case:
    other = {"petrol": "diesel", "diesel": "petrol"}
    chosen = [one for one in _shuffled(_scored(world), rng) if one.product][:each]
    return _changed(
        world,
        {one.number: replace(one, product=other[one.product], ml=size * 1_000) for one in chosen},
    )


def _other_vehicle(world: World, size: int, each: int, rng: Generator) -> Case:
    """Let papers name another vehicle than the one that holds the card."""
    codes, changed = sorted(world.lives), {}
    for one in _shuffled(_scored(world), rng)[:each]:
        others = [code for code in codes if code != one.vehicle]
        other = others[int(rng.integers(0, len(others)))]
        changed[one.number] = replace(one, plate=other, ml=size * 1_000)
    return _changed(world, changed)


def _garage(world: World, size: int, each: int, rng: Generator) -> Case:
    made: list[Invoice] = []
    lives, garages = list(world.lives.values()), world.region.garages
    last = world.first_day + world.days
    for _ in range(_TRIES):
        if len(made) == each or not garages:
            break
        life = lives[int(rng.integers(0, len(lives)))]
        garage = garages[int(rng.integers(0, len(garages)))]
        day = int(rng.integers(last - world.scored_days, last - 4))
        begin = almanac.start_of(day - 11) // 1_000_000
        first = bisect_left(life.stays, begin, key=lambda stay: stay[1])
        end = bisect_left(life.stays, begin + 14 * _DAY, key=lambda stay: stay[0])
        stays = life.stays[first:end]
        near = min((math.dist(where, garage.at) for _, _, where, _ in stays), default=math.inf)
        if size <= near < size * _WIDER:
            merchant = spelt(garage.name, rng)
            made.append(Invoice(_FORGED + len(made), life.car.code, day, merchant))
    untrue = {one.number: n for n, one in enumerate(made)}
    return Case(world.receipts, (*world.invoices, *made), untrue)


_MAKERS: Final[dict[str, Callable[[World, int, int, Generator], Case]]] = {
    "borrowed_card": _borrowed,
    "station_elsewhere": _elsewhere,
    "without_travel": _without_travel,
    "overfill:tank": _overfill_tank,
    "overfill:since": _overfill_since,
    "two_fills": _two_fills,
    "padded_litres": _padded,
    "wrong_fuel": _wrong_fuel,
    "other_vehicle": _other_vehicle,
    "garage_never_visited": _garage,
    **ORDER_MAKERS,
}


def _scored(world: World) -> list[Receipt]:
    begin = scored_from(world)
    end = begin + (world.scored_days - 1) * _DAY
    return [one for one in world.receipts if begin <= one.at_s < end]


def _with(world: World, made: list[Receipt]) -> Case:
    untrue = {one.number: n for n, one in enumerate(made)}
    return Case((*world.receipts, *made), world.invoices, untrue)


def _changed(world: World, changed: dict[int, Receipt]) -> Case:
    papers = tuple(changed.get(one.number, one) for one in world.receipts)
    return Case(papers, world.invoices, {number: n for n, number in enumerate(changed)})


def _forged(life: Life, where: Spot, true_s: int, n: int, rng: Generator) -> Receipt:
    at_s, timed = said(true_s, where, rng)
    one = Receipt(
        number=_FORGED + n,
        vehicle=life.car.code,
        true_s=true_s,
        at_s=at_s,
        timed=timed,
        product=life.car.energy,
        ml=int(rng.uniform(15, 38) * 100) * 10,
        merchant=spelt(where.name, rng),
        odometer_hm=None,
        full=False,
        room_ml=None,
        station=where.name,
    )
    return one if timed else on_day(one)


def _day_time(world: World, rng: Generator) -> int:
    day = int(rng.integers(0, world.scored_days - 1))
    return scored_from(world) + day * _DAY + int(rng.uniform(7, 20) * _HOUR)


def _span(one: Receipt) -> tuple[int, int]:
    """Return when it can have been, by what the paper says."""
    if one.timed:
        return one.at_s - 45 * 60, one.at_s + 15 * 60
    return one.at_s - _DAY // 2, one.at_s + _DAY // 2


def _path(life: Life, from_s: int, to_s: int) -> Floats:
    """Return where a vehicle truly was, every half minute, ends included: rows of x and y."""
    times = np.arange(from_s, to_s + 1, 30.0)
    return np.column_stack((np.interp(times, life.t, life.x), np.interp(times, life.t, life.y)))


def _stood(life: Life, from_s: int, to_s: int) -> Floats:
    """Return where a vehicle stood in a span of time: rows of x and y."""
    found = [at for begin, end, at, _ in life.stays if begin < to_s and from_s < end]
    return np.array(found, np.float64).reshape(-1, 2)


def _near(path: Floats, at: Point) -> float:
    return float(np.hypot(path[:, 0] - at[0], path[:, 1] - at[1]).min(initial=math.inf))


def _at_a_station(world: World, path: Floats) -> bool:
    spots = (*world.region.stations, *world.region.services)
    return any(_near(path, one.at) < 250.0 for one in spots)


def _is_station(world: World, at: Point) -> bool:
    spots = (*world.region.stations, *world.region.services)
    return any(math.dist(at, one.at) < 250.0 for one in spots)


def _shuffled(items: list[_T], rng: Generator) -> list[_T]:
    return [items[int(n)] for n in rng.permutation(len(items))]
