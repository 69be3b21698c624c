"""A client of raw bytes, and gateways to talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from simulators.modbus.faults import Fault, Traits
from simulators.modbus.server import Gateway, Port
from simulators.modbus.unit import Device, Unit
from simulators.truth import ModbusReply, TruthLog, read_truth
from tests.unit.simulators.meters import FixedModel, point, profile

MADE = profile(point("a", 0), point("b", 1))
READ = "0000 0006 05 03 0000 0002"
REPLY = "0000 0007 05 03 04 0007 0008"


def request(transaction: int, rest: str = READ) -> bytes:
    """Return a request for both points of unit 5."""
    return transaction.to_bytes(2, "big") + bytes.fromhex(rest)


def reply(transaction: int, rest: str = REPLY) -> bytes:
    """Return the reply to it."""
    return transaction.to_bytes(2, "big") + bytes.fromhex(rest)


def device(code: str = "m", faults: tuple[Fault, ...] = (), traits: Traits | None = None) -> Unit:
    """Return a device that holds 7 and 8."""
    model = FixedModel({"a": 7.0, "b": 8.0})
    return Unit(Device(code, MADE, model, traits or Traits()), faults)


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self, count: int) -> bytes:
        """Wait for exactly so many bytes."""
        async with asyncio.timeout(30):
            return await self._reader.readexactly(count)

    async def ended(self) -> bytes:
        """Wait until the other side closes; return what came before."""
        async with asyncio.timeout(30):
            return await self._reader.read()

    async def ask(self, transaction: int, rest: str = READ) -> bytes:
        """Send a request and return the 13 bytes of a good reply."""
        await self.send(request(transaction, rest))
        return await self.receive(13)

    def close(self) -> None:
        """Close."""
        self._writer.close()


class Bench:
    """A running gateway with its truth file."""

    def __init__(self, gateway: Gateway, truth: Path) -> None:
        self.gateway, self.truth_path = gateway, truth
        self.wires: list[Wire] = []

    async def connect(self) -> Wire:
        """Open a connection."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.gateway.port))
        self.wires.append(wire)
        return wire

    def truth(self) -> list[ModbusReply]:
        """Return what the gateway says it did."""
        return [r for r in read_truth(self.truth_path) if isinstance(r, ModbusReply)]

    def outcomes(self) -> list[str]:
        """Return the outcomes alone."""
        return [r.outcome for r in self.truth()]


@asynccontextmanager
async def serving(
    directory: Path, units: Mapping[int, Unit], port: Port | None = None
) -> AsyncIterator[Bench]:
    """Run a gateway with these units."""
    log = TruthLog(directory / "truth.jsonl")
    spec = replace(port or Port("gw", {}), units=units)
    bench = Bench(Gateway(spec, lambda: 1_000_000, log), directory / "truth.jsonl")
    await bench.gateway.start()
    try:
        yield bench
    finally:
        for wire in bench.wires:
            wire.close()
        await bench.gateway.stop()
        log.close()
