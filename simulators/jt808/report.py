"""What a vehicle does, as bodies of 0x0200, and the ways a terminal gets them wrong."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Final

from simulators.almanac import DAY_US
from simulators.jt808 import location
from simulators.jt808.location import Location
from simulators.mqtt.payload import Fix

CARD: Final = "driver_card"
"""Kind of a 0x0702; the others are keys of ``truth.STORED_AS``."""

NO_SUCH_LATITUDE: Final = 190_000_000
_AWKWARD: Final = bytes.fromhex("7e7d7d027e7d01")
_TANK_DL: Final = 550
_DL_PER_KM: Final = 0.9
_RANGE_KM: Final = 450.0


class Fuel(enum.StrEnum):
    """What a terminal says of fuel: nothing, always 0.0 for want of a sensor, or litres."""

    ABSENT = "absent"
    ZERO = "zero"
    SENSOR = "sensor"


@dataclass(frozen=True, slots=True)
class Report:
    """One position of a terminal, numbered.

    Attributes:
        seq: the terminal's number.
        ts: the time its body carries, µs since the Unix epoch, whole seconds.
        kind: key of ``truth.STORED_AS``, or :data:`CARD`.
        body: of 0x0200, or 0x0702.
    """

    seq: int
    ts: int
    kind: str
    body: bytes


def compose(seq: int, fix: Fix, kind: str, fuel: Fuel, *, awkward: bool = False) -> Report:
    """Write one position in the way its kind demands.

    Args:
        seq: its number.
        fix: what was measured.
        kind: of ``Mishaps.kind``.
        fuel: what the terminal knows of fuel.
        awkward: the body has bytes that must be escaped.
    """
    where = _located(seq, fix, fuel)
    if kind == "future":
        where = replace(where, time_s=where.time_s + 2 * DAY_US // 1_000_000)
    elif kind == "zero_island":
        where = replace(where, lat=0, lon=0)
    elif kind == "out_of_range":
        where = replace(where, lat=NO_SUCH_LATITUDE)
    elif kind == "no_fix":
        where = replace(where, status=where.status & ~location.FIXED)
    if awkward:
        where = replace(where, items=(*where.items, (location.AWKWARD, _AWKWARD)))
    body = location.encode(where)
    if kind == "malformed":
        body = _no_month(body)
    return Report(seq, where.time_s * 1_000_000, kind, body)


def _located(seq: int, fix: Fix, fuel: Fuel) -> Location:
    status = location.FIXED | location.GPS | location.BEIDOU | location.ACC * fix.acc
    status |= location.SOUTH * (fix.lat < 0) | location.WEST * (fix.lon < 0)
    speed = round(fix.speed * 10)
    items = [(location.MILEAGE, round(fix.odometer * 10).to_bytes(4))]
    if fuel is not Fuel.ABSENT:
        litres = _decilitres(fix.odometer) if fuel is Fuel.SENSOR else 0
        items.append((location.FUEL, litres.to_bytes(2)))
    items += [
        (location.RECORDER_SPEED, speed.to_bytes(2)),
        (location.SIGNAL, bytes((24,))),
        (location.SATELLITES, bytes((fix.satellites,))),
        (location.NUMBER, seq.to_bytes(4)),
    ]
    return Location(
        alarm=0,
        status=status,
        lat=round(abs(fix.lat) * 1e6),
        lon=round(abs(fix.lon) * 1e6),
        altitude=max(0, round(fix.altitude)),
        speed=speed,
        direction=round(fix.course) % 360,
        time_s=fix.t_us // 1_000_000,
        items=tuple(items),
    )


def _decilitres(odometer_km: float) -> int:
    """What is in the tank, 0.1 L: full after every 450 km."""
    return round(_TANK_DL - _DL_PER_KM * (odometer_km % _RANGE_KM))


def _no_month(body: bytes) -> bytes:
    """The same with month 99."""
    return body[:23] + b"\x99" + body[24:]
