"""Thousands of connected JT/T 808 terminals in one process, for benches.

All register and authenticate first. Then position ``n`` is number ``n // terminals`` of terminal
``n % terminals``; it carries the whole second in which it was due, so terminal and time name it.
What became of each position, in microseconds, is written to a journal at the end:

============  =====  ====================================================
``terminal``  int32  its number, from 0; its phone is ``FIRST_PHONE`` + it
``second``    int64  Unix seconds of its fix
``sent_us``   int64  when it was handed to the socket; 0: never
``acked_us``  int64  when 0x8001 with result 0 had come; 0: never
============  =====  ====================================================
"""

from __future__ import annotations

import asyncio
import math
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from simulators.jt808 import frame, header, location, messages
from simulators.jt808.frame import FrameError, Splitter
from simulators.jt808.header import Header, Version
from simulators.jt808.messages import Identity

FIRST_PHONE: Final = 139_000_000_000
_TICK_S: Final = 0.002
_CONNECTING: Final = 100
"""Connections being opened at once."""

_PATIENCE_S: Final = 120.0
_LINGER_S: Final = 15.0
_POLL_S: Final = 0.05
_SERIALS: Final = 0x1_0000
_STATUS: Final = location.ACC | location.FIXED | location.GPS | location.BEIDOU
_BODY: Final = struct.Struct(">IIIIHHH6sBBIBBHBBBBBB")

Now = Callable[[], int]
"""Wall clock, µs since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        rate: positions a second over all terminals; at most one a second each.
        seconds: for how long.
        terminals: connections, all open at once.
        version: edition they speak.
    """

    host: str
    port: int
    rate: float
    seconds: float
    terminals: int = 5000
    version: Version = Version.V2013

    def __post_init__(self) -> None:
        if self.rate > self.terminals:
            raise ValueError(
                f"{self.rate:g} positions a second from {self.terminals} terminals: the protocol "
                "counts whole seconds, ask for at most one a second and terminal"
            )


class Book:
    """What became of each position; one entry each."""

    def __init__(self, load: Load) -> None:
        self.total = round(load.rate * load.seconds)
        self.second = np.zeros(self.total, np.int64)
        self.sent_us = np.zeros(self.total, np.int64)
        self.acked_us = np.zeros(self.total, np.int64)
        self.acked = self.refused = 0
        self._terminals = load.terminals

    def save(self, path: Path) -> None:
        """Write the journal."""
        terminal = (np.arange(self.total) % self._terminals).astype(np.int32)
        with path.open("wb") as file:
            np.savez(
                file,
                terminal=terminal,
                second=self.second,
                sent_us=self.sent_us,
                acked_us=self.acked_us,
            )

    def latencies_ms(self) -> NDArray[np.float64]:
        """Return send → 0x8001 of everything answered, milliseconds."""
        known = self.acked_us > 0
        return (self.acked_us[known] - self.sent_us[known]) / 1000.0


class _Caller(asyncio.Protocol):
    """One terminal: logs in, then sends what it is told to."""

    def __init__(self, load: Load, number: int, book: Book, now: Now) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._book, self._now = book, now
        self._who = Identity(name_of(number), load.version, f"川A{number:05d}")
        self._phone = header.phone_of(self._who.phone, load.version)
        self._splitter = Splitter()
        self._serial = 0
        self._out: dict[int, int] = {}
        self._transport: asyncio.Transport

    @property
    def waits(self) -> bool:
        """Whether an answer can still come."""
        return bool(self._out) and not self.lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no asyncio.Transport by name.
        self._transport = cast("asyncio.Transport", transport)
        self._write(messages.REGISTER, messages.register(self._who))

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._fail(exc or ConnectionResetError("the platform closed the connection"))

    def data_received(self, data: bytes) -> None:
        for inside in self._splitter.feed(data):
            try:
                head, body = header.decode(frame.unwrap(inside))
                self._hear(head.message, body)
            except (FrameError, header.HeaderError, messages.MessageError) as error:
                self._fail(ConnectionError(f"{self._who.phone}: {error}"))

    def send(self, n: int, body: bytes) -> None:
        """Send position ``n``."""
        self._out[self._serial] = n
        self._book.sent_us[n] = self._now()
        self._write(messages.LOCATION, body)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _hear(self, message: int, body: bytes) -> None:
        if message == messages.GENERAL_ANSWER:
            answer = messages.read_answer(body)
            if answer.message == messages.LOCATION:
                self._settle(answer)
            elif answer.message == messages.AUTHENTICATE:
                self._logged_in(answer.result)
        elif message == messages.REGISTERED:
            told = messages.read_registered(body)
            if told.result != messages.OK:
                self._fail(ConnectionError(f"{self._who.phone} was refused: {told.result}"))
                return
            self._write(messages.AUTHENTICATE, messages.authenticate(self._who, told.code))

    def _settle(self, answer: messages.Answer) -> None:
        n = self._out.pop(answer.serial, None)
        if n is None:
            return
        if answer.result == messages.OK:
            self._book.acked_us[n] = self._now()
            self._book.acked += 1
        else:
            self._book.refused += 1

    def _logged_in(self, result: int) -> None:
        if result != messages.OK:
            self._fail(ConnectionError(f"{self._who.phone}: its code was refused: {result}"))
        elif not self.ready.done():
            self.ready.set_result(None)

    def _fail(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)

    def _write(self, message: int, body: bytes) -> None:
        head = Header(message, self._phone, self._serial, self._who.version)
        self._serial = (self._serial + 1) % _SERIALS
        self._transport.write(frame.wrap(header.encode(head, body)))


