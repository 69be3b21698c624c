"""Modbus TCP on the wire, seen from the server.

MODBUS Messaging on TCP/IP Implementation Guide V1.0b and MODBUS Application Protocol V1.1b3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3

TABLES: Final = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
"""Function code → the table it reads."""
MAX_BITS: Final = 2000
MAX_REGISTERS: Final = 125

_HEADER: Final = struct.Struct(">HHHB")
_READ: Final = struct.Struct(">BHH")
_LONGEST: Final = 254  # unit id and a PDU of 253 bytes


class FramingError(Exception):
    """The bytes are no Modbus TCP; a server closes the connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came.

    Attributes:
        transaction: to be repeated in the reply.
        unit: unit id.
        pdu: function code and what follows.
    """

    transaction: int
    unit: int
    pdu: bytes

    @property
    def function(self) -> int:
        """Function code."""
        return self.pdu[0]


@dataclass(frozen=True, slots=True)
class Read:
    """What a read request asks for."""

    function: int
    address: int
    count: int


def take(buffer: bytearray) -> Request | None:
    """Cut one request from the front of the buffer; None when it is not whole yet.

    Raises:
        FramingError: protocol id not 0, or a length that no request has.
    """
    if len(buffer) < 7:
        return None
    transaction, protocol, length, unit = _HEADER.unpack_from(buffer)
    if protocol != 0:
        raise FramingError(f"protocol id {protocol}, expected 0")
    if not 2 <= length <= _LONGEST:
        raise FramingError(f"length {length}, expected 2..{_LONGEST}")
    end = 6 + length
    if len(buffer) < end:
        return None
    request = Request(transaction, unit, bytes(buffer[7:end]))
    del buffer[:end]
    return request


def parse_read(pdu: bytes) -> Read | int:
    """Return what a PDU asks to read, or the exception code a device must answer it with."""
    if pdu[0] not in TABLES:
        return ILLEGAL_FUNCTION
    if len(pdu) != _READ.size:
        return ILLEGAL_VALUE
    read = Read(*_READ.unpack(pdu))
    most = MAX_BITS if read.function <= 2 else MAX_REGISTERS
    if not 1 <= read.count <= most:
        return ILLEGAL_VALUE
    if read.address + read.count > 0x10000:
        return ILLEGAL_ADDRESS
    return read


def reply(read: Read, data: bytes) -> bytes:
    """Return the PDU of a successful read."""
    return bytes((read.function, len(data))) + data


def exception(function: int, code: int) -> bytes:
    """Return the PDU of an exception."""
    return bytes((function | 0x80, code))


def frame(transaction: int, unit: int, pdu: bytes, protocol: int = 0) -> bytes:
    """Return the whole reply."""
    return _HEADER.pack(transaction, protocol, len(pdu) + 1, unit) + pdu


def pack_bits(bits: list[bool]) -> bytes:
    """Pack coils or discrete inputs, the first in the lowest bit of the first byte."""
    packed = bytearray((len(bits) + 7) // 8)
    for n, bit in enumerate(bits):
        packed[n >> 3] |= bit << (n & 7)
    return bytes(packed)
