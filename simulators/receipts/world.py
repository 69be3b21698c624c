"""A fleet with its tracks and its true papers, from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from simulators.receipts.life import Life, cars, live
from simulators.receipts.papers import Invoice, Receipt, invoices, on_day, receipts
from simulators.receipts.region import Region, region
from simulators.receipts.terminal import Sent, sent

VEHICLES: Final = 40
DAYS: Final = 290
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
    """

    seed: int
    region: Region
    first_day: int
    days: int
    lives: dict[str, Life]
    tracks: dict[str, Sent]
    receipts: tuple[Receipt, ...]
    invoices: tuple[Invoice, ...]


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
    for n, life in enumerate(lives.values()):
        mine = receipts(life, n * _EACH, seed)
        statements += [one if one.timed else on_day(one) for one in mine]
        repairs += invoices(life, n * _EACH, seed)
    return World(
        seed,
        where,
        first,
        days,
        lives,
        {code: sent(life, seed) for code, life in lives.items()},
        tuple(statements),
        tuple(repairs),
    )