async def run(
    load: Load,
    connected: Callable[[int], None],
    journal: Path | None = None,
    now: Now = lambda: time.time_ns() // 1000,
) -> dict[str, Any]:
    """Connect all terminals, then send the load.

    Args:
        load: what to send.
        connected: told the number of terminals when all have logged in.
        journal: where to write what became of each position.
        now: the clock.

    Returns:
        ``sent``, ``acked``, ``refused``, ``unsent`` (the terminal was cut off), ``disconnected``,
        ``seconds``, ``rate`` reached, ``ack_p50_ms``, ``ack_p99_ms``, ``late_ms`` (how long after
        its turn the latest position left).

    Raises:
        OSError: a terminal could not log in.
    """
    book = Book(load)
    callers = await _connect(load, book, now)
    try:
        connected(len(callers))
        began = asyncio.get_running_loop().time()
        late_s = await _send(load, book, callers, now)
        seconds = asyncio.get_running_loop().time() - began
        await _linger(callers)
    finally:
        for caller in callers:
            caller.close()
    if journal is not None:
        book.save(journal)
    return _summary(book, callers, seconds, late_s)


def name_of(number: int) -> str:
    """Return the phone of a terminal by its number; it has twelve digits and no zero before it."""
    return str(FIRST_PHONE + number)


async def _connect(load: Load, book: Book, now: Now) -> list[_Caller]:
    gate = asyncio.Semaphore(_CONNECTING)
    loop = asyncio.get_running_loop()

    async def one(number: int) -> _Caller:
        async with gate:
            _, caller = await loop.create_connection(
                lambda: _Caller(load, number, book, now), load.host, load.port
            )
            await asyncio.wait_for(caller.ready, _PATIENCE_S)
        return caller

    return list(await asyncio.gather(*map(one, range(load.terminals))))


async def _send(load: Load, book: Book, callers: list[_Caller], now: Now) -> float:
    """Send everything in its turn; return how late the latest was, seconds."""
    loop = asyncio.get_running_loop()
    start, start_us = loop.time(), now()
    # A whole number, so that a terminal's seconds never meet.
    period_us = math.ceil(load.terminals * 1e6 / load.rate)
    done, late_s = 0, 0.0
    while done < book.total:
        due = min(book.total, int((loop.time() - start) * load.rate) + 1)
        for n in range(done, due):
            turn, terminal = divmod(n, load.terminals)
            when_us = start_us + turn * period_us + terminal * period_us // load.terminals
            second = book.second[n] = when_us // 1_000_000
            caller = callers[terminal]
            if not caller.lost:
                caller.send(n, _body(terminal, n, second))
                late_s = max(late_s, (int(book.sent_us[n]) - when_us) / 1e6)
        done = due
        await asyncio.sleep(_TICK_S)
    return late_s


async def _linger(callers: list[_Caller]) -> None:
    """Wait for the last answers, for as long as any can come."""
    for _ in range(round(_LINGER_S / _POLL_S)):
        if not any(caller.waits for caller in callers):
            return
        await asyncio.sleep(_POLL_S)


def _body(terminal: int, n: int, second: int) -> bytes:
    """A location as most terminals send it: mileage, recorder speed, signal, satellites."""
    speed = n % 900
    return _BODY.pack(
        *(0, _STATUS, 30_500_000 + terminal * 10 + n % 7, 104_000_000 + terminal * 10),
        *(496, speed, n % 360, _time(second)),
        *(location.MILEAGE, 4, 400_000 + n // 7),
        *(location.RECORDER_SPEED, 2, speed),
        *(location.SIGNAL, 1, 24),
        *(location.SATELLITES, 1, 11),
    )


def _time(second: int) -> bytes:
    cached = _TIMES.get(second)
    if cached is None:
        _TIMES.clear()
        cached = _TIMES[second] = location.bcd_time(second)
    return cached


_TIMES: Final[dict[int, bytes]] = {}
"""The last second's bytes: hundreds of positions share them."""


def _summary(book: Book, callers: list[_Caller], seconds: float, late_s: float) -> dict[str, Any]:
    took = book.latencies_ms() if book.acked else np.zeros(1)
    p50, p99 = np.percentile(took, (50, 99))
    sent = int(np.count_nonzero(book.sent_us))
    return {
        "sent": sent,
        "acked": book.acked,
        "refused": book.refused,
        "unsent": book.total - sent,
        "disconnected": sum(caller.lost for caller in callers),
        "seconds": round(seconds, 3),
        "rate": round(sent / seconds, 1),
        "ack_p50_ms": round(float(p50), 3),
        "ack_p99_ms": round(float(p99), 3),
        "late_ms": round(late_s * 1000.0, 1),
    }
