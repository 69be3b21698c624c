"""A terminal's connection: opened again when it is lost, with the faults of its wire."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from simulators.jt808 import frame
from simulators.jt808.dialogue import Action, Answered, HangUp, Send
from simulators.jt808.faults import Leaving, Segment, Wire
from simulators.jt808.frame import FrameError, Splitter
from simulators.jt808.habit import State
from simulators.jt808.messages import FAILED
from simulators.jt808.terminal import Terminal
from simulators.truth import Jt808Acked, Jt808Sent, TruthLog

_LOG: Final = structlog.get_logger()
_TICK_S: Final = 0.1
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_CONNECT_S: Final = 10.0
_GOOD_BYE_S: Final = 3.0
_READ: Final = 65_536
_TICKS_HELD: Final = 10
"""How many ticks a frame waits for one to leave with."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the platform listens."""

    host: str
    port: int


class Line:
    """Drives one terminal in real time.

    Args:
        terminal: what speaks.
        code: its code in the registry, for the truth.
        wire: what goes wrong underneath.
        gate: where to.
        truth: what is written before bytes leave.
        now_us: the clock, µs since the Unix epoch.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is a part of its own
        self,
        terminal: Terminal,
        code: str,
        wire: Wire,
        gate: Gate,
        truth: TruthLog,
        now_us: Callable[[], int],
    ) -> None:
        self.terminal, self.code = terminal, code
        self.connects = 0
        self._wire, self._gate, self._truth, self._now_us = wire, gate, truth, now_us
        self._frames = 0
        self._sound = False
        self._copies: Counter[int] = Counter()
        self._ghosts: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep a connection until ``stop``, then log out in order."""
        pause = _FIRST_PAUSE_S
        while not stop.is_set():
            if not self.terminal.reachable(self._now_us()):
                await _pause(stop, _TICK_S)
                continue
            self._sound = False
            try:
                await self._session(stop)
            except OSError as error:  # a TimeoutError too
                if pause == _FIRST_PAUSE_S:  # not again and again
                    _LOG.warning("platform is away", terminal=self.code, error=repr(error))
            self.terminal.lost()
            pause = _FIRST_PAUSE_S if self._sound else min(pause * 2, _LONGEST_PAUSE_S)
            await _pause(stop, pause)
        for ghost in self._ghosts:
            ghost.cancel()
        await asyncio.gather(*self._ghosts, return_exceptions=True)

    async def _session(self, stop: asyncio.Event) -> None:
        """Hold one connection, and remember whether its log-in came to an end."""
        async with asyncio.timeout(_CONNECT_S):
            reader, writer = await asyncio.open_connection(self._gate.host, self._gate.port)
        self.connects += 1
        fate = self._wire.connection(self.connects)
        if fate == "silent":
            self._leave_open(writer)
            await _pause(stop, self._wire.faults.quiet_s)
            self._sound = True
            return
        call = _Call(self, reader, writer, self._wire.faults.after if fate else None)
        half_open = False
        try:
            await call.hold(stop)
        except _FellSilent:
            half_open = True
            self._leave_open(writer)
        finally:
            self._sound = call.was_ready
            await call.end(close=not half_open)

    def leaves(self, send: Send, held: bytes) -> Leaving:
        """Decide how a frame leaves, and write down what it carries before it does."""
        self._frames += 1
        leaving = self._wire.leave(send.content, self._frames, held)
        now = self._now_us()
        for report in send.reports:
            about = self.code, report.seq, report.ts, report.kind, now
            copy = self._copies[report.seq]
            self._truth.write(Jt808Sent(*about, send.message, send.serial, leaving.fault, copy))
            self._copies[report.seq] += 1
        self._truth.flush()
        return leaving

    def answered(self, answered: Answered) -> None:
        """Write down the platform's word."""
        seq, result = answered.report.seq, answered.result
        self._truth.write(Jt808Acked(self.code, seq, self._now_us(), result))
        if result != FAILED:
            del self._copies[seq]

    def now_us(self) -> int:
        """Return the time, µs since the Unix epoch."""
        return self._now_us()

    def _leave_open(self, writer: asyncio.StreamWriter) -> None:
        """Keep a connection of which nobody takes care any more, for a while."""
        ghost = asyncio.create_task(_close_late(writer, self._wire.faults.quiet_s))
        self._ghosts.add(ghost)
        ghost.add_done_callback(self._ghosts.discard)


