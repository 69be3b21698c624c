"""One poll of one device: every block of its plan, keeping whatever arrives."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import structlog

from collector.modbus import plan
from collector.modbus.device import Device, Step
from collector.modbus.line import ConnectError, Line
from collector.modbus.link import ExceptionReplyError, NoReplyError, RequestError
from collector.modbus.plan import Block, Learned

log = structlog.get_logger(__name__)

SPLITTING = frozenset({2, 3})
"""Exceptions that blame the addresses or their number: smaller blocks may be answered."""

BUSY = frozenset({5, 6})
"""Exceptions that ask for patience."""

GATEWAY = frozenset({10, 11})
"""Exceptions of a gateway whose device is silent."""

MOST_TIMEOUTS = 2
"""Requests of one poll that may time out before the rest is left for the next poll."""

MOST_REFUSALS = 8
"""Requests of one poll that may be refused while nothing at all was read."""


class Outcome(enum.Enum):
    """What became of one block."""

    READ = enum.auto()
    REFUSED = enum.auto()  # the device says it has no such registers
    FAILED = enum.auto()  # anything else; nothing can be learned from it


@dataclass(frozen=True, slots=True)
class Patience:
    """How often, and after which pause in seconds, a busy device is asked again."""

    retries: int
    pause_s: float


@dataclass(slots=True)
class Poll:
    """One poll under way.

    Attributes:
        device: who is polled.
        line: its bus.
        patience: with a busy device.
        keep: called with each good reply: step, frame.
        answered: whether the device said anything at all, be it an exception.
        complete: whether every block of the plan was read.
        bus_failed: whether the bus could not be reached.
        cause: of the last failure.
        read: replies kept.
        timeouts: requests without any reply of the device.
        refusals: requests refused for their addresses.
        lesson: what the device refused so far.
    """

    device: Device
    line: Line
    patience: Patience
    keep: Callable[[Step, bytes], None]
    answered: bool = False
    complete: bool = False
    bus_failed: bool = False
    cause: str = ""
    read: int = 0
    timeouts: int = 0
    refusals: int = 0
    lesson: Learned = plan.NOTHING

    async def run(self, now_us: int) -> None:
        """Ask for every block; stop early when asking on only costs the neighbours time."""
        steps = self.device.steps(now_us)
        outcomes: list[Outcome] = []
        for step in steps:
            outcomes.append(await self._read(step))
            if outcomes[-1] is not Outcome.READ and self._hopeless():
                # A mute block must not hide the others: next time it comes last.
                self.device.begin_with(steps[len(outcomes) % len(steps)])
                break
        self.complete = outcomes == [Outcome.READ] * len(steps) and bool(steps)
        if not steps:
            self.cause = "all_refused"
        if self.read and self.lesson != plan.NOTHING:
            self._learn(now_us)

    def _learn(self, now_us: int) -> None:
        """Remember the lesson of this poll.

        Only a device that answers something teaches: one that refuses everything is starting up, or
        is not the device the inventory says.
        """
        self.device.learn(self.lesson, now_us)
        log.info(
            "device_refused_registers",
            device=self.device.entry.code,
            holes=[str(span) for span in sorted(self.lesson.holes)],
            points=[str(span) for span in sorted(self.lesson.refused)],
            max_registers=self.lesson.max_registers,
            max_bits=self.lesson.max_bits,
        )

    async def _read(self, step: Step) -> Outcome:
        try:
            reply = await self._ask(step)
        except ExceptionReplyError as error:
            self._count(error)
            if error.code in SPLITTING:
                self.refusals += 1
                return await self._read_pieces(step.block)
            return Outcome.FAILED
        except RequestError as error:
            self._count(error)
            return Outcome.FAILED
        self.answered = True
        self.read += 1
        self.keep(step, reply)
        return Outcome.READ

    async def _ask(self, step: Step) -> bytes:
        """Ask for a block, more than once when the device is busy."""
        retries = self.patience.retries
        while True:
            asked_at = perf_counter()
            try:
                reply = await self.line.ask(step.request, self.device.timeout_s)
            except ExceptionReplyError as error:
                if error.code not in BUSY or not retries:
                    raise
                self._count(error)
            else:
                self.device.stats.latency.add(perf_counter() - asked_at)
                return reply
            retries -= 1
            await asyncio.sleep(self.patience.pause_s)

    async def _read_pieces(self, block: Block) -> Outcome:
        """Read a refused block in pieces, and note what follows from how they are answered."""
        pieces = plan.split(block)
        if len(pieces) == 1:
            self.lesson |= Learned(refused=frozenset(plan.span_of(p) for p in block.points))
            return Outcome.REFUSED
        outcomes = []
        for piece in pieces:
            outcomes.append(await self._read(self.device.step(piece)))
            if outcomes[-1] is not Outcome.READ and self._hopeless():
                return Outcome.FAILED
        if all(outcome is Outcome.READ for outcome in outcomes):
            self.lesson |= plan.lesson(block, pieces, self.lesson)
            return Outcome.READ
        return Outcome.REFUSED if Outcome.FAILED not in outcomes else Outcome.FAILED

    def _hopeless(self) -> bool:
        """Whether asking on only costs the neighbours time."""
        if self.bus_failed or not self.answered:
            return True
        return self.timeouts >= MOST_TIMEOUTS or (not self.read and self.refusals >= MOST_REFUSALS)

    def _count(self, error: RequestError) -> None:
        self.cause = error.cause
        self.device.stats.errors[error.cause] += 1
        if isinstance(error, ConnectError):
            self.bus_failed = True
        elif isinstance(error, NoReplyError):
            self.timeouts += 1
        elif isinstance(error, ExceptionReplyError):
            if error.code in GATEWAY:
                self.timeouts += 1
            else:
                self.answered = True
