"""A vehicle's terminal: when it measures, what it numbers, what it holds back in a tunnel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulators import noise
from simulators.models.vehicle import Fixes, Vehicle
from simulators.mqtt import payload
from simulators.mqtt.payload import Fix, Message, Mishaps, compose


class Schedule:
    """When a terminal reports: on a grid of its own while driving, on every n-th line parked.

    Args:
        vehicle: whose ignition decides.
        interval_s: grid while driving.
        parked_every: n; the parked interval is ``n · interval_s``.
        seed: shifts the grid.
    """

    def __init__(self, vehicle: Vehicle, interval_s: int, parked_every: int, seed: int) -> None:
        self._vehicle = vehicle
        self._step = interval_s * 1_000_000
        self._every = parked_every
        self._shift = noise.derive(seed, "shift") % (interval_s * parked_every) * 1_000_000

    def next_after(self, t_us: int) -> int:
        """Return the first grid time after an instant."""
        return ((t_us - self._shift) // self._step + 1) * self._step + self._shift

    def at(self, t_us: int) -> Fix:
        """Return what is measured at an instant, on the grid or not."""
        return payload.fix_at(self._vehicle.at(np.array([t_us], dtype=np.int64)), 0)

    def table(self, after_us: int, upto_us: int) -> Fixes:
        """Return the fixes of every report in ``(after, upto]``."""
        first = self.next_after(after_us)
        grid = np.arange(first, upto_us + 1, self._step, dtype=np.int64)
        fixes = self._vehicle.at(grid)
        kept = fixes.acc | ((grid - self._shift) // self._step % self._every == 0)
        names = Fixes.__dataclass_fields__
        return Fixes(**{name: getattr(fixes, name)[kept] for name in names})

    def between(self, after_us: int, upto_us: int) -> list[Fix]:
        """Return the same one by one."""
        if upto_us < self.next_after(after_us):
            return []
        fixes = self.table(after_us, upto_us)
        return [payload.fix_at(fixes, n) for n in range(len(fixes.t_us))]


class Terminal:
    """One terminal on virtual time.

    Args:
        code: its identity in the topic.
        schedule: when it measures.
        mishaps: what goes wrong.
        last_seq: number of its last message so far.
        since_us: it has reported everything up to here.
    """

    def __init__(
        self, code: str, schedule: Schedule, mishaps: Mishaps, last_seq: int, since_us: int
    ) -> None:
        self.code = code
        self._schedule, self._mishaps = schedule, mishaps
        self._seq = last_seq
        self._done = since_us
        self._next = schedule.next_after(since_us)
        self._tunnel: list[Message] = []
        self._tunnel_end = 0
        self._overtaken: Message | None = None

    def due(self, now_us: int) -> list[Message]:
        """Return the messages to be sent until now, in the order of sending."""
        leaving = self._leave_tunnel(now_us)
        if now_us < self._next:
            return leaving
        for fix in self._schedule.between(self._done, now_us):
            self._seq += 1
            message = compose(self.code, self._seq, fix, self._mishaps.kind(self._seq))
            leaving.extend(self._pass(message, fix.t_us, now_us))
        self._done = now_us
        self._next = self._schedule.next_after(now_us)
        return leaving

    def _pass(self, message: Message, fix_us: int, now_us: int) -> list[Message]:
        """Keep a message in the tunnel, or let it and the one it overtakes go."""
        end = self._mishaps.tunnel_end(fix_us)
        if end > now_us:
            self._tunnel.append(message)
            self._tunnel_end = end
            return []
        if self._overtaken is not None:
            late, self._overtaken = self._overtaken, None
            return [*_copies(message), *_copies(late)]
        if self._mishaps.overtaken(message.seq):
            self._overtaken = message
            return []
        return _copies(message)

    def _leave_tunnel(self, now_us: int) -> list[Message]:
        if not self._tunnel or now_us < self._tunnel_end:
            return []
        kept, self._tunnel = self._tunnel, []
        if self._mishaps.newest_first(self._tunnel_end):
            kept.reverse()
        return [copy for message in kept for copy in _copies(message)]


def _copies(message: Message) -> list[Message]:
    if message.kind != "duplicate":
        return [message]
    return [message, replace(message, copy=1)]
