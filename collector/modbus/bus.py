"""One bus: one connection, one queue, the devices behind it one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from collector.damper import Damper
from collector.modbus.device import Device, Step
from collector.modbus.handover import Handover
from collector.modbus.line import ConnectError, Line
from collector.modbus.poll import Patience, Poll
from collector.modbus.rows import Reply
from collector.modbus.schedule import Queue, Timer, Turn
from collector.modbus.stats import BusStats, State
from storage.records import ReadingFlag

log = structlog.get_logger(__name__)

LONGEST_SLEEP_S = 5.0
"""A jump of the clock is noticed after so long at the latest."""

JUMP_US = 1_000_000
"""A clock that moved this much against the monotonic one was set, or the machine slept."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a bus works with; ``clock`` gives now in µs UTC."""

    line: Line
    queue: Queue
    handover: Handover
    patience: Patience
    clock: Callable[[], int]


class Bus:
    """Polls the devices of one host and port until stopped.

    Args:
        devices: in the order of the timers' indexes.
        means: what it works with.
        stats: of the bus.
    """

    def __init__(self, devices: Sequence[Device], means: Means, stats: BusStats) -> None:
        self._devices = devices
        self._line = means.line
        self._queue = means.queue
        self._handover = means.handover
        self._patience = means.patience
        self._clock = means.clock
        self._stats = stats
        self._loop = asyncio.get_running_loop()
        self._skew_us = self._measure_skew()
        self._stopping = False
        self._alarm: asyncio.Future[None] | None = None
        self._outage = ""
        self._damper = Damper()

    def stop(self) -> None:
        """Let :meth:`run` return after the poll under way."""
        self._stopping = True
        self._wake()

    async def run(self) -> None:
        """Poll whoever is due until stopped."""
        try:
            while not self._stopping:
                wait_s = await self._work()
                if wait_s > 0 and not self._stopping:
                    await self._sleep(wait_s)
        finally:
            await self._line.close()

    async def _work(self) -> float:
        """Do the next thing; return for how many seconds there is nothing to do."""
        self._watch_clock()
        wait_s = max(self._queue.wait_us(self._clock()) / 1e6, self._line.pause_s)
        if wait_s > 0:
            return wait_s
        if not self._line.is_open and not await self._connect():
            return self._line.pause_s
        now_us = self._clock()
        turn = self._queue.take(now_us)
        if turn is not None:
            await self._poll(turn, now_us)
        return 0.0

    async def _connect(self) -> bool:
        try:
            await self._line.open()
        except ConnectError as error:
            self._outage = error.cause
            for device in self._devices:
                device.stats.state = State.DISCONNECTED
        if self._outage:
            self._count_missed(self._queue.skip(self._clock()), self._outage)
        if self._line.is_open:
            self._outage = ""
        return self._line.is_open

    async def _poll(self, turn: Turn, now_us: int) -> None:
        device = self._devices[turn.timer.device]
        if turn.missed:
            dead = device.stats.state is State.BACKOFF
            self._count_missed([(turn.timer, turn.missed)], "backoff" if dead else "busy")
        flags = ReadingFlag.LATE_SLOT if turn.late else ReadingFlag.NONE

        def keep(step: Step, frame: bytes) -> None:
            self._handover.add(Reply(step.codec, frame, turn.ts_us, self._clock(), flags))

        poll = Poll(device, self._line, self._patience, keep)
        await poll.run(now_us)
        self._judge(poll, turn.timer)
        self._queue.put(turn.timer, self._clock())

    def _judge(self, poll: Poll, timer: Timer) -> None:
        stats = poll.device.stats
        if poll.complete:
            stats.polls_ok += 1
        elif poll.read:
            stats.polls_partial += 1
        else:
            stats.polls_failed[poll.cause] += 1
        if poll.read:
            stats.last_ok_us = self._clock()
        stats.consecutive_failures = 0 if poll.read else stats.consecutive_failures + 1
        if poll.answered:
            self._set_state(poll.device, State.ALIVE)
            timer.failures = 0
        elif not poll.bus_failed:
            timer.failures += 1
            if self._queue.is_dead(timer):
                self._set_state(poll.device, State.BACKOFF)

    def _set_state(self, device: Device, state: State) -> None:
        before, device.stats.state = device.stats.state, state
        if before is state:
            return
        if state is State.BACKOFF:
            log.warning(
                "device_silent",
                device=device.entry.code,
                bus=self._stats.code,
                unit=device.entry.unit,
                advice="check its power, wiring and unit id; it is asked again from time to time",
            )
        elif before is State.BACKOFF:
            log.info("device_answers_again", device=device.entry.code, bus=self._stats.code)

    def _watch_clock(self) -> None:
        skew_us = self._measure_skew()
        jump_us = skew_us - self._skew_us
        self._skew_us = skew_us
        if abs(jump_us) > JUMP_US:
            log.warning("clock_jumped", bus=self._stats.code, seconds=jump_us / 1e6)
            self._count_missed(self._queue.resync(self._clock()), "clock")

    def _measure_skew(self) -> int:
        return self._clock() - int(self._loop.time() * 1e6)

    def _count_missed(self, passed: Sequence[tuple[Timer, int]], cause: str) -> None:
        for timer, missed in passed:
            self._devices[timer.device].stats.missed[cause] += missed
        slots = sum(missed for _, missed in passed)
        told = self._damper.add(cause, slots, self._loop.time()) if slots else 0
        if told:
            log.warning("slots_missed", bus=self._stats.code, slots=told, cause=cause)

    async def _sleep(self, seconds: float) -> None:
        self._alarm = self._loop.create_future()
        handle = self._loop.call_later(min(seconds, LONGEST_SLEEP_S), self._wake)
        try:
            await self._alarm
        finally:
            handle.cancel()

    def _wake(self) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)
