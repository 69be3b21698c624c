"""The body of 0x0200: where a vehicle is, in the integers of the wire."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

ACC: Final = 1 << 0
FIXED: Final = 1 << 1
SOUTH: Final = 1 << 2
WEST: Final = 1 << 3
ENCRYPTED: Final = 1 << 5
GPS: Final = 1 << 18
BEIDOU: Final = 1 << 19

MILEAGE: Final = 0x01
FUEL: Final = 0x02
RECORDER_SPEED: Final = 0x03
SIGNAL: Final = 0x30
SATELLITES: Final = 0x31
NUMBER: Final = 0xF1
"""Ours, where vendors have theirs: the number of the position, DWORD, as in the truth file."""
AWKWARD: Final = 0xF2
"""Ours: bytes that have to be escaped."""

_FIXED_PART: Final = struct.Struct(">IIIIHHH6s")
_ZONE_S: Final = 8 * 3600


class LocationError(ValueError):
    """A body is no location; says why."""


@dataclass(frozen=True, slots=True)
class Location:
    """One position as the wire has it.

    Attributes:
        alarm: 32 bits.
        status: 32 bits.
        lat: degrees · 10⁶ without sign; the status has it.
        lon: likewise.
        altitude: metres.
        speed: 0.1 km/h.
        direction: degrees from north.
        time_s: Unix seconds; the wire has local time of UTC+8.
        items: id and data of each, in their order.
    """

    alarm: int
    status: int
    lat: int
    lon: int
    altitude: int
    speed: int
    direction: int
    time_s: int
    items: tuple[tuple[int, bytes], ...] = ()


def encode(where: Location) -> bytes:
    """Return the body of 0x0200."""
    fixed = _FIXED_PART.pack(
        where.alarm,
        where.status,
        where.lat,
        where.lon,
        where.altitude,
        where.speed,
        where.direction,
        bcd_time(where.time_s),
    )
    return fixed + b"".join(bytes((name, len(data))) + data for name, data in where.items)


def decode(body: bytes) -> Location:
    """Read the body of 0x0200.

    Raises:
        LocationError: it ends too soon, or its time is none.
    """
    if len(body) < _FIXED_PART.size:
        raise LocationError(f"{len(body)} bytes, a location has {_FIXED_PART.size}")
    alarm, status, lat, lon, altitude, speed, direction, time = _FIXED_PART.unpack_from(body)
    items = _items(body[_FIXED_PART.size :])
    when = read_bcd_time(time)
    return Location(alarm, status, lat, lon, altitude, speed, direction, when, items)


def _items(rest: bytes) -> tuple[tuple[int, bytes], ...]:
    found: list[tuple[int, bytes]] = []
    while rest:
        if len(rest) < 2 or len(rest) < 2 + rest[1]:
            raise LocationError(f"item {rest[0]:02x} is longer than what is left")
        found.append((rest[0], rest[2 : 2 + rest[1]]))
        rest = rest[2 + rest[1] :]
    return tuple(found)


def bcd_time(time_s: int) -> bytes:
    """Return YYMMDDhhmmss of UTC+8."""
    return bytes.fromhex(f"{datetime.fromtimestamp(time_s + _ZONE_S, UTC):%y%m%d%H%M%S}")


def read_bcd_time(raw: bytes) -> int:
    """Return Unix seconds.

    Raises:
        LocationError: a digit is none, or there is no such day or time.
    """
    try:
        when = datetime.strptime(f"{raw.hex()}+0000", "%y%m%d%H%M%S%z")
    except ValueError:
        raise LocationError(f"no time: {raw.hex()}") from None
    return int(when.timestamp()) - _ZONE_S


def number_of(where: Location) -> int | None:
    """Return the position's number; None when it carries none."""
    data = dict(where.items).get(NUMBER)
    return None if data is None else int.from_bytes(data)
