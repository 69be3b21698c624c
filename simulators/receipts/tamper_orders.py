"""Dispatch orders that are not true, and drives that none speaks of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.random import Generator

from simulators.receipts.case import Case, Kind
from simulators.receipts.orders import Request
from simulators.receipts.world import World, scored_from

_FORGED: Final = 900_000
_WIDER: Final = 1.4
_TRIES: Final = 40_000
_DAY: Final = 86_400

ORDER_KINDS: Final = (
    Kind("order_without_trip", "min", (5, 15, 25, 30, 40, 60, 90), 50),
    Kind("order_kilometres", "km", (2, 5, 10, 20, 30, 50, 80), 50),
    Kind("trip_without_order", "km", (1, 2, 5, 10, 20, 50, 100), 50),
    Kind("trip_without_order:shifted", "min", (30, 60, 90, 120, 180, 240), 50),
)


def _without_trip(world: World, size: int, each: int, rng: Generator) -> Case:
    """Make up orders for a time in which the vehicle stood, and before and behind it so long."""
    made: list[Request] = []
    lives = list(world.lives.values())
    for _ in range(_TRIES):
        if len(made) == each or not world.orders:
            break
        life = lives[int(rng.integers(0, len(lives)))]
        since, until, _, _ = life.stays[int(rng.integers(0, len(life.stays)))]
        margin = int(rng.uniform(size, size * _WIDER) * 60)
        lasts = int(rng.uniform(3_600, 3 * 3_600))
        out_s = since + margin
        if since < scored_from(world) or until - since < 2 * margin + lasts:
            continue
        vehicle = life.car.code
        one = Request(_FORGED + len(made), vehicle, (-1, -1), out_s, out_s + lasts, None, None)
        made.append(one)
    untrue = {one.number: n for n, one in enumerate(made)}
    return Case((), (), untrue, orders=(*world.orders, *made))


def _kilometres(world: World, size: int, each: int, rng: Generator) -> Case:
    whole = [one for one in _scored(world) if one.back_hm is not None and one.back_s is not None]
    chosen = {whole[int(n)].number: whole[int(n)] for n in rng.permutation(len(whole))[:each]}
    changed = {
        number: replace(one, back_hm=(one.back_hm or 0) + size * 10)
        for number, one in chosen.items()
    }
    papers = tuple(changed.get(one.number, one) for one in world.orders)
    return Case((), (), {number: n for n, number in enumerate(changed)}, orders=papers)


def _unasked(world: World, size: int, each: int, rng: Generator) -> Case:
    """Take away the orders of outings of so many kilometres."""
    gone: list[Request] = []
    mine = _scored(world)
    for n in rng.permutation(len(mine)).tolist():
        life = world.lives[mine[n].vehicle]
        km = np.diff(np.interp(mine[n].true_s, life.t, life.metres))[0] / 1_000.0
        if size <= km < size * _WIDER and len(gone) < each:
            gone.append(mine[n])
    numbers = {one.number for one in gone}
    return _undriven(gone, tuple(one for one in world.orders if one.number not in numbers))


def _shifted(world: World, size: int, each: int, rng: Generator) -> Case:
    """Let orders name a time that is so much later or earlier than that of the outing."""
    whole = [one for one in _scored(world) if one.back_s is not None]
    chosen = [whole[n] for n in rng.permutation(len(whole)).tolist()[:each]]
    later = {one.number: size * 60 * (1 if rng.random() < 0.5 else -1) for one in chosen}
    papers = [
        replace(
            one,
            out_s=one.out_s + later.get(one.number, 0),
            back_s=None if one.back_s is None else one.back_s + later.get(one.number, 0),
        )
        for one in world.orders
    ]
    return _undriven(chosen, tuple(papers))


_Maker = Callable[[World, int, int, Generator], Case]
ORDER_MAKERS: Final[dict[str, _Maker]] = {
    "order_without_trip": _without_trip,
    "order_kilometres": _kilometres,
    "trip_without_order": _unasked,
    "trip_without_order:shifted": _shifted,
}


def _undriven(untrue: list[Request], papers: tuple[Request, ...]) -> Case:
    driven = {(one.vehicle, *one.true_s): n for n, one in enumerate(untrue)}
    return Case((), (), {}, orders=papers, driven=driven)


def _scored(world: World) -> list[Request]:
    begin = scored_from(world)
    end = begin + (world.scored_days - 1) * _DAY
    return [one for one in world.orders if begin <= one.out_s < end]
