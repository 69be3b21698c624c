"""The packets a QoS 1 publisher needs, MQTT 3.1.1 and 5 (OASIS standards)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

V311: Final = 4
V5: Final = 5

PINGREQ: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"
DUP: Final = 0x08

CONNACK: Final = 2
PUBACK: Final = 4
PINGRESP: Final = 13
BYE: Final = 14

_PUBLISH_QOS1: Final = 0x32
_SESSION_EXPIRY: Final = 0x11
_SESSION_S: Final = 3600
_RECEIVE_MAXIMUM: Final = 0x21
# Sizes of the CONNACK properties of fixed length; the others carry their own.
_FIXED: Final = {
    0x11: 4,  # session expiry
    0x13: 2,  # server keep alive
    0x21: 2,  # receive maximum
    0x22: 2,  # topic alias maximum
    0x24: 1,  # maximum QoS
    0x25: 1,  # retain available
    0x27: 4,  # maximum packet size
    0x28: 1,  # wildcard subscriptions available
    0x29: 1,  # subscription identifiers available
    0x2A: 1,  # shared subscriptions available
}
_PAIR: Final = 0x26


class ProtocolError(Exception):
    """The broker sent what no broker may."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet from the broker: its type and what follows the fixed header."""

    type: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects, and how: ``version`` is 4 for MQTT 3.1.1 and 5 for MQTT 5."""

    client_id: str
    version: int = V311
    keepalive_s: int = 30
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Hello:
    """What the broker answered to CONNECT.

    Attributes:
        session_present: it remembers the client.
        reason: 0 when accepted.
        receive_maximum: unacknowledged PUBLISH packets it bears.
    """

    session_present: bool
    reason: int
    receive_maximum: int


def remaining_length(size: int) -> bytes:
    """Encode a variable byte integer.

    Raises:
        ValueError: larger than 268,435,455.
    """
    if not 0 <= size <= 0x0FFF_FFFF:
        raise ValueError(f"{size} does not fit a variable byte integer")
    encoded = bytearray()
    while True:
        size, low = divmod(size, 128)
        encoded.append(low | (0x80 if size else 0))
        if not size:
            return bytes(encoded)


def connect(client: Client) -> bytes:
    """Return CONNECT for a session that outlives the connection."""
    flags = 0x80 * (client.username is not None) | 0x40 * (client.password is not None)
    body = _text("MQTT") + struct.pack(">BBH", client.version, flags, client.keepalive_s)
    if client.version == V5:
        properties = struct.pack(">BI", _SESSION_EXPIRY, _SESSION_S)
        body += remaining_length(len(properties)) + properties
    for text in (client.client_id, client.username, client.password):
        body += _text(text) if text is not None else b""
    return b"\x10" + remaining_length(len(body)) + body


def publish(topic: str, payload: bytes, packet_id: int, version: int) -> bytes:
    """Return PUBLISH with QoS 1."""
    properties = b"\x00" if version == V5 else b""
    head = _text(topic) + struct.pack(">H", packet_id) + properties
    return bytes((_PUBLISH_QOS1,)) + remaining_length(len(head) + len(payload)) + head + payload


def repeated(packet: bytes) -> bytes:
    """Return a PUBLISH packet marked as sent before."""
    return bytes((packet[0] | DUP,)) + packet[1:]


def take(buffer: bytearray) -> Packet | None:
    """Cut one packet from the front of the buffer; None when it is not whole yet.

    Raises:
        ProtocolError: its length has more than four bytes.
    """
    size, at = 0, 1
    while True:
        if at >= len(buffer):
            return None
        if at > 4:
            raise ProtocolError("remaining length is longer than four bytes")
        byte = buffer[at]
        size |= (byte & 0x7F) << 7 * (at - 1)
        at += 1
        if not byte & 0x80:
            break
    if len(buffer) < at + size:
        return None
    packet = Packet(buffer[0] >> 4, bytes(buffer[at : at + size]))
    del buffer[: at + size]
    return packet


def parse_connack(body: bytes, version: int) -> Hello:
    """Read CONNACK.

    Raises:
        ProtocolError: it is too short or its properties are not.
    """
    if len(body) < 2:
        raise ProtocolError(f"CONNACK of {len(body)} bytes")
    receive_maximum = 0xFFFF
    if version == V5 and body[1] == 0:
        try:
            receive_maximum = _receive_maximum(body)
        except IndexError as error:
            raise ProtocolError("CONNACK ends inside its properties") from error
    return Hello(bool(body[0] & 1), body[1], receive_maximum)


def parse_puback(body: bytes) -> tuple[int, int]:
    """Return packet id and reason code of PUBACK.

    Raises:
        ProtocolError: it is too short.
    """
    if len(body) < 2:
        raise ProtocolError(f"PUBACK of {len(body)} bytes")
    return int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0


def _receive_maximum(body: bytes) -> int:
    size, at = 0, 2
    while True:
        byte = body[at]
        size |= (byte & 0x7F) << 7 * (at - 2)
        at += 1
        if not byte & 0x80:
            break
    end = at + size
    if end > len(body):
        raise ProtocolError("CONNACK ends inside its properties")
    while at < end:
        name = body[at]
        at += 1
        if name == _RECEIVE_MAXIMUM:
            return int.from_bytes(body[at : at + 2], "big")
        at += _property_size(name, body, at)
    return 0xFFFF


def _property_size(name: int, body: bytes, at: int) -> int:
    if name in _FIXED:
        return _FIXED[name]
    first = 2 + int.from_bytes(body[at : at + 2], "big")
    if name != _PAIR:
        return first
    return first + 2 + int.from_bytes(body[at + first : at + first + 2], "big")


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack(">H", len(raw)) + raw
