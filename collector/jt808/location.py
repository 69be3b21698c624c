"""The body of 0x0200, and of the messages that carry it: 0x0201 and 0x0704."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from collector.jt808 import bcd, items
from collector.jt808.items import Items

_BASIC: Final = struct.Struct(">IIIIhHH6s")
_ACC: Final = 1 << 0
_FIXED: Final = 1 << 1
_SOUTH: Final = 1 << 2
_WEST: Final = 1 << 3
_ENCRYPTED: Final = 1 << 5


class LocationError(ValueError):
    """A body is no position."""


class LocationTimeError(LocationError):
    """The time of a position does not exist."""


@dataclass(frozen=True, slots=True)
class Location:
    """One position as the terminal sent it.

    Attributes:
        content: the body's bytes: what makes two positions of one time the same.
        alarm: 32 alarm bits.
        status: 32 status bits.
        lat: degrees, north positive.
        lon: degrees, east positive.
        altitude_m: metres.
        speed_kmh: km/h.
        course_deg: degrees clockwise from north.
        fix_us: Unix microseconds, UTC.
        items: what stands behind.
    """

    content: bytes
    alarm: int
    status: int
    lat: float
    lon: float
    altitude_m: int
    speed_kmh: float
    course_deg: int
    fix_us: int
    items: Items

    @property
    def acc(self) -> bool:
        """Whether the ignition is on."""
        return bool(self.status & _ACC)

    @property
    def fixed(self) -> bool:
        """Whether the terminal itself holds the position for good."""
        return bool(self.status & _FIXED)

    @property
    def encrypted(self) -> bool:
        """Whether latitude and longitude went through an encryption: they are no place."""
        return bool(self.status & _ENCRYPTED)


def parse(body: bytes) -> Location:
    """Read a position.

    Raises:
        LocationError: fewer than 28 bytes.
        LocationTimeError: its time does not exist.
    """
    if len(body) < _BASIC.size:
        raise LocationError(f"{len(body)} bytes are less than the {_BASIC.size} of a position")
    alarm, status, lat, lon, altitude, speed, course, time = _BASIC.unpack_from(body)
    try:
        fix_us = bcd.utc_us(time)
    except ValueError as error:
        raise LocationTimeError(str(error)) from None
    return Location(
        content=body,
        alarm=alarm,
        status=status,
        lat=(-lat if status & _SOUTH else lat) / 1_000_000,
        lon=(-lon if status & _WEST else lon) / 1_000_000,
        altitude_m=altitude,
        speed_kmh=speed / 10,
        course_deg=course,
        fix_us=fix_us,
        items=items.parse(body[_BASIC.size :]),
    )


@dataclass(frozen=True, slots=True)
class Bulk:
    """What 0x0704 carries.

    Attributes:
        blind: caught up after a stretch without network.
        bodies: one body of 0x0200 each, not yet read.
        fault: what is wrong with the whole, in words; the bodies stand all the same.
        rest: bytes that belong to no item.
    """

    blind: bool
    bodies: tuple[bytes, ...]
    fault: str | None = None
    rest: bytes = b""


def parse_bulk(body: bytes) -> Bulk:
    """Take 0x0704 apart.

    Raises:
        LocationError: not even its count and type are there.
    """
    if len(body) < 3:
        raise LocationError(f"{len(body)} bytes are less than the count and type of 0x0704")
    count, blind = int.from_bytes(body[:2], "big"), body[2] == 1
    bodies: list[bytes] = []
    at = 3
    while len(bodies) < count and at + 2 <= len(body):
        begin = at + 2
        end = begin + int.from_bytes(body[at:begin], "big")
        if end > len(body):
            break
        bodies.append(body[begin:end])
        at = end
    fault = None
    if len(bodies) != count or at != len(body):
        left = len(body) - at
        fault = f"it says {count} positions: {len(bodies)} are whole, {left} bytes are left over"
    return Bulk(blind, tuple(bodies), fault, body[at:])


def parse_answer(body: bytes) -> Location:
    """Read 0x0201: the serial of what it answers, then a position.

    Raises:
        LocationError: as of :func:`parse`.
    """
    return parse(body[2:])
