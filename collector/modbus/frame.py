"""Modbus/TCP requests and the strict check of replies. Pure bytes, no sockets.

Requests are encoded once per block by pymodbus, so that pymodbus is the authority on their bytes;
on the hot path only the transaction id changes. Only the four reading function codes can be built.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from collector.modbus.plan import Span
from collector.profile_model import Table

PDUS: Final[dict[Table, type[ModbusPDU]]] = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
    Table.INPUT: ReadInputRegistersRequest,
}
"""All that can be sent: function codes 1 to 4. The collector only reads."""

DATA_AT: Final = 9
"""Where the registers begin in a reply: behind header, unit, function and byte count."""

HEADER: Final = struct.Struct(">HHH")
"""Transaction id, protocol id, length of what follows."""

LENGTHS: Final = range(3, 255)
"""Lengths a reply's header may state: unit + exception (3) to a whole frame of 260 bytes."""

_FRAMER: Final = FramerSocket(DecodePDU(is_server=False))


@dataclass(frozen=True, slots=True)
class Request:
    """One block of one unit, ready to be sent.

    Attributes:
        tail: the frame behind its transaction id.
        unit: Modbus unit id.
        function: function code, 1 to 4.
        head: what a good reply must hold behind its transaction id, up to the registers.
        size: bytes of a good reply.
    """

    tail: bytes
    unit: int
    function: int
    head: bytes
    size: int


def build(unit: int, span: Span) -> Request:
    """Encode the request for a block.

    Raises:
        ValueError: the span is empty, too long for one reply, or ends behind address 65535.
    """
    if span.end > 65_536:
        raise ValueError(f"{span} ends behind address 65535")
    pdu = PDUS[span.table](address=span.first, count=span.count, dev_id=unit)
    frame = _FRAMER.buildFrame(pdu)
    count = -(-span.count // 8) if span.table.holds_bits else 2 * span.count
    head = struct.pack(">HHBBB", 0, count + 3, unit, pdu.function_code, count)
    return Request(frame[2:], unit, pdu.function_code, head, DATA_AT + count)


class Fault(enum.StrEnum):
    """Why bytes cannot be the answer; the connection they came on is closed."""

    HEADER = "header"  # protocol id not 0 or a length no frame has: we lost the frame border
    UNIT = "unit"
    FUNCTION = "function"
    LENGTH = "length"  # fewer or more registers than asked for


@dataclass(frozen=True, slots=True)
class Incomplete:
    """More bytes are needed."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A whole frame of another transaction of some unit: late, or not ours."""

    unit: int
    size: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """The unit or a gateway answered with an exception code."""

    code: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The registers asked for stand at :data:`DATA_AT`."""


Verdict = Incomplete | Foreign | Refusal | Answer | Fault

INCOMPLETE: Final = Incomplete()
ANSWER: Final = Answer()


def check(data: bytes | bytearray, transaction: int | None, request: Request | None) -> Verdict:
    """Say what stands at the beginning of received bytes.

    Args:
        data: received and not yet used; the frame judged is the first.
        transaction: id of the request waiting for its answer; None when none waits.
        request: that request.
    """
    if len(data) < HEADER.size:
        return INCOMPLETE
    found, protocol, length = HEADER.unpack_from(data)
    if protocol != 0 or length not in LENGTHS:
        return Fault.HEADER
    size = HEADER.size + length
    if len(data) < size:
        return INCOMPLETE
    if request is None or found != transaction:
        return Foreign(data[6], size)
    return _judge(data, request, size)


def _judge(data: bytes | bytearray, request: Request, size: int) -> Verdict:
    """Say what a whole frame of ``size`` bytes with the right transaction id is."""
    if data[6] != request.unit:
        return Fault.UNIT
    if data[7] == request.function | 0x80:
        return Refusal(data[8]) if size == DATA_AT else Fault.LENGTH
    if data[7] != request.function:
        return Fault.FUNCTION
    if size != request.size or data[8] != request.size - DATA_AT:
        return Fault.LENGTH
    return ANSWER
