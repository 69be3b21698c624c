"""A terminal of a few lines on a raw socket, with codecs of its own, and what runs the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.intake import Accept, Refused
from collector.jt808.source import Jt808Source
from collector.settings import Jt808Settings
from storage.records import Batch, Kind, split
from tests.processes import PATIENCE_S, until
from tests.unit.collector.jt808.golden import framed, positions, unescaped

PHONE = 13800138000


def phone(number: int) -> bytes:
    """A terminal's number on the wire."""
    return bytes.fromhex(f"{number:012d}")


def location(number: int, base: datetime) -> bytes:
    """A position whose mileage is its number, one second after its predecessor."""
    local = base + timedelta(hours=8, seconds=number)
    return (
        bytes.fromhex("00000000 00000003 01d3c6c1 0633e62f 01f2 01a9 00b5")
        + bytes.fromhex(local.strftime("%y%m%d%H%M%S"))
        + b"\x01\x04"
        + number.to_bytes(4, "big")
    )


def an_hour_ago() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


class Terminal:
    """One connection; use with ``async with``."""

    def __init__(self, port: int, number: int = PHONE) -> None:
        self._port = port
        self._phone = phone(number)
        self._serial = -1
        self._pending = b""

    async def __aenter__(self) -> Terminal:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    def message(self, message_id: int, body: bytes = b"") -> bytes:
        """Make a frame of 2013; it takes the next serial."""
        self._serial = (self._serial + 1) & 0xFFFF
        head = message_id.to_bytes(2, "big") + len(body).to_bytes(2, "big")
        return framed(head + self._phone + self._serial.to_bytes(2, "big") + body)

    def packets(self, message_id: int, body: bytes, size: int) -> list[tuple[int, bytes]]:
        """Cut a message into packets of so many bytes; return the serial and frame of each."""
        parts = [body[at : at + size] for at in range(0, len(body), size)]
        found = []
        for index, part in enumerate(parts, 1):
            self._serial = (self._serial + 1) & 0xFFFF
            words = (self._serial, len(parts), index)
            head = message_id.to_bytes(2, "big") + (0x2000 | len(part)).to_bytes(2, "big")
            tail = b"".join(word.to_bytes(2, "big") for word in words)
            found.append((self._serial, framed(head + self._phone + tail + part)))
        return found

    def send(self, message_id: int, body: bytes = b"") -> int:
        """Send a message; return its serial."""
        self.writer.write(self.message(message_id, body))
        return self._serial

    async def receive(self) -> tuple[int, bytes]:
        """Return message id and body of the next reply.

        Raises:
            asyncio.IncompleteReadError: the connection ended.
        """
        async with asyncio.timeout(PATIENCE_S):
            await self.reader.readuntil(b"\x7e")
            raw = await self.reader.readuntil(b"\x7e")
        whole = unescaped(raw[:-1])
        assert whole is not None
        return int.from_bytes(whole[:2], "big"), whole[12:-1]

    async def result(self, serial: int) -> int:
        """Return the result of the next reply, which must be a 0x8001 to this serial."""
        message_id, body = await self.receive()
        assert message_id == 0x8001
        assert int.from_bytes(body[:2], "big") == serial
        return body[4]

    async def log_in(self) -> None:
        """Register and authenticate."""
        self.send(0x0100, bytes(4) + b"70111" + b"A6".ljust(20, b"\0") + b"0000001" + b"\1B12345")
        message_id, body = await self.receive()
        assert (message_id, body[2]) == (0x8100, 0)
        assert await self.result(self.send(0x0102, body[3:])) == 0

    async def ended(self) -> bool:
        """Wait for the other side to end the connection."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


class Sink:
    """What was accepted; refuses or stands still when told to."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.quarantined = 0
        self.refusing = False
        self.going = asyncio.Event()
        self.going.set()

    async def accept(self, batches: Sequence[Batch]) -> None:
        await self.going.wait()
        if self.refusing:
            raise Refused("bound", sum(b.rows for b in batches), "a test says so")
        for batch in batches:
            if batch.kind is Kind.POSITION:
                rows = [positions(row) for row in split(batch.body)]
                self.numbers += [round(row["odometer_km"] * 10) for row in rows]
            else:
                self.quarantined += batch.rows


@asynccontextmanager
async def running(
    state: Path, accept: Accept, *, terminals: int = 1, **changes: object
) -> AsyncIterator[Jt808Source]:
    """Run a gateway that knows so many terminals, from PHONE on."""
    settings = Jt808Settings.model_validate({"port": 0, "flush_ms": 1} | changes)
    known = {str(PHONE + number): 1 + number for number in range(terminals)}
    source = Jt808Source(settings, known, accept, state_dir=state)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    try:
        await until(lambda: source.stats.listening or task.done(), "the gateway listens")
        yield source
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)
