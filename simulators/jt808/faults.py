"""What goes wrong on the wire of a terminal, decided by seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from simulators import noise
from simulators.jt808 import frame

_PAUSE_S: Final = 0.05


class WireFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shares (0..1): of frames, and of connections.

    Attributes:
        bad_checksum: a frame with a wrong checksum.
        wrong_length: a frame that tells one byte too many; its checksum is right.
        split: a frame in three segments.
        joined: a frame that leaves together with the next one.
        garbage: bytes of no meaning, a flag among them, before a frame.
        repeated: a frame twice, serial and all.
        slow: a frame in one byte a segment.
        half_open: a connection that falls silent after ``after`` frames and is not closed.
        silent: a connection on which nothing is said.
        after: frames before a connection falls silent.
        quiet_s: how long a silent connection, and a half open one, stays.
    """

    bad_checksum: float = 0.0
    wrong_length: float = 0.0
    split: float = 0.0
    joined: float = 0.0
    garbage: float = 0.0
    repeated: float = 0.0
    slow: float = 0.0
    half_open: float = 0.0
    silent: float = 0.0
    after: int = 5
    quiet_s: float = 30.0


_OF_FRAMES: Final = (
    *("bad_checksum", "wrong_length", "split", "joined"),
    *("garbage", "repeated", "slow"),
)
_OF_CONNECTIONS: Final = ("half_open", "silent")


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes of one write, and the pause after it."""

    data: bytes
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """A frame as it leaves.

    Attributes:
        fault: its name; empty: none.
        segments: none at all when the frame waits for the next one.
        held: what the next frame has to take along.
    """

    fault: str
    segments: tuple[Segment, ...]
    held: bytes = b""


class Wire:
    """Decides what becomes of the frames and connections of one terminal."""

    def __init__(self, faults: WireFaults, seed: int, phone: str) -> None:
        self.faults = faults
        self._seed, self._phone = seed, phone

    def leave(self, content: bytes, number: int, held: bytes = b"") -> Leaving:
        """Return how a frame leaves.

        Args:
            content: header and body.
            number: of the frame, however often it has left before.
            held: what an earlier frame left behind; goes before this one.
        """
        fault = self._drawn(_OF_FRAMES, "frame", number)
        whole = frame.wrap(content)
        match fault:
            case "bad_checksum":
                whole = _bad_checksum(content)
            case "wrong_length":
                whole = frame.wrap(_longer(content))
            case "garbage":
                whole = self._garbage(number) + whole
            case "repeated":
                whole += whole
            case "joined" if not held:
                return Leaving(fault, (), whole)
        return Leaving(fault, _segments(fault, held + whole))

    def connection(self, number: int) -> str:
        """Return what becomes of a connection: ``half_open``, ``silent``, or nothing."""
        return self._drawn(_OF_CONNECTIONS, "connection", number)

    def _drawn(self, names: tuple[str, ...], what: str, number: int) -> str:
        drawn = noise.chance(self._seed, self._phone, what, number)
        for name in names:
            share: float = getattr(self.faults, name)
            if drawn < share:
                return name
            drawn -= share
        return ""

    def _garbage(self, number: int) -> bytes:
        size = 1 + noise.derive(self._seed, self._phone, "size", number) % 40
        words = [noise.derive(self._seed, self._phone, number, n) for n in range(size)]
        return bytes(word & 0xFF for word in words) + frame.FLAG + b"\0"


def _bad_checksum(content: bytes) -> bytes:
    wrong = bytes((frame.checksum(content) ^ 0x55,))
    return frame.FLAG + frame.escape(content + wrong) + frame.FLAG


def _longer(content: bytes) -> bytes:
    attributes = int.from_bytes(content[2:4])
    told = (attributes & 0x3FF) + 1 & 0x3FF
    return content[:2] + (attributes & ~0x3FF | told).to_bytes(2) + content[4:]


def _segments(fault: str, data: bytes) -> tuple[Segment, ...]:
    if fault == "slow":
        return tuple(Segment(data[n : n + 1], _PAUSE_S) for n in range(len(data)))
    if fault == "split" and len(data) > 2:
        third = len(data) // 3
        cuts = data[:third], data[third : 2 * third], data[2 * third :]
        return tuple(Segment(part, _PAUSE_S) for part in cuts)
    return (Segment(data),)
