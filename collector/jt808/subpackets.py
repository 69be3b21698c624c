"""Messages that come in several packets, put together within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from collector.jt808.header import Header

MOST_OPEN: Final = 4
MOST_BYTES: Final = 64 * 1024
PART_COSTS: Final = 64
"""Bytes that a packet counts for besides its body: an empty one takes memory too."""

OLDEST_US: Final = 120 * 1_000_000

_Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Whole:
    """A message all of whose packets came.

    Attributes:
        body: their bodies, in order.
        serials: of each packet, in order: each wants an answer.
    """

    body: bytes
    serials: tuple[int, ...]


@dataclass(slots=True)
class _Open:
    since_us: int
    total: int
    parts: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    bytes: int = 0


class Assembler:
    """Puts the packets of one terminal together, in any order.

    Bounded in messages, bytes and time: what exceeds a bound drives out the oldest message. Its
    packets were not acknowledged, so they come again.

    Attributes:
        given_up: messages that were never completed.
    """

    def __init__(self) -> None:
        self.given_up = 0
        self._open: dict[_Key, _Open] = {}
        self._bytes = 0

    def add(self, header: Header, body: bytes, now_us: int) -> Whole | None:
        """Take a packet; return the message when it was the last one missing."""
        self._expire(now_us)
        # Packets of one message have serials that follow each other.
        key = header.message_id, header.total, (header.serial - header.index) & 0xFFFF
        message = self._open.setdefault(key, _Open(now_us, header.total))
        if header.index not in message.parts:
            message.parts[header.index] = header.serial, body
            message.bytes += len(body) + PART_COSTS
            self._bytes += len(body) + PART_COSTS
        if len(message.parts) < message.total:
            self._bound()
            return None
        self._close(key)
        parts = [message.parts[index] for index in range(1, message.total + 1)]
        return Whole(b"".join(body for _, body in parts), tuple(serial for serial, _ in parts))

    def clear(self) -> None:
        """Forget everything: the connection now speaks for another terminal."""
        self.given_up += len(self._open)
        self._open.clear()
        self._bytes = 0

    def _expire(self, now_us: int) -> None:
        for key in [k for k, m in self._open.items() if now_us - m.since_us > OLDEST_US]:
            self._close(key)
            self.given_up += 1

    def _bound(self) -> None:
        while len(self._open) > MOST_OPEN or self._bytes > MOST_BYTES:
            self._close(next(iter(self._open)))
            self.given_up += 1

    def _close(self, key: _Key) -> None:
        self._bytes -= self._open.pop(key).bytes
