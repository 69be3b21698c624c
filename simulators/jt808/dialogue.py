"""What a terminal has said and not yet been answered, and when it says it again."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from simulators.jt808.report import Report

_REMEMBERED: Final = 256
"""Serials of which a second answer is no surprise."""


@dataclass(frozen=True, slots=True)
class Send:
    """One frame to send.

    Attributes:
        content: header and body.
        message: its id.
        serial: of this frame.
        reports: what is numbered in it; a cut message tells them in its first frame.
    """

    content: bytes
    message: int
    serial: int
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The platform's result for something numbered: 0 is the only good one."""

    report: Report
    result: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Nobody answers: the connection has to go."""


Action = Send | Answered | HangUp


@dataclass(slots=True)
class Asked:
    """One message that wants an answer.

    Attributes:
        message: its id.
        contents: its frames.
        serials: of the frames, in their order.
        reports: what is numbered in it.
        due_us: when it is said again.
        tries: how often it was.
        answered: serials of a cut message that were answered one by one.
    """

    message: int
    contents: Sequence[bytes]
    serials: Sequence[int]
    reports: Sequence[Report]
    due_us: int
    tries: int = 1
    answered: set[int] = field(default_factory=set)

    def settled_by(self, serial: int) -> bool:
        """Note an answer; tell whether it settles the message: its last frame's, or all of them.

        The answer to an earlier frame alone does not: who gives it has not seen the whole.
        """
        self.answered.add(serial)
        return serial == self.serials[-1] or len(self.answered) == len(self.serials)


class Questions:
    """The messages that are out.

    Args:
        reply_us: how long the first answer may take; the n-th repetition waits n + 1 times that,
            as the standard has it.
        tries: how often a message is said before the connection is given up.
    """

    def __init__(self, reply_us: int, tries: int) -> None:
        self._reply_us, self._tries = reply_us, tries
        self._open: dict[int, Asked] = {}
        self._settled: deque[int] = deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        return len(set(map(id, self._open.values())))

    def ask(
        self,
        message: int,
        contents: Sequence[bytes],
        serials: Sequence[int],
        reports: Sequence[Report],
        now_us: int,
    ) -> None:
        """Note a message that leaves."""
        asked = Asked(message, contents, serials, reports, now_us + self._reply_us)
        for serial in serials:
            self._open[serial] = asked

    def answered(self, serial: int, message: int) -> Asked | None:
        """Return the message that an answer settles; None when it settles none."""
        asked = self._open.get(serial)
        if asked is None or asked.message != message or not asked.settled_by(serial):
            return None
        for own in asked.serials:
            del self._open[own]
        self._settled.extend(asked.serials)
        return asked

    def was_answered(self, serial: int) -> bool:
        """Tell whether a serial was settled lately: what was said twice is answered twice."""
        return serial in self._settled

    def find(self, serial: int) -> Asked | None:
        """Return the message with a frame of this serial."""
        return self._open.get(serial)

    def waiting(self, message: int) -> int:
        """Return how many messages of an id are out."""
        return len({id(asked) for asked in self._open.values() if asked.message == message})

    def overdue(self, now_us: int) -> Iterator[Asked]:
        """Yield what has to be said again now, its next turn noted.

        Raises:
            TimeoutError: one has been said often enough.
        """
        for serial, asked in list(self._open.items()):
            if serial != asked.serials[0] or now_us < asked.due_us:
                continue
            if asked.tries >= self._tries:
                raise TimeoutError(f"0x{asked.message:04X} was not answered {asked.tries} times")
            asked.tries += 1
            asked.due_us = now_us + self._reply_us * asked.tries
            yield asked

    def drop(self) -> list[Asked]:
        """Return everything that is out, in its order, and forget it."""
        dropped = [asked for serial, asked in self._open.items() if serial == asked.serials[0]]
        self._open.clear()
        return dropped