class _FellSilent(Exception):  # noqa: N818 - a fate, not a fault of the code
    """The connection is half open from now on."""


class _Call:
    """One connection.

    Args:
        line: whose.
        reader: of the connection.
        writer: of the connection.
        silent_after: frames after which it falls silent; None: never.
    """

    def __init__(
        self,
        line: Line,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        silent_after: int | None,
    ) -> None:
        self.was_ready = False
        self._line, self._reader, self._writer = line, reader, writer
        self._left_to_say = silent_after
        self._segments: asyncio.Queue[Segment] = asyncio.Queue()
        self._held, self._held_ticks = b"", 0
        self._splitter = Splitter()
        self._reading = asyncio.create_task(self._read())
        self._writing = asyncio.create_task(self._write())

    async def hold(self, stop: asyncio.Event) -> None:
        """Speak and listen until the connection is lost, the network goes, or ``stop``."""
        terminal, now = self._line.terminal, self._line.now_us
        self._do(terminal.connected(now()))
        while not (stop.is_set() or self._reading.done() or self._writing.done()):
            self._do(terminal.tick(now()))
            self.was_ready |= terminal.state is State.READY
            if not terminal.reachable(now()):
                return
            self._release()
            await _pause(stop, _TICK_S)
        for task in (self._reading, self._writing):
            if task.done():
                task.result()  # what ended it, if it was more than the end of the stream
        if stop.is_set() and terminal.state is State.READY:
            await self._say_good_bye()

    async def end(self, *, close: bool) -> None:
        """Stop reading and writing, and close the connection unless it is to stay half open."""
        for task in (self._reading, self._writing):
            task.cancel()
        await asyncio.gather(self._reading, self._writing, return_exceptions=True)
        if close:
            self._writer.close()
            try:
                async with asyncio.timeout(_GOOD_BYE_S):
                    await self._writer.wait_closed()
            except OSError:  # a TimeoutError too: somebody does not read
                self._writer.transport.abort()

    async def _say_good_bye(self) -> None:
        """Give the platform a moment to answer what is out, then log out."""
        terminal = self._line.terminal
        self._hurry()
        await self._settled()
        self._do(terminal.leave(self._line.now_us()))
        self._hurry()
        await self._settled()
        if terminal.unanswered:
            _LOG.warning("left unanswered", terminal=self._line.code, messages=terminal.unanswered)

    async def _settled(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOOD_BYE_S):
                while self._line.terminal.unanswered and not self._reading.done():
                    await asyncio.wait({self._reading}, timeout=_TICK_S)

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._send(action)
                case Answered():
                    self._line.answered(action)
                case HangUp():
                    raise ConnectionAbortedError("the platform does not answer")

    def _send(self, send: Send) -> None:
        if self._left_to_say == 0:
            raise _FellSilent
        if self._left_to_say is not None:
            self._left_to_say -= 1
        leaving = self._line.leaves(send, self._held)
        self._held, self._held_ticks = leaving.held, 0
        for segment in leaving.segments:
            self._segments.put_nowait(segment)

    def _release(self) -> None:
        """Let go what has waited long enough for company."""
        self._held_ticks += 1
        if self._held and self._held_ticks > _TICKS_HELD:
            self._hurry()

    def _hurry(self) -> None:
        if self._held:
            self._segments.put_nowait(Segment(self._held))
            self._held = b""

    async def _write(self) -> None:
        while True:
            segment = await self._segments.get()
            self._writer.write(segment.data)
            await self._writer.drain()
            if segment.pause_s:
                await asyncio.sleep(segment.pause_s)

    async def _read(self) -> None:
        while data := await self._reader.read(_READ):
            for inside in self._splitter.feed(data):
                self._hear(inside)

    def _hear(self, inside: bytes) -> None:
        terminal = self._line.terminal
        try:
            content = frame.unwrap(inside)
        except FrameError as error:
            terminal.stats.wrong[f"no frame: {error}"] += 1
            return
        self._do(terminal.received(content, self._line.now_us()))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until ``stop``."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _close_late(writer: asyncio.StreamWriter, seconds: float) -> None:
    try:
        await asyncio.sleep(seconds)
    finally:
        writer.close()
