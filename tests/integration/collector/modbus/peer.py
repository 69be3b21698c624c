"""A scripted Modbus/TCP peer with a codec of its own, and what a test needs around it.

By default every register holds its own address, so that a value can be checked against the address
of its point: an answer taken for another request shows at once.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import cast

from collector.intake import Refused
from collector.modbus.source import ModbusSource
from collector.profile_model import Point, Profile, Table, Type
from collector.settings import ModbusSettings
from registry.snapshot import BusEntry, DeviceEntry
from storage.records import PG_EPOCH_US, READING_BYTES, Batch, Kind, split


class HangUp(Exception):  # noqa: N818
    """Raised by a script: close the connection now."""


@dataclass(frozen=True)
class Ask:
    """A request as it came. ``number`` counts all requests, ``on_connection`` those of this one."""

    raw: bytes
    tid: int
    unit: int
    function: int
    first: int
    count: int
    number: int
    on_connection: int
    connection: int

    @property
    def end(self) -> int:
        return self.first + self.count

    def touches(self, address: int) -> bool:
        return self.first <= address < self.end

    def reply(self, **wrong: int) -> bytes:
        """The right answer, or one with something wrong in it."""
        if self.function in {1, 2}:
            data = bytearray(-(-self.count // 8))
            for offset in range(self.count):
                data[offset // 8] |= ((self.first + offset) % 2) << offset % 8
            return self.frame(bytes([self.function, len(data)]) + bytes(data), **wrong)
        words = [(self.first + offset) & 0xFFFF for offset in range(self.count)]
        return self.words(words, **wrong)

    def words(self, words: Sequence[int], **wrong: int) -> bytes:
        data = struct.pack(f">{len(words)}H", *words)
        return self.frame(bytes([self.function, len(data)]) + data, **wrong)

    def refuse(self, code: int) -> bytes:
        return self.frame(bytes([self.function | 0x80, code]))

    def frame(self, pdu: bytes, *, tid: int | None = None, unit: int | None = None) -> bytes:
        head = self.tid if tid is None else tid & 0xFFFF
        return (
            struct.pack(">HHHB", head, 0, len(pdu) + 1, self.unit if unit is None else unit) + pdu
        )


Script = Callable[[Ask], Awaitable[bytes | None]]


async def good(ask: Ask) -> bytes:
    return ask.reply()


@dataclass
class Peer:
    """A server that answers as its script says; change ``script`` while it runs."""

    script: Script = good
    asks: list[Ask] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    overlapped: int = 0
    port: int = 0
    on_connect: Callable[[], Awaitable[bool]] | None = None
    _busy: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the door and every connection, as a device losing power does."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await until(lambda: not self._writers)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self._writers.add(writer)
        connection, answered = self.connections, 0
        try:
            if self.on_connect is not None and not await self.on_connect():
                return
            while True:
                raw = await reader.readexactly(12)
                tid, protocol, length, unit, function, first, count = struct.unpack(">HHHBBHH", raw)
                assert (protocol, length) == (0, 6)
                ask = Ask(
                    raw, tid, unit, function, first, count, len(self.asks), answered, connection
                )
                answered += 1
                self.asks.append(ask)
                await self._answer(ask, writer)
        except (asyncio.IncompleteReadError, ConnectionError, HangUp):
            pass
        finally:
            self.open_now -= 1
            self._writers.discard(writer)
            writer.transport.abort()

    async def _answer(self, ask: Ask, writer: asyncio.StreamWriter) -> None:
        self.overlapped += self._busy > 0
        self._busy += 1
        try:
            reply = await self.script(ask)
        finally:
            self._busy -= 1
        if reply is not None:
            writer.write(reply)
            await writer.drain()


@asynccontextmanager
async def serving(script: Script = good) -> AsyncIterator[Peer]:
    peer = Peer(script)
    await peer.start()
    try:
        yield peer
    finally:
        await peer.stop()


async def until(condition: Callable[[], bool], bound_s: float = 20) -> None:
    """Wait for a condition; a bound that is passed is a failure of the test."""
    async with asyncio.timeout(bound_s):
        while not condition():  # noqa: ASYNC110 - of conditions that set no event
            await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Row:
    point: int
    ts: int
    value: float | None
    flags: int
    observed: int
    received: int


@dataclass
class Sink:
    """Stands at the spool's door: keeps what is accepted; ``refuse`` makes it turn rows away."""

    rows: list[Row] = field(default_factory=list)
    refuse: str = ""
    refused: int = 0
    pause_s: float = 0

    async def __call__(self, batches: Sequence[Batch]) -> None:
        await asyncio.sleep(self.pause_s)
        count = sum(batch.rows for batch in batches)
        if self.refuse:
            self.refused += count
            raise Refused(self.refuse, count, "a test")
        for batch in batches:
            assert batch.kind is Kind.READING
            rows = [_row(packed) for packed in split(batch.body)]
            assert len(rows) == batch.rows
            self.rows.extend(rows)

    def of(self, *points: int) -> list[Row]:
        return [row for row in self.rows if row.point in points]

    def slots(self, *points: int) -> list[int]:
        return [row.ts for row in self.of(*points)]


