"""When each device of a bus has its turn. Pure: the time comes in as an argument.

Slots are aligned to the clock: slot k of a device stands for k times its interval, UTC; its turn
comes a fixed offset later, which spreads the devices. Turns follow the clock, never the end of the
last poll, so nothing drifts. A slot whose turn comes when its successor is due is missed and
counted, so nothing piles up. All times are microseconds, UTC.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Backoff:
    """How a device that does not answer is left alone.

    Attributes:
        after: unanswered polls in a row that make it dead.
        step_us: pause added by each unanswered poll from then on.
        max_us: longest pause.
    """

    after: int
    step_us: int
    max_us: int

    def pause_us(self, failures: int) -> int:
        """Return the pause after so many unanswered polls in a row; 0 while it counts as alive."""
        return min(max(0, failures - self.after + 1) * self.step_us, self.max_us)


class Timer:
    """The slots of one device.

    Args:
        device: index of the device on its bus.
        interval_us: distance of two slots.
        offset_us: from a slot to its turn.
        timeout_us: how long one unanswered request holds the bus.
        now_us: slots due before now are none of ours.

    Attributes:
        slot: number of the next slot to be polled.
        due_us: when its turn comes.
        failures: unanswered polls in a row; the bus counts them.
    """

    __slots__ = (
        "device", "due_us", "failures", "interval_us", "offset_us", "slot", "timeout_us",
    )  # fmt: skip

    def __init__(
        self, device: int, interval_us: int, offset_us: int, timeout_us: int, now_us: int
    ) -> None:
        self.device = device
        self.interval_us = interval_us
        self.offset_us = offset_us
        self.timeout_us = timeout_us
        self.failures = 0
        self.slot = self.newest_slot(now_us) + 1
        self.due_us = self.turn_us(self.slot)

    def newest_slot(self, now_us: int) -> int:
        """Return the number of the newest slot that is due."""
        return (now_us - self.offset_us) // self.interval_us

    def turn_us(self, slot: int) -> int:
        """Return when a slot is due."""
        return slot * self.interval_us + self.offset_us

    def advance(self, now_us: int) -> int:
        """Go on to the newest slot that is due; return how many were passed over."""
        missed = max(0, self.newest_slot(now_us) - self.slot)
        self.slot += missed
        self.due_us = max(self.due_us, self.turn_us(self.slot))
        return missed

    def __lt__(self, other: Timer) -> bool:
        return self.due_us < other.due_us


class Turn(NamedTuple):
    """One slot to be polled now.

    Attributes:
        timer: of the device whose turn it is.
        ts_us: the slot, which stands as the time of its readings.
        missed: slots passed over since this device's last turn.
        late: more than half an interval behind its turn. The offset itself is no lateness: it is
            the same in every slot, so that the distance of two readings stays the interval.
    """

    timer: Timer
    ts_us: int
    missed: int
    late: bool


class Queue:
    """The turns of one bus: healthy devices by their due time, dead ones in the gaps between."""

    def __init__(self, timers: Sequence[Timer], backoff: Backoff) -> None:
        self._backoff = backoff
        self._healthy = list(timers)
        self._dead: list[Timer] = []
        heapq.heapify(self._healthy)

    def take(self, now_us: int) -> Turn | None:
        """Return whose turn it is; give it back with :meth:`put`. None when nobody is due."""
        if self._healthy and self._healthy[0].due_us <= now_us:
            return self._turn(heapq.heappop(self._healthy), now_us)
        if self._dead and self._probe_us(self._dead[0], now_us) <= now_us:
            return self._turn(heapq.heappop(self._dead), now_us)
        return None

    def wait_us(self, now_us: int) -> int:
        """Return how long nobody is due; 0 when somebody is, :data:`NEVER` without devices."""
        healthy = self._healthy[0].due_us if self._healthy else NEVER
        dead = self._probe_us(self._dead[0], now_us) if self._dead else NEVER
        return max(0, min(healthy, dead) - now_us)

    def put(self, timer: Timer, now_us: int) -> None:
        """Take back a timer after its poll; its failures decide when it has its next turn."""
        pause_us = self._backoff.pause_us(timer.failures)
        if not pause_us:
            timer.due_us = timer.turn_us(timer.slot)
            heapq.heappush(self._healthy, timer)
            return
        probe = max(timer.slot, timer.newest_slot(now_us + pause_us - 1) + 1)
        timer.due_us = timer.turn_us(probe)
        heapq.heappush(self._dead, timer)

    def is_dead(self, timer: Timer) -> bool:
        """Whether a device has failed so often that it is left alone for a while."""
        return self._backoff.pause_us(timer.failures) > 0

    def skip(self, now_us: int) -> list[tuple[Timer, int]]:
        """Pass over what healthy devices missed while nothing could be polled; say how much."""
        passed = [(timer, timer.advance(now_us)) for timer in self._healthy]
        heapq.heapify(self._healthy)
        return [(timer, missed) for timer, missed in passed if missed]

    def resync(self, now_us: int) -> list[tuple[Timer, int]]:
        """Follow a clock that jumped; return the slots passed over.

        Forwards, slots are passed over. Backwards by more than one interval, the schedule begins
        again from now rather than staying silent: slots of the false time may come a second time.
        """
        for timer in (*self._healthy, *self._dead):
            next_slot = timer.newest_slot(now_us) + 1
            if timer.slot > next_slot + 1:
                timer.slot = next_slot
            timer.due_us = min(timer.due_us, timer.turn_us(timer.slot) + self._backoff.max_us)
        for timer in self._healthy:
            timer.due_us = timer.turn_us(timer.slot)
        passed = self.skip(now_us)
        heapq.heapify(self._dead)
        return passed

    def _probe_us(self, timer: Timer, now_us: int) -> int:
        """Return when a dead device may be asked.

        Where its silence fits before the next healthy turn; at the latest one interval after its
        own.
        """
        if not self._healthy or now_us + timer.timeout_us <= self._healthy[0].due_us:
            return timer.due_us
        return timer.due_us + timer.interval_us

    @staticmethod
    def _turn(timer: Timer, now_us: int) -> Turn:
        missed = timer.advance(now_us)
        ts_us = timer.slot * timer.interval_us
        behind_us = now_us - timer.turn_us(timer.slot)
        timer.slot += 1
        return Turn(timer, ts_us, missed, late=2 * behind_us > timer.interval_us)


def offset_us(code: str, interval_us: int, share: float, longest_us: int) -> int:
    """Return the stagger of a device: spread by its code, the same after every restart.

    Args:
        code: the device's stable code.
        interval_us: its interval.
        share: of the interval over which polls are spread, below 1.
        longest_us: longest spread.
    """
    spread_us = min(interval_us * share, longest_us)
    return int(spread_us * zlib.crc32(code.encode()) / 2**32)
