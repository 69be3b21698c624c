"""Simulated vehicles and papers as the fleet's room takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from fleet.joining.convert import track_of
from fleet.joining.model import Filling, Records, Repair, Track, Vehicle
from fleet.track.fixes import Fixes
from fleet.track.judge import judge
from fleet.track.rules import Rules
from fleet.trips.travel import travelled
from simulators.receipts.papers import Invoice, Receipt
from simulators.receipts.tamper import Case
from simulators.receipts.terminal import Sent
from simulators.receipts.world import World

ZONE: Final = ZoneInfo("Asia/Shanghai")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000


def tracks(world: World) -> dict[str, Track]:
    """Return what our own code makes of what the terminals sent."""
    return {code: _track(sent) for code, sent in world.tracks.items()}


def records(world: World, made: dict[str, Track], case: Case) -> Records:
    """Return a case as records."""
    tanks = {code: life.car.tank_l * 1_000 for code, life in world.lives.items()}
    energies = {code: life.car.energy for code, life in world.lives.items()}
    fillings: dict[str, list[Filling]] = {code: [] for code in world.lives}
    repairs: dict[str, list[Repair]] = {code: [] for code in world.lives}
    for receipt in case.receipts:
        whose = receipt.vehicle
        fillings[whose].append(_filling(receipt, energies[whose], tanks[whose]))
    for invoice in case.invoices:
        repairs[invoice.vehicle].append(_repair(invoice))
    return Records(
        {
            code: Vehicle(code, False, tuple(fillings[code]), tuple(repairs[code]), (), made[code])
            for code in world.lives
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


def _filling(one: Receipt, energy: str, tank_ml: int) -> Filling:
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
    )


def _repair(one: Invoice) -> Repair:
    at_s = one.day * 86_400 + 4 * 3_600  # noon, eight hours ahead of UTC
    return Repair(one.number, at_s * _SECOND, *_days(at_s), one.merchant)


def _days(at_s: int) -> tuple[int, int]:
    """Return the begin of the local day and month, µs UTC."""
    at = (_EPOCH + timedelta(seconds=at_s)).astimezone(ZONE)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return _us(day), _us(day.replace(day=1))


def _us(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