def _row(packed: bytes) -> Row:
    null = len(packed) < READING_BYTES
    if null:
        _, _, point, _, ts, _, _, flags, _, _, _, observed, _, received = struct.unpack(
            ">hiiiqiihiiiqiq", packed
        )
        value = None
    else:
        _, _, point, _, ts, _, value, _, flags, _, _, _, observed, _, received = struct.unpack(
            ">hiiiqidihiiiqiq", packed
        )
    epoch = PG_EPOCH_US
    return Row(point, ts + epoch, value, flags, observed + epoch, received + epoch)


def register(name: str, address: int, **more: object) -> Point:
    """A u16 holding register that holds its own address."""
    given: dict[str, object] = {
        "name": name,
        "label": name,
        "unit": "1",
        "class_": "gauge",
        "table": Table.HOLDING,
        "address": address,
        "type": Type.U16,
        "scale": Decimal(1),
    }
    return Point.model_validate(given | more)


def profile_of(*points: Point, **more: object) -> Profile:
    given: dict[str, object] = {
        "code": "test",
        "version": 1,
        "brand": "b",
        "model": "m",
        "measures": "electricity",
        "source": "a test",
        "points": points,
    }
    return Profile.model_validate(given | more)


def device(
    number: int, profile: Profile, *, interval_s: float = 0.2, timeout_ms: int = 300
) -> DeviceEntry:
    """Device ``number`` has that unit id; its points are number * 1000 + address."""
    points = {p.name: number * 1000 + p.address for p in profile.points}
    # The inventory counts whole seconds; the schedule takes fractions, so that tests need not wait.
    interval = cast("int", interval_s)
    return DeviceEntry(number, f"d{number}", number, interval, timeout_ms, profile.code, 7, points)


def bus(port: int, *devices: DeviceEntry, code: str = "bus", gap_ms: int = 0) -> BusEntry:
    return BusEntry(code, "modbus-tcp", "127.0.0.1", port, gap_ms, devices)


FAST = ModbusSettings(
    flush_ms=10, connect_backoff_s=0.05, connect_backoff_max_s=0.2, backoff_s=0.2, busy_retry_ms=5
)


@asynccontextmanager
async def polling(
    buses: Sequence[BusEntry],
    profile: Profile | Mapping[str, Profile],
    sink: Sink,
    *,
    settings: ModbusSettings = FAST,
    state: Path | None = None,
) -> AsyncIterator[ModbusSource]:
    """Run a source; at the end stop it gracefully."""
    profiles = {profile.code: profile} if isinstance(profile, Profile) else profile
    source = ModbusSource(buses, profiles, sink, settings, state=state)
    stop = asyncio.Event()
    running = asyncio.create_task(source.run(stop))
    try:
        yield source
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await running


def assert_values_belong(rows: Sequence[Row]) -> None:
    """Every register held its own address: a value of another request would show."""
    assert rows
    for row in rows:
        assert row.value == row.point % 1000, row
