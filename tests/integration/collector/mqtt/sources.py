"""Runs sources in tests, and collects what they accept."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from collector.intake import Accept, Refused
from collector.mqtt.source import MqttSource
from collector.settings import MqttSettings
from storage.records import Batch, Kind, split
from tests.brokers import Mosquitto
from tests.integration.collector.mqtt.publisher import TERMINALS
from tests.processes import until


class Sink:
    """What was accepted; refuses or stands still when told to."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
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
                self.seqs += [seq_of(row) for row in split(batch.body)]
            else:
                self.quarantined += batch.rows


def seq_of(row: bytes) -> int:
    """The 13th field of a packed position."""
    at = 2
    for _ in range(12):
        (size,) = struct.unpack_from(">i", row, at)
        at += 4 + max(size, 0)
    (size, seq) = struct.unpack_from(">iq", row, at)
    assert size == 8
    return int(seq)


def settings(broker: Mosquitto, **changes: object) -> MqttSettings:
    return MqttSettings.model_validate(
        {"port": broker.port, "reconnect_max_s": 0.3, "keepalive_s": 5} | changes
    )


@asynccontextmanager
async def running(settings: MqttSettings, accept: Accept) -> AsyncIterator[MqttSource]:
    source = MqttSource(settings, TERMINALS, accept)
    stop = asyncio.Event()
    task = asyncio.create_task(source.run(stop))
    try:
        await until(lambda: source.stats.connected or task.done(), "the source is subscribed")
        yield source
    finally:
        stop.set()
        await asyncio.wait_for(task, 60)


async def crash(settings: MqttSettings, accept: Accept, received: int) -> None:
    """Run a source until it has taken messages, then end it without a farewell."""
    source = MqttSource(settings, TERMINALS, accept)
    task = asyncio.create_task(source.run(asyncio.Event()))
    await until(lambda: source.stats.received >= received, f"{received} messages came")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
