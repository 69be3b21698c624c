"""A fleet with its tracks and its true papers, from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from simulators import almanac
from simulators.receipts.life import Life, cars, live
from simulators.receipts.orders import Request, orders
from simulators.receipts.papers import Invoice, Receipt, invoices, on_day, receipts
from simulators.receipts.region import Region, region
from simulators.receipts.terminal import Sent, sent

VEHICLES: Final = 40
DAYS: Final = 290
SCORED_DAYS: Final = 110
"""The last days of a world: before them stations are learned."""
_FIRST: Final = (date(2025, 3, 1) - date(1970, 1, 1)).days
_EACH: Final = 1_000
"""Numbers of papers that each vehicle has to itself."""


@dataclass(frozen=True, slots=True)
class World:
    """What is true, and what is said of it.

    Attributes:
        seed: of everything.
        region: where.
        first_day, days: local days, since 1970.
        lives: code → what happened.
        tracks: code → what the terminal sent.
        receipts: all true ones, by vehicle and time.
        invoices: all true ones.
        orders: all true ones; none: they are not kept.
        recorded: its tracks are real; of a vehicle that passes everything, only stops count.
        scored_days: the last days, in which papers are tampered with.
    """

    seed: int
    region: Region
    first_day: int
    days: int
    lives: dict[str, Life]
    tracks: dict[str, Sent]
    receipts: tuple[Receipt, ...]
    invoices: tuple[Invoice, ...]
    orders: tuple[Request, ...] = ()
    recorded: bool = False
    scored_days: int = SCORED_DAYS


def world(seed: int, vehicles: int = VEHICLES, days: int = DAYS) -> World:
    """Make up a fleet and what it did.

    Args:
        seed: of everything; the season in which it begins, too.
        vehicles: how many.
        days: how long, from a local midnight on.
    """
    where = region(seed)
    first = _FIRST + int(np.random.default_rng(seed).integers(0, 365))
    lives = {one.code: live(where, one, first, days) for one in cars(where, vehicles)}
    statements = []
    repairs = []
    asked = []
    for n, life in enumerate(lives.values()):
        mine = receipts(life, n * _EACH, seed)
        statements += [one if one.timed else on_day(one) for one in mine]
        repairs += invoices(life, n * _EACH, seed)
        asked += orders(life, n * _EACH, seed)
    return World(
        seed,
        where,
        first,
        days,
        lives,
        {code: sent(life, seed) for code, life in lives.items()},
        tuple(statements),
        tuple(repairs),
        tuple(asked),
    )


def scored_from_us(made: World) -> int:
    """Return from when on papers are scored, µs UTC."""
    return scored_from(made) * 1_000_000


def scored_from(made: World) -> int:
    """Return from when on papers are tampered with, s UTC."""
    return almanac.start_of(made.first_day + made.days - made.scored_days) // 1_000_000
