"""The load of many connected terminals, against the bench's own bare server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from simulators import jt808_load
from simulators.jt808.header import Version
from simulators.jt808_load import Load
from tests.bench.journal import read_journal
from tests.bench.roles.bare_gateway import Bare, Counts
from tests.integration.simulators.gateways import listening


@asynccontextmanager
async def bare() -> AsyncIterator[tuple[int, Counts]]:
    counts = Counts()
    server = await asyncio.get_running_loop().create_server(lambda: Bare(counts), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], counts
    finally:
        server.close()


async def test_every_position_is_sent_answered_and_in_the_journal(tmp_path: Path) -> None:
    connected: list[int] = []
    async with bare() as (port, counts):
        load = Load("127.0.0.1", port, 100.0, 2.0, terminals=100)
        said = await jt808_load.run(load, connected.append, tmp_path / "j.npz")
        assert counts.received == 200
    assert connected == [100]
    assert (said["sent"], said["acked"], said["refused"], said["unsent"]) == (200, 200, 0, 0)
    assert said["ack_p99_ms"] >= said["ack_p50_ms"] > 0
    journal = read_journal(tmp_path / "j.npz")
    assert journal.answered == 200
    assert len(set(zip(journal.terminal.tolist(), journal.second.tolist(), strict=True))) == 200
    assert (journal.acked_us >= journal.sent_us).all()


@pytest.mark.parametrize("version", Version)
async def test_what_it_sends_is_what_the_terminal_would(version: Version) -> None:
    async with listening() as gateway:
        load = Load("127.0.0.1", gateway.port, 20.0, 1.0, terminals=20, version=version)
        said = await jt808_load.run(load, lambda _: None)
    assert said["acked"] == len(gateway.bodies) == 20
    assert gateway.broken == 0


async def test_a_terminal_that_is_cut_off_is_counted() -> None:
    async with listening() as gateway:
        load = Load("127.0.0.1", gateway.port, 20.0, 1.0, terminals=20)
        said = await jt808_load.run(load, lambda _: gateway.writers[0].transport.abort())
    assert said["disconnected"] == 1
    assert said["acked"] + said["unsent"] <= 20
    assert said["acked"] == 19


async def test_who_is_refused_ends_the_load() -> None:
    async with listening() as gateway:
        gateway.refusing = True
        with pytest.raises(ConnectionError):
            await jt808_load.run(Load("127.0.0.1", gateway.port, 2.0, 1.0, 2), lambda _: None)


def test_more_than_whole_seconds_can_tell_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="whole seconds"):
        Load("127.0.0.1", 1, 21.0, 1.0, terminals=20)
