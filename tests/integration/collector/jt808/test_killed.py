"""kill -9 of the collector while terminals send: what it acknowledged is in the database, once."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from tests.integration.collector.jt808.client import PHONE, Terminal, an_hour_ago, location
from tests.processes import PATIENCE_S, until

TERMINALS = 12
POSITIONS = 400
WINDOW = 10
KILLS = 3


class Sender:
    """Sends numbered positions, again those that were not acknowledged, until all are."""

    def __init__(self, port: int, number: int, base: datetime) -> None:
        self.acknowledged: set[int] = set()
        self.connects = 0
        self._port = port
        self._number = number
        self._base = base

    async def run(self) -> None:
        """Send everything, however often the other side goes away."""
        while len(self.acknowledged) < POSITIONS:
            try:
                async with Terminal(self._port, self._number) as terminal:
                    await terminal.log_in()
                    self.connects += 1
                    while len(self.acknowledged) < POSITIONS:
                        await self._window(terminal)
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.05)

    async def _window(self, terminal: Terminal) -> None:
        missing = [n for n in range(POSITIONS) if n not in self.acknowledged][:WINDOW]
        sent = {terminal.send(0x0200, location(n, self._base)): n for n in missing}
        for _ in sent:
            message_id, body = await terminal.receive()
            assert (message_id, body[4]) == (0x8001, 0)
            self.acknowledged.add(sent[int.from_bytes(body[:2], "big")])
        await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def collecting(
    state: Path, database: str, port: int, http: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {
        "DATABASE_URL": database,
        "JIEYONG_STATE_DIR": str(state),
        "JIEYONG_JT808__PORT": str(port),
        "JIEYONG_HTTP__JT808_PORT": str(http),
    }
    with (state / "log").open("ab") as log:
        command = (sys.executable, "-m", "jieyong", "collect", "jt808")
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE_S)


@pytest.mark.asyncio(loop_factories=["asyncio"])  # the terminals; the collector has its own
async def test_kills_while_terminals_send_lose_nothing_and_double_nothing(
    tmp_path: Path, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as conn:
        for n in range(TERMINALS):
            conn.execute("INSERT INTO terminal (code) VALUES (%s)", [str(PHONE + n)])
    port, base, chance = free_port(), an_hour_ago(), random.Random(808)
    senders = [Sender(port, PHONE + n, base) for n in range(TERMINALS)]
    sending = asyncio.gather(*(sender.run() for sender in senders))
    for kill in range(KILLS):
        with collecting(tmp_path, database, port):
            await share_acknowledged(senders, (kill + 1) / (KILLS + 2))
            await asyncio.sleep(chance.uniform(0, 0.1))
    assert not sending.done(), "the kills came while they were sending"
    http = free_port()
    with collecting(tmp_path, database, port, http) as last:
        await sending
        assert b"listens at 127.0.0.1" in await asked(http, "/health")
        assert b"jieyong_jt808_listening 1.0" in await asked(http, "/metrics")
        last.terminate()
        assert await asyncio.to_thread(last.wait, PATIENCE_S) == 0, (tmp_path / "log").read_text()
    assert all(sender.connects > 1 for sender in senders)
    with psycopg.connect(database) as conn:
        stored = conn.execute(
            "SELECT t.code, round(p.odometer_km * 10)::int, count(*)"
            " FROM position p JOIN terminal t ON t.id = p.terminal_id GROUP BY 1, 2"
        ).fetchall()
        quarantined = conn.execute("SELECT count(*) FROM quarantine").fetchone()
    everything = {(str(PHONE + n), m) for n in range(TERMINALS) for m in range(POSITIONS)}
    assert {(code, number) for code, number, _ in stored} == everything, "0 lost"
    assert all(count == 1 for _, _, count in stored), "0 doubled"
    assert quarantined == (0,)


async def asked(port: int, path: str) -> bytes:
    """Ask a collector over HTTP; its answer must be 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] == b"200", answer
    return answer


async def share_acknowledged(senders: list[Sender], share: float) -> None:
    """Wait until so much of everything is acknowledged."""
    enough = POSITIONS * TERMINALS * share
    await until(
        lambda: sum(len(sender.acknowledged) for sender in senders) >= enough,
        f"{enough:g} positions are acknowledged",
    )
