"""Headers of JT/T 808, and bodies too long for one frame."""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LONGEST_BODY: Final = 1023
"""Most bytes of a body in one frame: ten bits."""

_SUBPACKETS: Final = 0x2000
_HAS_VERSION: Final = 0x4000
_SERIALS: Final = 0x1_0000
_PROTOCOL: Final = 1


class Version(enum.StrEnum):
    """Edition of the standard; 2011 and 2013 have the same header."""

    V2011 = "2011"
    V2013 = "2013"
    V2019 = "2019"


class HeaderError(ValueError):
    """A header cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """The header of one frame.

    Attributes:
        message: id.
        phone: the terminal's identity as on the wire: 12 hexadecimal digits, 20 in 2019.
        serial: 0..65535.
        version: 2013 stands for 2011 too when it was read from the wire.
        total: frames that the message is cut into; 0: not cut.
        index: which of them, from 1.
        encryption: bits 10 to 12; 0: none.
    """

    message: int
    phone: str
    serial: int
    version: Version
    total: int = 0
    index: int = 0
    encryption: int = 0


def phone_of(identity: str, version: Version) -> str:
    """Return an identity as the header of an edition carries it, zeros before it."""
    return identity.lower().zfill(20 if version is Version.V2019 else 12)


def encode(header: Header, body: bytes) -> bytes:
    """Return header and body.

    Raises:
        ValueError: the body does not fit one frame, or the phone not its field.
    """
    if len(body) > LONGEST_BODY:
        raise ValueError(f"a body of {len(body)} bytes: cut it, {LONGEST_BODY} is the most")
    newer = header.version is Version.V2019
    phone = bytes.fromhex(header.phone)
    if len(phone) != (10 if newer else 6):
        raise ValueError(f"phone {header.phone} does not fit a header of {header.version}")
    attributes = len(body) | header.encryption << 10
    attributes |= _SUBPACKETS * bool(header.total) | _HAS_VERSION * newer
    head = struct.pack(">HH", header.message, attributes) + bytes((_PROTOCOL,)) * newer + phone
    head += struct.pack(">H", header.serial)
    if header.total:
        head += struct.pack(">HH", header.total, header.index)
    return head + body


def decode(content: bytes) -> tuple[Header, bytes]:
    """Return header and body of a frame's content.

    Raises:
        HeaderError: it is cut short, or its length is not the body's.
    """
    try:
        return _decode(content)
    except struct.error:
        raise HeaderError(f"a header of {len(content)} bytes ends too soon") from None


def _decode(content: bytes) -> tuple[Header, bytes]:
    message, attributes = struct.unpack_from(">HH", content)
    newer = bool(attributes & _HAS_VERSION)
    begin, end = (5, 15) if newer else (4, 10)
    (serial,) = struct.unpack_from(">H", content, end)
    total = index = 0
    at = end + 2
    if attributes & _SUBPACKETS:
        total, index = struct.unpack_from(">HH", content, at)
        at += 4
    if len(content) - at != attributes & LONGEST_BODY:
        raise HeaderError(f"{len(content) - at} bytes of body, {attributes & LONGEST_BODY} told")
    version = Version.V2019 if newer else Version.V2013
    phone = content[begin:end].hex()
    header = Header(message, phone, serial, version, total, index, attributes >> 10 & 7)
    return header, content[at:]


def cut(header: Header, body: bytes, most: int = LONGEST_BODY) -> Sequence[bytes]:
    """Return the contents of as many frames as a body needs, their serials in a row.

    Args:
        header: of the message; its serial is the first frame's.
        body: whole.
        most: bytes of it in one frame.
    """
    if len(body) <= most:
        return [encode(header, body)]
    parts = [body[at : at + most] for at in range(0, len(body), most)]
    return [encode(_part(header, len(parts), n), part) for n, part in enumerate(parts)]


def _part(header: Header, total: int, n: int) -> Header:
    serial = (header.serial + n) % _SERIALS
    return Header(header.message, header.phone, serial, header.version, total, n + 1)
