"""The message header, in its two forms: of 2011 and 2013, and of 2019."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_LENGTH: Final = 0x03FF
_ENCRYPTION: Final = 0x1C00
_IN_PARTS: Final = 0x2000
_VERSIONED: Final = 0x4000

_START: Final = struct.Struct(">HH")
_OLD: Final = struct.Struct(">6sH")
_NEW: Final = struct.Struct(">B10sH")
_PARTS: Final = struct.Struct(">HH")


class HeaderError(ValueError):
    """The header does not fit what follows it."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a body.

    Attributes:
        message_id: what the body is.
        phone: the terminal's number as it came, 6 bytes, or 10 in the form of 2019.
        serial: the sender's own count of its messages, 0..65535.
        version: protocol version of the form of 2019; None: 2011 or 2013.
        encryption: how the body is encrypted; 0: not.
        total: into how many packets the message was cut.
        index: which of them this is, from 1.
    """

    message_id: int
    phone: bytes
    serial: int
    version: int | None
    encryption: int = 0
    total: int = 1
    index: int = 1


def split(content: bytes) -> tuple[Header, bytes]:
    """Part the content of a frame into header and body.

    Raises:
        HeaderError: what stands in the header is impossible.
    """
    try:
        return _split(content)
    except struct.error:
        raise HeaderError(f"{len(content)} bytes are less than the header needs") from None


def _split(content: bytes) -> tuple[Header, bytes]:
    message_id, attributes = _START.unpack_from(content)
    at = _START.size
    version = None
    if attributes & _VERSIONED:
        version, phone, serial = _NEW.unpack_from(content, at)
        at += _NEW.size
    else:
        phone, serial = _OLD.unpack_from(content, at)
        at += _OLD.size
    total, index = 1, 1
    if attributes & _IN_PARTS:
        total, index = _PARTS.unpack_from(content, at)
        at += _PARTS.size
        if not 1 <= index <= total:
            raise HeaderError(f"packet {index} of {total}")
    length = attributes & _LENGTH
    if len(content) - at != length:
        raise HeaderError(f"the body has {len(content) - at} bytes, its header says {length}")
    encryption = (attributes & _ENCRYPTION) >> 10
    return Header(message_id, phone, serial, version, encryption, total, index), content[at:]


def build(message_id: int, body: bytes, serial: int, to: Header) -> bytes:
    """Return the content of a frame of ours, in the form that the terminal itself speaks.

    Args:
        message_id: what the body is.
        body: at most 1023 bytes.
        serial: our own count of messages to this terminal.
        to: header of a message of the terminal's.
    """
    if to.version is None:
        return _START.pack(message_id, len(body)) + _OLD.pack(to.phone, serial) + body
    start = _START.pack(message_id, len(body) | _VERSIONED)
    return start + _NEW.pack(to.version, to.phone, serial) + body


def display(phone: bytes) -> str:
    """Return a terminal's number as people write it: hexadecimal digits, no zeros in front.

    Most are decimal; some makers use all sixteen digits. The same number has six bytes in the old
    form and ten in the new one: without its zeros it is the same terminal.
    """
    return phone.hex().lstrip("0") or "0"
