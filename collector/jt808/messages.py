"""Bodies of the dialogue: registration, authentication, and our replies."""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from collector.jt808 import bcd

_SERIAL_ID_RESULT: Final = struct.Struct(">HHB")
_SERIAL_RESULT: Final = struct.Struct(">HB")
_SERIAL_COUNT: Final = struct.Struct(">HB")
_SERIAL_COUNT_NEW: Final = struct.Struct(">HH")


class Id(enum.IntEnum):
    """Messages we know."""

    TERMINAL_REPLY = 0x0001
    HEARTBEAT = 0x0002
    LOGOUT = 0x0003
    ASK_TIME = 0x0004
    ASK_AGAIN = 0x0005
    REGISTER = 0x0100
    AUTHENTICATE = 0x0102
    LOCATION = 0x0200
    LOCATION_ANSWER = 0x0201
    DRIVER_CARD = 0x0702
    LOCATIONS = 0x0704
    REPLY = 0x8001
    SEND_AGAIN = 0x8003
    TIME = 0x8004
    REGISTERED = 0x8100


class Result(enum.IntEnum):
    """What 0x8001 says."""

    OK = 0
    FAILED = 1
    BAD = 2
    UNSUPPORTED = 3


class Registered(enum.IntEnum):
    """What 0x8100 says; the standard's other results concern a register of vehicles."""

    OK = 0
    TERMINAL_UNKNOWN = 4


class MessageError(ValueError):
    """A body is shorter than what it must hold."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a terminal says of itself; none of it decides anything.

    Attributes:
        edition: the edition of the standard whose lengths fit: 2011, 2013 or 2019.
        colour: of the plate; 0: no plate yet, ``plate`` is the vehicle's VIN.
    """

    edition: int
    province: int
    city: int
    maker: str
    model: str
    terminal: str
    colour: int
    plate: str


_LENGTHS: Final = {2011: (5, 8, 7), 2013: (5, 20, 7), 2019: (11, 30, 30)}
"""Edition → bytes of maker, model and terminal id."""


def parse_registration(body: bytes, *, new: bool) -> Registration:
    """Read 0x0100.

    2011 and 2013 share a header and differ by twelve bytes. A body too short for 2013 is of 2011; a
    longer one is taken for 2013, though it may be of 2011 with a VIN in the plate's place.

    Args:
        body: as it came.
        new: whether its header has the form of 2019.

    Raises:
        MessageError: it is too short.
    """
    edition = 2019 if new else 2013 if len(body) >= 4 + 5 + 20 + 7 + 1 else 2011
    lengths = _LENGTHS[edition]
    if len(body) < 4 + sum(lengths) + 1:
        raise MessageError(f"{len(body)} bytes are too few for a registration of {edition}")
    texts, at = [], 4
    for length in lengths:
        texts.append(text(body[at : at + length]))
        at += length
    maker, model, terminal = texts
    return Registration(
        edition=edition,
        province=int.from_bytes(body[0:2], "big"),
        city=int.from_bytes(body[2:4], "big"),
        maker=maker,
        model=model,
        terminal=terminal,
        colour=body[at],
        plate=text(body[at + 1 :]),
    )


def authentication_codes(body: bytes) -> frozenset[bytes]:
    """Return what may be the code in 0x0102.

    The code alone in 2011 and 2013, in 2019 after its length; and terminals put a zero behind it,
    or speak one edition under the header of another. Whoever knows the code may write it in any of
    these ways; what follows it (IMEI, version of the software) decides nothing.
    """
    codes = {body, body.partition(b"\0")[0]}
    if body:
        counted = body[1 : 1 + body[0]]
        codes |= {counted, counted.partition(b"\0")[0]}
    return frozenset(codes - {b""})


def text(data: bytes) -> str:
    """Return a STRING or a padded field: GBK, to the first zero."""
    return data.partition(b"\0")[0].decode("gbk", "replace").strip()


def reply(serial: int, message_id: int, result: Result) -> bytes:
    """Return the body of 0x8001, the answer to most messages."""
    return _SERIAL_ID_RESULT.pack(serial, message_id, result)


def send_again(serial: int, missing: Sequence[int], *, new: bool) -> bytes:
    """Return the body of 0x8003, which asks for packets of a message again.

    Args:
        serial: of the message's first packet.
        missing: which packets, from 1; at most 255.
        new: the terminal speaks the form of 2019, in which their number is a WORD.
    """
    head = _SERIAL_COUNT_NEW if new else _SERIAL_COUNT
    return head.pack(serial, len(missing)) + struct.pack(f">{len(missing)}H", *missing)


def registered(serial: int, result: Registered, code: bytes = b"") -> bytes:
    """Return the body of 0x8100, the answer to a registration; the code only when it is granted."""
    return _SERIAL_RESULT.pack(serial, result) + code


def time_now(now_us: int) -> bytes:
    """Return the body of 0x8004, UTC as the standard of 2019 has it."""
    return bcd.of_utc(now_us)
