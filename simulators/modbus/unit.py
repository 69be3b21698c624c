"""One device behind a port: a request in, an answer out, no sockets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from simulators.modbus import codec, words
from simulators.modbus.codec import Read, Request
from simulators.modbus.faults import Fault, Kind, Traits, pick
from simulators.modbus.image import Image, lay_out, take_image
from simulators.modbus.profile import Profile
from simulators.models.equipment import Model
from simulators.truth import ModbusReply

_EXTRA: Final = b"\xde\xad\xbe\xef" * 10
_TORN_OFF: Final = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do about a request.

    Attributes:
        frame: bytes to send; None for silence.
        record: the truth about it.
        delay_s: how long to wait before sending, beyond the bus's latency.
        overtaken: whether later replies need not wait for this one.
        reset: reset the connection.
    """

    frame: bytes | None
    record: ModbusReply
    delay_s: float = 0.0
    overtaken: bool = False
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """What answers: its code, its map, what it measures and what it cannot do."""

    code: str
    profile: Profile
    model: Model
    traits: Traits


class Unit:
    """One device at work.

    Args:
        device: what answers.
        faults: those that name this device or its bus.
        seed: decides the faults.

    Attributes:
        received: requests so far.
        replied: replies so far, exceptions and spoilt ones included.

    Raises:
        ValueError: the model does not know a point of the profile.
    """

    def __init__(self, device: Device, faults: Sequence[Fault] = (), seed: int = 0) -> None:
        self.code = device.code
        self.received = 0
        self.replied = 0
        self._profile, self._model, self._traits = device.profile, device.model, device.traits
        self._faults = [f for f in faults if f.kind is not Kind.REFUSE]
        self._seed = seed
        self._layout = lay_out(device.profile)
        self._poisoned = False
        try:
            self.image(0)
        except KeyError as error:
            raise ValueError(
                f"device {device.code}: its model has no point {error} of profile "
                f"{device.profile.code}: choose another model"
            ) from error

    @property
    def faultless(self) -> bool:
        """Whether no fault or trait can ever change an answer."""
        return not self._faults and self._traits == Traits()

    def answer(self, request: Request, now_us: int, elapsed_s: float) -> Answer:
        """Answer one request.

        Args:
            request: as it came.
            now_us: the time of the registers, µs since the Unix epoch.
            elapsed_s: seconds since the simulator's start, for the faults' windows.
        """
        self.received += 1
        fault = pick(self._faults, self._seed, self.code, self.received, elapsed_s)
        answer = self._honest(request, now_us, _absent(fault, self._profile))
        if fault is not None:
            answer = _spoil(answer, fault, request)
        self.replied += answer.frame is not None
        return answer

    def silence(self, request: Request, now_us: int, outcome: str) -> Answer:
        """Receive a request without answering it."""
        self.received += 1
        record = self._record(request.function, now_us, 0, 0)
        return Answer(None, replace(record, outcome=outcome))

    def image(self, now_us: int, absent: Collection[str] = ()) -> Image:
        """Return the registers at a moment."""
        return take_image(self._profile, self._model, now_us, absent)

    def refusal(self, read: Read) -> int:
        """Return the exception code a read must be answered with; 0 when it is served."""
        table = codec.TABLES[read.function]
        traits = self._traits
        if read.count > traits.max_registers and read.function >= 3:
            return traits.over_limit
        holes = traits.holes
        if any(h.touches(table, read.address, read.count) for h in holes):
            return codec.ILLEGAL_ADDRESS
        return 0 if self._layout.covers(read) else codec.ILLEGAL_ADDRESS

    def _honest(self, request: Request, now_us: int, absent: Collection[str]) -> Answer:
        read = codec.parse_read(request.pdu)
        if isinstance(read, int):
            record = self._record(request.function, now_us, 0, 0)
            return self._exception(request, record, read)
        record = self._record(read.function, now_us, read.address, read.count)
        code = self.refusal(read)
        if code:
            return self._exception(request, record, code)
        image = self.image(now_us, absent)
        data = image.data(read)
        record = replace(record, words=data.hex(), values=self._values(read, image))
        if self._poisoned:
            data = bytes(byte ^ 0xFF for byte in data)
            record = replace(record, words=data.hex(), outcome="corrupted")
        table = codec.TABLES[read.function]
        poison = self._traits.poison
        self._poisoned = any(p.touches(table, read.address, read.count) for p in poison)
        frame = codec.frame(request.transaction, request.unit, codec.reply(read, data))
        return Answer(frame, record)

    def _exception(self, request: Request, record: ModbusReply, code: int) -> Answer:
        pdu = codec.exception(request.function, code)
        frame = codec.frame(request.transaction, request.unit, pdu)
        return Answer(frame, replace(record, outcome=f"exception-{code}"))

    def _record(self, function: int, now_us: int, address: int, count: int) -> ModbusReply:
        table = codec.TABLES.get(function, "")
        return ModbusReply(
            self.code, self.received, now_us, function, table, address, count, "", "ok", {}
        )

    def _values(self, read: Read, image: Image) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for point in self._layout.inside(read):
            raw = image.raw[point.name]
            found[point.name] = None if raw is None else words.decimal_of(point, raw)
        return found


def _absent(fault: Fault | None, profile: Profile) -> Collection[str]:
    if fault is None or fault.kind is not Kind.SENTINEL:
        return ()
    return fault.points or tuple(p.name for p in profile.points if p.sentinels)


def _spoil(answer: Answer, fault: Fault, request: Request) -> Answer:
    """Change an honest answer as the fault demands."""
    record = replace(answer.record, outcome=str(fault.kind))
    rewrite = _REWRITES.get(fault.kind)
    if rewrite is not None and answer.frame is not None:
        return replace(answer, frame=rewrite(request, answer.frame), record=record)
    match fault.kind:
        case Kind.DELAY | Kind.LATE:
            overtaken = fault.kind is Kind.LATE
            return replace(answer, delay_s=fault.seconds, overtaken=overtaken, record=record)
        case Kind.DROP | Kind.RESET:
            record = replace(record, words="", values={})
            return Answer(None, record, reset=fault.kind is Kind.RESET)
        case Kind.EXCEPTION:
            pdu = codec.exception(request.function, fault.code)
            outcome = f"exception-{fault.code}"
            record = replace(record, words="", values={}, outcome=outcome)
            return Answer(codec.frame(request.transaction, request.unit, pdu), record)
        case _:
            return replace(answer, record=record)


def _truncate(_: Request, frame: bytes) -> bytes:
    return frame[:-_TORN_OFF]


def _oversize(request: Request, frame: bytes) -> bytes:
    return codec.frame(request.transaction, request.unit, frame[7:] + _EXTRA)


def _wrong_unit(request: Request, frame: bytes) -> bytes:
    return codec.frame(request.transaction, (request.unit + 1) & 0xFF, frame[7:])


def _wrong_transaction(request: Request, frame: bytes) -> bytes:
    return codec.frame((request.transaction - 1) & 0xFFFF, request.unit, frame[7:])


def _wrong_protocol(request: Request, frame: bytes) -> bytes:
    return codec.frame(request.transaction, request.unit, frame[7:], protocol=1)


_REWRITES: Final[Mapping[Kind, Callable[[Request, bytes], bytes]]] = {
    Kind.TRUNCATE: _truncate,
    Kind.OVERSIZE: _oversize,
    Kind.WRONG_UNIT: _wrong_unit,
    Kind.WRONG_TRANSACTION: _wrong_transaction,
    Kind.WRONG_PROTOCOL: _wrong_protocol,
}
