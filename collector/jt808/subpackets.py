"""Messages that come in several packets: put together, and asked for again, within bounds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from collector.jt808.header import Header

MOST_OPEN: Final = 4
MOST_BYTES: Final = 64 * 1024
PART_COSTS: Final = 64
"""Bytes that a packet counts for besides its body: an empty one takes memory too."""

OLDEST_US: Final = 120 * 1_000_000
ASK_AFTER_US: Final = 5 * 1_000_000
"""Packets that have not come so long after the last one are asked for; then after twice as long."""

MOST_ASKED: Final = 125
"""Packets asked for at once; the others have their turn when these have come."""

TRIES: Final = 3
"""Times that nothing comes in answer; then the terminal cannot, or will not."""

_REMEMBERED: Final = 16
"""Messages that were whole lately: a packet of one that comes once more is no new message."""

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


@dataclass(frozen=True, slots=True)
class Missing:
    """Packets that are to be asked for again.

    Attributes:
        to: header of a packet of the message.
        serial: of its first packet, whether that came or not.
        indexes: which are missing, from 1, ascending.
    """

    to: Header
    serial: int
    indexes: tuple[int, ...]


@dataclass(slots=True)
class _Open:
    since_us: int
    header: Header
    again: bool
    ask_us: int = 0
    tries: int = 0
    parts: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    size: int = 0

    def add(self, header: Header, body: bytes, now_us: int) -> int:
        """Take a packet; return how many bytes it costs."""
        self.ask_us = now_us + ASK_AFTER_US  # it is still sending
        if header.index in self.parts:
            return 0
        self.tries = 0
        self.parts[header.index] = header.serial, body
        self.size += len(body) + PART_COSTS
        return len(body) + PART_COSTS

    def missing(self, now_us: int) -> Missing | None:
        """Return what has to be asked for now."""
        if self.again or self.tries >= TRIES or now_us < self.ask_us:
            return None
        self.tries += 1
        self.ask_us = now_us + (ASK_AFTER_US << self.tries)
        absent: list[int] = []
        for index in range(1, self.header.total + 1):
            if index not in self.parts:
                absent.append(index)
                if len(absent) == MOST_ASKED:
                    break
        first = (self.header.serial - self.header.index + 1) & 0xFFFF
        return Missing(self.header, first, tuple(absent))


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
        self._whole: deque[_Key] = deque(maxlen=_REMEMBERED)
        self._bytes = 0

    def __bool__(self) -> bool:
        """Whether a message waits for packets."""
        return bool(self._open)

    def add(self, header: Header, body: bytes, now_us: int) -> Whole | None:
        """Take a packet; return the message when it was the last one missing."""
        self._expire(now_us)
        # Packets of one message have serials that follow each other.
        key = header.message_id, header.total, (header.serial - header.index) & 0xFFFF
        message = self._open.setdefault(key, _Open(now_us, header, again=key in self._whole))
        self._bytes += message.add(header, body, now_us)
        if len(message.parts) < header.total:
            self._bound()
            return None
        self._close(key)
        self._whole.append(key)
        parts = [message.parts[index] for index in range(1, header.total + 1)]
        return Whole(b"".join(body for _, body in parts), tuple(serial for serial, _ in parts))

    def missing(self, now_us: int) -> list[Missing]:
        """Return what is to be asked for again now, and give up what is too old."""
        self._expire(now_us)
        found = [message.missing(now_us) for message in self._open.values()]
        return [one for one in found if one is not None]

    def clear(self) -> None:
        """Forget everything: the connection now speaks for another terminal."""
        for key in list(self._open):
            self._give_up(key)
        self._whole.clear()

    def _expire(self, now_us: int) -> None:
        for key in [k for k, m in self._open.items() if now_us - m.since_us > OLDEST_US]:
            self._give_up(key)

    def _bound(self) -> None:
        while len(self._open) > MOST_OPEN or self._bytes > MOST_BYTES:
            self._give_up(next(iter(self._open)))

    def _give_up(self, key: _Key) -> None:
        self.given_up += not self._open[key].again
        self._close(key)

    def _close(self, key: _Key) -> None:
        self._bytes -= self._open.pop(key).size
