"""Simulated vehicles and papers as the fleet's room takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from fleet.joining.convert import track_of
from fleet.joining.model import Filling, Order, Records, Repair, Track, Vehicle
from fleet.track.fixes import Fixes
from fleet.track.judge import judge
from fleet.track.rules import Rules
from fleet.trips.travel import travelled
from simulators.receipts import places
from simulators.receipts.case import Case
from simulators.receipts.orders import Request
from simulators.receipts.papers import Invoice, Receipt
from simulators.receipts.real import driven
from simulators.receipts.recording import read_all
from simulators.receipts.road import Road, road
from simulators.receipts.terminal import Sent
from simulators.receipts.world import World, world

ZONE: Final = ZoneInfo("Asia/Shanghai")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet, and what our own code makes of what its terminals sent."""

    world: World
    tracks: Mapping[str, Track]


def simulated(seed: int) -> Fleet:
    """Make up a fleet on made-up roads."""
    made = world(seed)
    return Fleet(made, tracks(made))


@dataclass(frozen=True, slots=True)
class Recorded:
    """The real tracks of a directory, and what makes up fleets on them.

    Attributes:
        way: what their vehicles drive.
        unread: names of files that are no tracks: not ``*.txt``.
        fleet: seed → a fleet.
    """

    way: Road
    unread: tuple[str, ...]
    fleet: Callable[[int], Fleet]


def on_recordings(directory: Path) -> Recorded:
    """Read the real tracks of a directory, once for all fleets.

    Raises:
        ValueError: there is none, one cannot be read, or they have no two places in common.
    """
    way = road(read_all(directory))
    shared = len(places.stations(way.vehicles))
    if shared < 2:
        raise ValueError(f"{len(way.vehicles)} tracks in {directory} share {shared} places to fill")
    made = {lap.code: _track(lap.sent) for lap in way.vehicles}
    files = (path for path in directory.rglob("*") if path.is_file())
    unread = sorted(path.name for path in files if path.suffix != ".txt")
    return Recorded(way, tuple(unread), lambda seed: Fleet(driven(way, seed), made))


def tracks(made: World) -> dict[str, Track]:
    """Return what our own code makes of what the terminals sent."""
    return {code: _track(sent) for code, sent in made.tracks.items()}


def records(fleet: Fleet, case: Case) -> Records:
    """Return a case as records."""
    lives = fleet.world.lives
    tanks = {code: life.car.tank_l * 1_000 for code, life in lives.items()}
    energies = {code: life.car.energy for code, life in lives.items()}
    fillings: dict[str, list[Filling]] = {code: [] for code in lives}
    repairs: dict[str, list[Repair]] = {code: [] for code in lives}
    orders: dict[str, list[Order]] = {code: [] for code in lives}
    for receipt in case.receipts:
        whose = receipt.vehicle
        fillings[whose].append(filling_of(receipt, energies[whose], tanks[whose]))
    for invoice in case.invoices:
        repairs[invoice.vehicle].append(_repair(invoice))
    for request in case.orders:
        orders[request.vehicle].append(_order(request))
    return Records(
        {
            code: Vehicle(
                code,
                fillings=tuple(fillings[code]),
                repairs=tuple(repairs[code]),
                orders=tuple(orders[code]),
                track=fleet.tracks[code],
            )
            for code in lives
        }
    )


def _track(sent: Sent) -> Track:
    count = len(sent.t_us)
    fixes = Fixes(
        sent.t_us,
        np.ones(count, np.int64),
        np.arange(count, dtype=np.int64),
        sent.lat,
        sent.lon,
        sent.speed,
        sent.odometer_km,
        sent.acc,
        np.zeros(count, np.int64),
        sent.t_us + _SECOND,
    ).ordered()
    rules = Rules()
    judged = judge(fixes, rules)
    return track_of(travelled(judged, rules, ZONE), fixes.take(judged.counting))


def filling_of(one: Receipt, energy: str, tank_ml: int) -> Filling:
    """Return a receipt as a filling of a vehicle with that energy and tank."""
    day_us, month_us = _days(one.at_s)
    return Filling(
        number=one.number,
        at_us=one.at_s * _SECOND,
        day_us=day_us,
        month_us=month_us,
        timed=one.timed,
        product=one.product,
        energy=energy,
        ml=one.ml,
        tank_ml=tank_ml,
        odometer_hm=one.odometer_hm,
        full=one.full,
        merchant=one.merchant,
        card=f"card {one.vehicle}",
        written=one.plate,
    )


def _repair(one: Invoice) -> Repair:
    at_s = one.day * 86_400 + 4 * 3_600  # noon, eight hours ahead of UTC
    return Repair(one.number, at_s * _SECOND, *_days(at_s), one.merchant)


def _order(one: Request) -> Order:
    back_us = None if one.back_s is None else one.back_s * _SECOND
    day_us = _days(one.out_s)[0]
    times = one.out_s * _SECOND, back_us
    return Order(one.number, str(one.number), day_us, *times, one.out_hm, one.back_hm)


def _days(at_s: int) -> tuple[int, int]:
    """Return the begin of the local day and month, µs UTC."""
    at = (_EPOCH + timedelta(seconds=at_s)).astimezone(ZONE)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return _us(day), _us(day.replace(day=1))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
