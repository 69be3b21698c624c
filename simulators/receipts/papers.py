"""What statements and invoices make of a life: late, coarse, incomplete, in several spellings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import Generator

from simulators import almanac, noise
from simulators.receipts.life import Life, Pumped
from simulators.receipts.region import Spot

_MINUTE: Final = 60


@dataclass(frozen=True, slots=True)
class Receipt:
    """A line of a fuel statement.

    Attributes:
        number: its own, also of those that are tampered with.
        vehicle: code.
        true_s: when the pump stopped; -1: it never ran for this vehicle.
        at_s: what the paper says; seconds since 1970, UTC.
        timed: the paper has a time of day.
        product: what; empty: not stated.
        ml: litres; None: not stated.
        merchant: as spelt.
        odometer_hm: None: not stated.
        full: said to be full.
        room_ml: what the tank could truly have taken; None: not told.
        station: the true name.
        plate: vehicle that the paper names; empty: it names none.
    """

    number: int
    vehicle: str
    true_s: int
    at_s: int
    timed: bool
    product: str
    ml: int | None
    merchant: str
    odometer_hm: int | None
    full: bool
    room_ml: int | None
    station: str
    plate: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of a garage: local day of the paper."""

    number: int
    vehicle: str
    day: int
    merchant: str


def receipts(life: Life, number: int, seed: int) -> list[Receipt]:
    """Return the true lines of a vehicle's statement, numbered from a number on."""
    rng = np.random.default_rng(noise.derive(seed, "receipts", life.car.code))
    odometers = rng.random() < 0.75
    begun = int(rng.integers(10_000, 900_000))
    wrong = 1.0 + rng.normal(0.0, 0.012)
    daily = rng.random() < 0.1  # a provider whose statement has no times
    named = noise.chance(seed, "plates", life.car.code) < 0.6  # and one whose statement has plates
    found: list[Receipt] = []
    for one in life.pumped:
        for part in range(one.parts):
            pumped_s = one.at_s + part * int(rng.uniform(60, 200))
            last = part == one.parts - 1
            at_s, timed = said(pumped_s, one.where, rng)
            shown = odometers and rng.random() < 0.85
            found.append(
                Receipt(
                    number=number + len(found),
                    vehicle=life.car.code,
                    true_s=pumped_s,
                    at_s=at_s,
                    timed=timed and not daily,
                    product="" if rng.random() < 0.02 else life.car.energy,
                    ml=_ml(one, rng),
                    merchant=spelt(one.where.name, rng),
                    odometer_hm=begun + int(one.km * wrong) * 10 if shown else None,
                    full=one.full and last and life.car.marks_full,
                    room_ml=int(one.room_l * 1000) if one.parts == 1 else None,
                    station=one.where.name,
                    plate=life.car.code if named else "",
                )
            )
    return sorted(found, key=lambda one: one.at_s)


def said(pumped_s: int, where: Spot, rng: Generator) -> tuple[int, bool]:
    """Return what a statement says of a time, and whether it has a time of day."""
    late = rng.random()
    by = rng.uniform(0, 4)
    if late > 0.90:
        by = rng.uniform(4, 25)
    if late > 0.99:
        by = rng.uniform(25, 150)
    return pumped_s + where.lag_s + int(by * _MINUTE), bool(rng.random() > 0.05)


def spelt(name: str, rng: Generator) -> str:
    """Return a name as one of several tills spells it."""
    ways = (name, name, name, f" {name}", name.replace("站", "站 "), name.replace("第", " 第"))
    return ways[int(rng.integers(0, len(ways)))]


def invoices(life: Life, number: int, seed: int) -> list[Invoice]:
    """Return the true invoices of a vehicle, numbered from a number on."""
    rng = np.random.default_rng(noise.derive(seed, "invoices", life.car.code))
    return [
        Invoice(number + n, life.car.code, one.day + int(rng.choice([0, 0, 0, 1, 3, 7])),
                spelt(one.where.name, rng))
        for n, one in enumerate(life.mended)
    ]  # fmt: skip


def on_day(receipt: Receipt) -> Receipt:
    """Return a receipt with the day only, at noon."""
    day = almanac.day_of(receipt.at_s * 1_000_000)
    return replace(receipt, at_s=almanac.start_of(day) // 1_000_000 + 43_200, timed=False)


def _ml(one: Pumped, rng: Generator) -> int | None:
    share = one.litres / one.parts
    return None if rng.random() < 0.01 else int(share * 100) * 10
