"""Fleets of which some vehicles use, or pay, more from a day on; the others only look like it.

What looks like it: winter and summer, more of the town, more of the motorway, cards that pay for
full tanks from a day on, and a price that rises for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
from numpy.random import Generator

from simulators import almanac, noise
from simulators.receipts.life import Car, Habit, Life, cars, live
from simulators.receipts.papers import Receipt, on_day, receipts
from simulators.receipts.region import region

VEHICLES: Final = 40
CHANGED: Final = 10
DAYS: Final = 640
CHANGES: Final = (400, 500)
"""Days of a world between which something changes; before them a year is learned."""
_FIRST: Final = (date(2024, 3, 1) - date(1970, 1, 1)).days
_EACH: Final = 1_000
_LIKE: Final = ("town", "motorway", "full", "")
_GRADES: Final = (1.0, 1.0, 1.07, 1.17)
"""What 92, 95 and 98 cost; a statement may call all of them petrol."""


@dataclass(frozen=True, slots=True)
class Costly:
    """What is true of a fleet, and what its statements say.

    Attributes:
        first_day, days: local days since 1970.
        lives: code → what happened.
        receipts: all of them.
        fen: number of a receipt → what was paid.
        changed: code → the local day from which on it uses, or pays, more.
        like: code → why it looks like it; empty: it does not.
        unseen: codes of vehicles without a terminal.
    """

    first_day: int
    days: int
    lives: dict[str, Life]
    receipts: tuple[Receipt, ...]
    fen: dict[int, int]
    changed: dict[str, int]
    like: dict[str, str]
    unseen: frozenset[str]


def costly(seed: int, *, litres_pct: int = 0, yuan_pct: int = 0) -> Costly:
    """Make up a fleet.

    Args:
        seed: of everything.
        litres_pct: the changed vehicles use so much more from their day on.
        yuan_pct: they pay so much more for a litre.
    """
    rng = np.random.default_rng(noise.derive(seed, "costly", 0))
    where = region(seed)
    first = _FIRST + int(rng.integers(0, 365))
    season = float(rng.uniform(0.03, 0.08))
    made = [replace(one, season=season) for one in cars(where, VEHICLES)]
    days = [first + int(day) for day in rng.integers(*CHANGES, len(made))]
    changed = {one.code: day for one, day in zip(made[:CHANGED], days, strict=False)}
    like = {one.code: _LIKE[n % 4] for n, one in enumerate(made[CHANGED:])}
    made = [
        replace(one, habits=(_habit(one, day, litres_pct, like.get(one.code)),))
        for one, day in zip(made, days, strict=True)
    ]
    lives = {one.code: live(where, one, first, DAYS) for one in made}
    found: list[Receipt] = []
    for n, life in enumerate(lives.values()):
        found += receipts(life, n * _EACH, seed)
    found = [one if one.timed else on_day(one) for one in found]
    jump = first + int(rng.integers(*CHANGES))
    more = {code: (day, yuan_pct) for code, day in changed.items()}
    return Costly(
        first,
        DAYS,
        lives,
        tuple(found),
        _paid(found, seed, jump, more),
        changed,
        like,
        frozenset(one.code for one in made if rng.random() < 0.25),
    )


def _habit(car: Car, day: int, litres_pct: int, like: str | None) -> Habit:
    usual = Habit(day, 1.0, car.long, car.waits, car.cap_yuan)
    match like:
        case None:
            return replace(usual, thirst=1.0 + litres_pct / 100)
        case "town":
            return replace(usual, long=0.0)
        case "motorway":
            return replace(usual, long=0.6)
        case "full":
            return replace(usual, cap_yuan=0)
        case _:
            return usual


def _paid(
    found: list[Receipt], seed: int, jump: int, more: dict[str, tuple[int, int]]
) -> dict[int, int]:
    """Return what was paid: the price of the fortnight, of the grade, and a little by station."""
    paid = {}
    for one in found:
        rng = np.random.default_rng(noise.derive(seed, "paid", one.number))
        day = almanac.day_of(one.at_s * 1_000_000)
        price = _price(one, day, seed, rng) * (1.2 if day >= jump else 1.0)
        since, pct = more.get(one.vehicle, (day + 1, 0))
        if one.ml is not None:
            paid[one.number] = round(one.ml * price / 10 * (1 + pct / 100 * (day >= since)))
    return paid


def _price(one: Receipt, day: int, seed: int, rng: Generator) -> float:
    """Return yuan a litre."""
    grade = _GRADES[int(4 * noise.chance(seed, "grade", one.vehicle)) % 4]
    return (7.3 + 0.5 * noise.chance(seed, "price", day // 14)) * grade * rng.uniform(0.97, 1.0)
