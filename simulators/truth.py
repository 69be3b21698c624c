"""The ground truth: what the simulators really sent, as append-only JSON lines.

One file belongs to one process. A line is flushed to the operating system before the bytes it
tells of leave, so a killed simulator may have written a line too many but never one too few; a
line cut short by the kill is removed on the next start, for what it told of was never sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

Level = Literal["full", "counters"]

STORED_AS: Final[Mapping[str, str]] = {
    "ok": "position",
    "duplicate": "position",
    "zero_island": "position",
    "out_of_range": "position",
    "no_fix": "position",
    "malformed": "quarantine",
    "future": "quarantine",
    "unknown_terminal": "quarantine",
}
"""Kind of message → the table in which the platform must hold it; a duplicate adds no row."""


@dataclass(frozen=True, slots=True)
class ModbusReply:
    """One request a device received and what became of it.

    Attributes:
        device: its code.
        number: requests this device has received since its simulator started, from 1.
        served_at: µs since the Unix epoch, UTC: when the registers were read.
        function: Modbus function code, 1..4.
        table: coil, discrete, holding or input; empty for a function that reads nothing.
        address: first register as on the wire.
        count: registers or bits asked for.
        words: the registers (bits, packed) that were sent, as hex; empty without data in the reply.
        outcome: ``ok``; the name of a fault (``modbus.faults.Kind``); ``exception-N``;
            ``corrupted`` (after a reserved register was read); ``gap`` (came too soon, not
            answered); ``gone`` (the client had left before the reply was due, nothing was sent).
        values: points wholly inside → value as a decimal string; None where it was a sentinel.
    """

    device: str
    number: int
    served_at: int
    function: int
    table: str
    address: int
    count: int
    words: str
    outcome: str
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class MqttSent:
    """One message handed to the socket for the first time.

    Attributes:
        terminal: as in the topic.
        seq: the terminal's own number, rising across restarts; a duplicate repeats it.
        ts: payload time, µs since the Unix epoch; as far as the payload can be read.
        kind: a key of :data:`STORED_AS`.
        sent_at: µs since the Unix epoch.
        copy: 0, or n for the n-th deliberate repetition.
    """

    terminal: str
    seq: int
    ts: int
    kind: str
    sent_at: int
    copy: int = 0


@dataclass(frozen=True, slots=True)
class MqttAcked:
    """The broker's PUBACK for a message sent before."""

    terminal: str
    seq: int
    acked_at: int
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Jt808Sent:
    """One numbered report of a JT/T 808 terminal handed to the socket.

    Attributes:
        terminal: its code in the registry: the phone without zeros before it.
        seq: the terminal's own number, rising across restarts; it travels in item F1 of 0x0200.
        ts: time in the report, µs since the Unix epoch, whole seconds.
        kind: a key of :data:`STORED_AS`, or ``driver_card`` (0x0702).
        sent_at: µs since the Unix epoch.
        message: id of the message that carried it, 0x0200 or 0x0704 for example.
        serial: of that message's first frame.
        fault: what the wire did to that frame; empty: nothing.
        copy: 0, or how often it had left before.
    """

    terminal: str
    seq: int
    ts: int
    kind: str
    sent_at: int
    message: int
    serial: int
    fault: str = ""
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Jt808Acked:
    """The platform's 0x8001 for a report sent before; it holds for result 0 alone."""

    terminal: str
    seq: int
    acked_at: int
    result: int = 0


@dataclass(frozen=True, slots=True)
class Counters:
    """Totals since the process started, written now and then and at the end."""

    at: int
    counts: Mapping[str, int]


Record = ModbusReply | MqttSent | MqttAcked | Jt808Sent | Jt808Acked | Counters
_KINDS: Final[Mapping[str, type[Record]]] = {
    "modbus": ModbusReply,
    "sent": MqttSent,
    "acked": MqttAcked,
    "jt808_sent": Jt808Sent,
    "jt808_acked": Jt808Acked,
    "counters": Counters,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}


class TruthError(Exception):
    """A truth file cannot be read; says where."""


class TruthLog:
    """Writes one process's truth.

    Args:
        path: the file; created with its parents, continued when it exists.
        level: ``counters`` leaves out everything but :class:`Counters`.
    """

    def __init__(self, path: Path, level: Level = "full") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_torn_line(path)
        self._file: IO[bytes] = path.open("ab", buffering=1 << 20)
        self._encode = msgspec.json.Encoder().encode
        self.full = level == "full"

    def write(self, record: Record) -> None:
        """Add a record; it reaches the file with the next :meth:`flush`."""
        if self.full or isinstance(record, Counters):
            self._file.write(self._encode([_NAMES[type(record)], record]) + b"\n")

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Flush to the disk and close."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


def read_truth(path: Path) -> Iterator[Record]:
    """Yield the records of a truth file in their order.

    A last line without its end is left out: the process was killed before it sent what the line
    tells of, or is writing it now.

    Raises:
        TruthError: a line is no truth record.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            yield _parse(path, number, line)


def last_numbers(records: Iterable[Record]) -> dict[str, int]:
    """Return the highest ``seq`` of each terminal, from which the next start goes on."""
    last: dict[str, int] = {}
    for record in records:
        if isinstance(record, MqttSent | Jt808Sent):
            last[record.terminal] = max(record.seq, last.get(record.terminal, 0))
    return last


def acknowledged(records: Iterable[Record]) -> dict[tuple[str, int], MqttSent]:
    """Return the messages of which the broker acknowledged at least one copy, by number."""
    sent: dict[tuple[str, int], MqttSent] = {}
    acked: dict[tuple[str, int], MqttSent] = {}
    for record in records:
        if isinstance(record, MqttSent) and record.copy == 0:
            sent[record.terminal, record.seq] = record
        elif isinstance(record, MqttAcked):
            key = record.terminal, record.seq
            acked[key] = sent[key]
    return acked


def acknowledged_jt808(records: Iterable[Record]) -> dict[tuple[str, int], Jt808Sent]:
    """Return the reports for which a platform answered 0, by number, as they first left."""
    sent: dict[tuple[str, int], Jt808Sent] = {}
    acked: dict[tuple[str, int], Jt808Sent] = {}
    for record in records:
        if isinstance(record, Jt808Sent):
            sent.setdefault((record.terminal, record.seq), record)
        elif isinstance(record, Jt808Acked) and record.result == 0:
            key = record.terminal, record.seq
            acked[key] = sent[key]
    return acked


def _parse(path: Path, number: int, line: bytes) -> Record:
    try:
        name, body = msgspec.json.decode(line, type=tuple[str, msgspec.Raw])
        return msgspec.json.decode(body, type=_KINDS[name])
    except (msgspec.MsgspecError, KeyError) as error:
        raise TruthError(f"{path}:{number}: not a truth record ({error})") from error


def _drop_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        end = file.seek(0, os.SEEK_END)
        at = end
        while at > 0:
            at -= 1
            file.seek(at)
            if file.read(1) == b"\n":
                at += 1
                break
        if at != end:
            file.truncate(at)
