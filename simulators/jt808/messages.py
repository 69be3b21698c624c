"""Bodies of the messages besides 0x0200: what a terminal says, and what it hears.

Strings are GBK. Where sources disagree about the end of the 2019 authentication, ``Identity`` says
which of the two a terminal sends.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulators.jt808.header import Version
from simulators.jt808.location import bcd_time

REPLY: Final = 0x0001
HEARTBEAT: Final = 0x0002
LOGOUT: Final = 0x0003
TIME_QUERY: Final = 0x0004
REGISTER: Final = 0x0100
AUTHENTICATE: Final = 0x0102
LOCATION: Final = 0x0200
LOCATION_ON_DEMAND: Final = 0x0201
DRIVER: Final = 0x0702
LOCATIONS: Final = 0x0704

GENERAL_ANSWER: Final = 0x8001
SEND_AGAIN: Final = 0x8003
TIME: Final = 0x8004
REGISTERED: Final = 0x8100
WHERE: Final = 0x8201

OK: Final = 0
FAILED: Final = 1
BAD: Final = 2
UNSUPPORTED: Final = 3

CATCH_UP: Final = 1
"""Type of a 0x0704 that brings what could not be sent in its time."""

_WIDTHS: Final = {Version.V2011: (5, 8, 7), Version.V2013: (5, 20, 7), Version.V2019: (11, 30, 30)}
_IMEI: Final = 15
_SOFTWARE: Final = 20
_CARD_IN: Final = 1
_CARD_OUT: Final = 2


class MessageError(ValueError):
    """A body is not what its message id says."""


@dataclass(frozen=True, slots=True)
class Driver:
    """What a driver's card says; ``valid_until`` is YYYYMMDD."""

    name: str
    identity_number: str
    qualification: str
    issuer: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a terminal is.

    Attributes:
        phone: hexadecimal digits, at most 12, of 2019 at most 20; zeros before it do not count.
        software_prefixed: 2019: the software version has its length before it, not 20 bytes.
        driver: whose card is put in for each drive; None: nobody's.
    """

    phone: str
    version: Version
    plate: str
    maker: str = "JY808"
    model: str = "SIM-1"
    terminal_id: str = "0000001"
    province: int = 51
    city: int = 100
    plate_colour: int = 1
    imei: str = "860000000000001"
    software: str = "1.0.0"
    software_prefixed: bool = False
    driver: Driver | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """0x8001: result of the message with this serial."""

    serial: int
    message: int
    result: int


@dataclass(frozen=True, slots=True)
class Registered:
    """0x8100; ``code`` is empty unless the result is 0."""

    serial: int
    result: int
    code: bytes


def register(who: Identity) -> bytes:
    """Return the body of 0x0100."""
    maker, model, terminal = _WIDTHS[who.version]
    return b"".join(
        (
            struct.pack(">HH", who.province, who.city),
            _fixed(who.maker, maker),
            _fixed(who.model, model),
            _fixed(who.terminal_id, terminal),
            bytes((who.plate_colour,)),
            _gbk(who.plate),
        )
    )


def authenticate(who: Identity, code: bytes) -> bytes:
    """Return the body of 0x0102."""
    if who.version is not Version.V2019:
        return code
    software = _counted(who.software) if who.software_prefixed else _fixed(who.software, _SOFTWARE)
    return bytes((len(code),)) + code + _fixed(who.imei, _IMEI) + software


def general_reply(serial: int, message: int, result: int) -> bytes:
    """Return the body of 0x0001, a terminal's answer."""
    return struct.pack(">HHB", serial, message, result)


def on_demand(serial: int, location: bytes) -> bytes:
    """Return the body of 0x0201, which answers the query with this serial."""
    return struct.pack(">H", serial) + location


def locations(bodies: Sequence[bytes], kind: int = CATCH_UP) -> bytes:
    """Return the body of 0x0704 for bodies of 0x0200."""
    items = (struct.pack(">H", len(body)) + body for body in bodies)
    return struct.pack(">HB", len(bodies), kind) + b"".join(items)


def driver(version: Version, card: Driver, time_s: int, *, leaves: bool = False) -> bytes:
    """Return the body of 0x0702.

    Args:
        version: 2011 knows no taking out, and no time.
        card: what was read.
        time_s: when it was put in or taken out, Unix seconds.
        leaves: it is taken out.
    """
    name, issuer = _counted(card.name), _counted(card.issuer)
    if version is Version.V2011:
        numbers = _fixed(card.identity_number, 20) + _fixed(card.qualification, 40)
        return name + numbers + issuer
    head = bytes((_CARD_OUT if leaves else _CARD_IN,)) + bcd_time(time_s)
    if leaves:
        return head
    until = bytes.fromhex(card.valid_until)
    body = head + bytes((0,)) + name + _fixed(card.qualification, 20) + issuer + until
    return body + _fixed(card.identity_number, 20) * (version is Version.V2019)


def read_answer(body: bytes) -> Answer:
    """Read 0x8001.

    Raises:
        MessageError: it has not five bytes.
    """
    try:
        return Answer(*struct.unpack(">HHB", body))
    except struct.error:
        raise MessageError(f"0x8001 of {len(body)} bytes") from None


def read_registered(body: bytes) -> Registered:
    """Read 0x8100.

    Raises:
        MessageError: it is cut short.
    """
    if len(body) < 3:
        raise MessageError(f"0x8100 of {len(body)} bytes")
    serial, result = struct.unpack_from(">HB", body)
    return Registered(serial, result, body[3:] if result == OK else b"")


def read_send_again(version: Version, body: bytes) -> tuple[int, tuple[int, ...]]:
    """Read 0x8003: serial of the first frame, and which frames of it are missing, from 1.

    Args:
        version: 2019 tells in two bytes how many there are, the others in one.
        body: as it came.

    Raises:
        MessageError: it is cut short.
    """
    head = struct.Struct(">HH" if version is Version.V2019 else ">HB")
    if len(body) < head.size:
        raise MessageError(f"0x8003 of {len(body)} bytes")
    serial, count = head.unpack_from(body)
    if len(body) != head.size + 2 * count:
        raise MessageError(f"0x8003 of {len(body)} bytes for {count} packets")
    return serial, struct.unpack_from(f">{count}H", body, head.size)


def read_locations(body: bytes) -> tuple[int, list[bytes]]:
    """Read 0x0704: its type and the bodies of 0x0200.

    Raises:
        MessageError: the items are not as many or not as long as told.
    """
    try:
        count, kind = struct.unpack_from(">HB", body)
        bodies, at = [], 3
        for _ in range(count):
            (size,) = struct.unpack_from(">H", body, at)
            bodies.append(body[at + 2 : at + 2 + size])
            at += 2 + size
    except struct.error:
        raise MessageError(f"0x0704 of {len(body)} bytes ends too soon") from None
    if at != len(body):
        raise MessageError(f"0x0704 of {len(body)} bytes, its items end at {at}")
    return kind, bodies


def _gbk(text: str) -> bytes:
    return text.encode("gbk")


def _fixed(text: str, width: int) -> bytes:
    raw = _gbk(text)
    if len(raw) > width:
        raise ValueError(f"{text!r} is longer than its {width} bytes")
    return raw.ljust(width, b"\0")


def _counted(text: str) -> bytes:
    raw = _gbk(text)
    return bytes((len(raw),)) + raw
