"""From what a terminal sent to packed rows."""

from __future__ import annotations

import enum
import hashlib
from typing import Any, Final

import msgspec

from collector.jt808.card import Card
from collector.jt808.location import Location
from collector.quarantine import quarantine_row
from collector.window import NEWEST_US, OLDEST_US
from storage.records import (
    CLOCKS_DIFFER_US,
    DriverCard,
    Position,
    PositionFlag,
    pack_driver_card,
    pack_position,
)

SOURCE: Final = "jt808"

_NO_FIX: Final = int(PositionFlag.NO_FIX)
_ZERO_ISLAND: Final = int(PositionFlag.ZERO_ISLAND)
_OUT_OF_RANGE: Final = int(PositionFlag.OUT_OF_RANGE)
_BAD_SPEED: Final = int(PositionFlag.BAD_SPEED)
_BAD_COURSE: Final = int(PositionFlag.BAD_COURSE)
_FUTURE: Final = int(PositionFlag.FUTURE)
_BAD_FIELDS: Final = int(PositionFlag.BAD_FIELDS)


class Fault(enum.StrEnum):
    """Why something went to quarantine; the label of the counter and the start of the reason."""

    CHECKSUM = "checksum"  # or another fault of the frame
    MALFORMED = "malformed"  # header or body are not what the standard says
    TIME = "time"  # does not exist, or outside the window
    UNKNOWN_TERMINAL = "unknown_terminal"
    UNAUTHENTICATED = "unauthenticated"
    ENCRYPTED = "encrypted"  # the body is
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"  # a fault of ours


class OutsideError(ValueError):
    """A time is outside the window that is believed."""


def position_row(
    terminal_id: int, location: Location, serial: int, received_us: int, *, blind: bool
) -> bytes:
    """Pack one position.

    Args:
        terminal_id: who sent it.
        location: what it says.
        serial: of the message it came in.
        received_us: when it came, Unix microseconds.
        blind: caught up after a stretch without network.

    Raises:
        OutsideError: more than 400 days old, or more than 5 minutes ahead of our clock.
    """
    ahead_us = _ahead_us(location.fix_us, received_us)
    values = location.items.values
    satellites = values.get("satellites")
    return pack_position(
        Position(
            terminal_id=terminal_id,
            fix_time_us=location.fix_us,
            content_hash=_hash(location.content),
            lat=location.lat,
            lon=location.lon,
            speed_kmh=location.speed_kmh,
            course_deg=location.course_deg,
            altitude_m=location.altitude_m,
            odometer_km=values.get("odometer_km"),
            satellites=None if satellites is None else int(satellites),
            acc=location.acc,
            flags=_flags(location) | (_FUTURE if ahead_us > CLOCKS_DIFFER_US else 0),
            seq=serial,
            received_us=received_us,
            extra=_extra(location, blind=blind),
        )
    )


def card_row(terminal_id: int, card: Card, body: bytes, received_us: int) -> bytes:
    """Pack a driver's card.

    Args:
        terminal_id: who sent it.
        card: what it says.
        body: as it came.
        received_us: when it came, Unix microseconds; stands for a time that is not told.

    Raises:
        OutsideError: more than 400 days old, or more than 5 minutes ahead of our clock.
    """
    if card.at_us is not None:
        _ahead_us(card.at_us, received_us)
    return pack_driver_card(
        DriverCard(
            terminal_id=terminal_id,
            at_us=received_us if card.at_us is None else card.at_us,
            content_hash=_hash(body),
            event=card.event,
            timed=card.at_us is not None,
            result=card.result,
            name=card.name,
            qualification=card.qualification,
            issuer=card.issuer,
            valid_until=card.valid_until,
            raw=body,
            received_us=received_us,
        )
    )


def refused_row(origin: str, fault: Fault, detail: str, payload: bytes, received_us: int) -> bytes:
    """Pack what was refused, with its bytes.

    Args:
        origin: number of the terminal, or address of the peer while that is not known.
        fault: why.
        detail: in words.
        payload: the bytes after unescaping.
        received_us: when it came, Unix microseconds.
    """
    return quarantine_row(SOURCE, origin, f"{fault}: {detail}", payload, received_us)


def _ahead_us(at_us: int, received_us: int) -> int:
    """Return how far a time lies ahead of our clock.

    Raises:
        OutsideError: further than is believed, or too far behind.
    """
    ahead_us = at_us - received_us
    if ahead_us > NEWEST_US:
        raise OutsideError("more than 5 minutes ahead of our clock")
    if -ahead_us > OLDEST_US:
        raise OutsideError("more than 400 days old")
    return ahead_us


def _hash(content: bytes) -> int:
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _flags(location: Location) -> int:
    flags = 0
    if not location.fixed or location.encrypted:
        # Encrypted coordinates are no place either; `extra` tells the two apart.
        flags |= _NO_FIX
    if location.lat == 0 and location.lon == 0:
        flags |= _ZERO_ISLAND
    if abs(location.lat) > 90 or abs(location.lon) > 180:
        flags |= _OUT_OF_RANGE
    if location.speed_kmh > 400:
        flags |= _BAD_SPEED
    if location.course_deg > 360:
        flags |= _BAD_COURSE
    if location.items.misfits or location.items.rest:
        flags |= _BAD_FIELDS
    return flags


def _extra(location: Location, *, blind: bool) -> bytes:
    """Return everything without a column, as the JSON that docs/jt808.md describes."""
    items = location.items
    extra: dict[str, Any] = {"alarm": location.alarm, "status": location.status}
    if items.raw:
        extra["items"] = items.raw
    extra |= {
        name: items.values[name]
        for name in ("fuel_l", "recorder_kmh", "csq")
        if name in items.values
    }
    if items.rest:
        extra["rest"] = items.rest.hex()
    if location.encrypted:
        extra["encrypted"] = True
    if blind:
        extra["blind"] = True
    return msgspec.json.encode(extra)
