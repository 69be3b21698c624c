"""Thousands of positions a second from one process, for benches.

Each message is joined from parts rendered beforehand, every tick's messages leave in one write,
and a payload carries the real time of its sending in microseconds. Message ``n`` is number
``first_seq + n // terminals`` of terminal ``n % terminals``.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

import numpy as np

from simulators.mqtt import codec
from simulators.mqtt.payload import TOPIC

_TICK_S: Final = 0.002
_IDS: Final = 0xFFFF
_PUBACK: Final = 0x40
_FIRST: Final = asyncio.FIRST_COMPLETED
_FREE: Final = -1.0
_REFUSED: Final = 0x80

Now = Callable[[], float]
"""Wall clock, seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        rate: messages a second; what the window holds back is sent as soon as it opens.
        seconds: for how long.
        terminals: over how many terminals the messages go, in turn.
        window: most messages sent and not yet acknowledged, at most 65,535.
        prefix: terminals are ``prefix`` and five digits, from 0.
        first_seq: number of every terminal's first message.
        linger_s: how long to wait for the last acknowledgements.
    """

    host: str
    port: int
    rate: float
    seconds: float
    terminals: int = 4000
    window: int = 60_000
    prefix: str = "load-"
    first_seq: int = 1
    linger_s: float = 15.0
    version: int = codec.V311
    username: str | None = None
    password: str | None = None


class Journal:
    """Which packet ids are out, since when, and how long the broker took for the others.

    Message ``n`` has packet id ``n % 65535 + 1``.
    """

    def __init__(self) -> None:
        self.acked = 0
        self.latencies = array("d")
        self._number = [0] * (_IDS + 1)
        self._left = [_FREE] * (_IDS + 1)

    def open(self, number: int, now: float) -> int:
        """Take the packet id of a message; 0 while an older message still holds it."""
        packet_id = number % _IDS + 1
        if self._left[packet_id] != _FREE:
            return 0
        self._number[packet_id] = number
        self._left[packet_id] = now
        return packet_id

    def close(self, packet_id: int, now: float) -> None:
        """Note an acknowledgement; a second one for the same message changes nothing."""
        left = self._left[packet_id]
        if left != _FREE:
            self._left[packet_id] = _FREE
            self.latencies.append(now - left)
            self.acked += 1

    def still_open(self) -> list[int]:
        """Return the numbers of the messages that wait for their acknowledgement."""
        return sorted(n for n, left in zip(self._number, self._left, strict=True) if left != _FREE)


class Renderer:
    """Joins packets from parts that do not change."""

    def __init__(self, load: Load) -> None:
        self._load = load
        codes = [name_of(load, n) for n in range(load.terminals)]
        self._topics = [_text(TOPIC.format(code)) for code in codes]
        self._tails = [_tail(n) for n in range(load.terminals)]
        self._properties = b"\0" if load.version == codec.V5 else b""
        self._second = -1
        self._date = b""

    def packet(self, number: int, packet_id: int, now: float) -> bytes:
        """Return the PUBLISH packet of message ``number``, sent ``now``."""
        load = self._load
        second = int(now)
        if second != self._second:
            self._second = second
            moment = datetime.fromtimestamp(second, UTC)
            self._date = f'{{"ts":"{moment:%Y-%m-%dT%H:%M:%S}.'.encode()
        seq, terminal = divmod(number, load.terminals)
        rest = b"%b%c%c%b%b%06d%b%d}" % (
            self._topics[terminal],
            packet_id >> 8,
            packet_id & 0xFF,
            self._properties,
            self._date,
            int((now - second) * 1e6),
            self._tails[terminal],
            load.first_seq + seq,
        )
        return b"\x32" + codec.remaining_length(len(rest)) + rest


class _Sender(asyncio.Protocol):
    """One client that sends a load and times each PUBLISH until its PUBACK."""

    def __init__(self, load: Load, now: Now) -> None:
        loop = asyncio.get_running_loop()
        self.connected: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        self._settled: asyncio.Future[None] = loop.create_future()
        self._finished = False
        self.journal = Journal()
        self.sent = 0
        self.held_back = 0
        self._load, self._now = load, now
        self._window = load.window
        self._render = Renderer(load)
        self._buffer = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast: uvloop's transports are no asyncio.Transport by name.
        self._transport = wire = cast("asyncio.Transport", transport)
        load = self._load
        name = f"{load.prefix}sender"
        client = codec.Client(name, load.version, 0, load.username, load.password)
        wire.write(codec.connect(client))

    def connection_lost(self, exc: Exception | None) -> None:
        error = exc or ConnectionResetError("the broker closed the connection")
        for waiting in (self.connected, self.lost):
            if not waiting.done():
                waiting.set_exception(error)

    def data_received(self, data: bytes) -> None:
        now = self._now()
        buffer = self._buffer
        buffer += data
        at, end = 0, len(buffer)
        # PUBACKs without a reason come by the thousand and all look alike.
        while end - at >= 4 and buffer[at] == _PUBACK and buffer[at + 1] == 2:
            self.journal.close(buffer[at + 2] << 8 | buffer[at + 3], now)
            at += 4
        del buffer[:at]
        while (packet := codec.take(buffer)) is not None:
            self._handle(packet, now)
        self._settle()

    async def send(self) -> None:
        """Send the whole load, then wait for the last acknowledgements.

        Raises:
            OSError: the connection was lost.
        """
        load = self._load
        total = round(load.rate * load.seconds)
        loop = asyncio.get_running_loop()
        start = loop.time()
        while self.sent < total and not self.lost.done():
            self._burst(min(total, int((loop.time() - start) * load.rate)))
            await asyncio.sleep(_TICK_S)
        self._finished = True
        self._settle()
        await asyncio.wait({self.lost, self._settled}, timeout=load.linger_s, return_when=_FIRST)
        if self.lost.done():
            self.lost.result()
        self._transport.write(codec.DISCONNECT)

    def _settle(self) -> None:
        done = self._finished and self.journal.acked == self.sent
        if done and not self._settled.done():
            self._settled.set_result(None)

    def _burst(self, due: int) -> None:
        last = min(due, self.journal.acked + self._window)
        packets = []
        for number in range(self.sent, last):
            now = self._now()
            packet_id = self.journal.open(number, now)
            if not packet_id:
                break
            packets.append(self._render.packet(number, packet_id, now))
        self.sent += len(packets)
        self.held_back += self.sent < due
        if packets:
            self._transport.write(b"".join(packets))

    def _handle(self, packet: codec.Packet, now: float) -> None:
        if packet.type == codec.PUBACK:
            packet_id, reason = codec.parse_puback(packet.body)
            if reason < _REFUSED:
                self.journal.close(packet_id, now)
        elif packet.type == codec.CONNACK:
            self._greet(codec.parse_connack(packet.body, self._load.version))

    def _greet(self, hello: codec.Hello) -> None:
        if hello.reason:
            told = f"the broker refused the connection: reason {hello.reason}"
            self.connected.set_exception(codec.ProtocolError(told))
            return
        self._window = min(self._load.window, hello.receive_maximum)
        self.connected.set_result(None)


async def run(load: Load, now: Now = time.time) -> dict[str, Any]:
    """Send a load.

    Returns:
        ``sent``, ``acked``, ``seconds``, ``rate`` reached, ``puback_p50_ms``, ``puback_p99_ms``,
        ``held_back`` (ticks at which the window was full) and ``unacknowledged``: terminal and
        seq of each message the broker did not acknowledge.

    Raises:
        OSError: the broker cannot be reached, or the connection was lost.
        ProtocolError: the broker refused.
    """
    loop = asyncio.get_running_loop()
    transport, sender = await loop.create_connection(
        lambda: _Sender(load, now), load.host, load.port
    )
    try:
        await asyncio.wait_for(sender.connected, load.linger_s)
        start = loop.time()
        await sender.send()
        seconds = loop.time() - start
    finally:
        transport.close()
        sender.lost.cancel()
    return _summary(load, sender, seconds)


def name_of(load: Load, terminal: int) -> str:
    """Return the code of a terminal by its number."""
    return f"{load.prefix}{terminal:05d}"


def _summary(load: Load, sender: _Sender, seconds: float) -> dict[str, Any]:
    took = np.frombuffer(sender.journal.latencies) if sender.journal.acked else np.zeros(1)
    p50, p99 = np.percentile(took, (50, 99)) * 1000.0
    waiting = [divmod(number, load.terminals) for number in sender.journal.still_open()]
    return {
        "sent": sender.sent,
        "acked": sender.journal.acked,
        "seconds": round(seconds, 3),
        "rate": round(sender.sent / seconds, 1),
        "puback_p50_ms": round(float(p50), 3),
        "puback_p99_ms": round(float(p99), 3),
        "held_back": sender.held_back,
        "unacknowledged": [(name_of(load, t), load.first_seq + s) for s, t in waiting],
    }


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


def _tail(terminal: int) -> bytes:
    """Everything of a payload between its time and its number."""
    lat, lon = 30.5 + terminal % 977 * 1e-4, 104.0 + terminal % 983 * 1e-4
    return (
        f'Z","lat":{lat:.6f},"lon":{lon:.6f},"speed":{terminal % 90}.4,"course":{terminal % 360},'
        f'"altitude":496.5,"odometer":{40_000 + terminal}.37,"satellites":11,"acc":true,'
        f'"fix":true,"seq":'
    ).encode()
