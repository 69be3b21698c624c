"""From the drain through a real broker: at least once, and never of the sensitive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from jieyong.collect import SourceName, collect
from jieyong.demo.stage import free_ports
from jieyong.fanout import Fanout
from jieyong.settings import Settings
from storage.records import Batch
from storage.writer import BulkWriter
from tests.brokers import running_mosquitto
from tests.integration.collector.jt808.client import PHONE, Terminal, an_hour_ago, location
from tests.integration.fleet.world import add_terminal, add_vehicle, bind
from tests.processes import until
from tests.unit.storage.samples import NOON_US, position, positions

PATIENCE_S = 60.0


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


class Listener:
    """Hears what is published."""

    def __init__(self, port: int) -> None:
        self._heard: queue.Queue[tuple[str, int]] = queue.Queue()
        self._ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, "listener")
        self._client.on_message = self._hear
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("jieyong/v1/fanout/#", qos=1)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def _hear(self, _client: object, _data: object, message: MQTTMessage) -> None:
        self._heard.put((message.topic, json.loads(message.payload)["seq"]))

    def hear(self, count: int) -> set[tuple[str, int]]:
        """Wait until so many different positions were heard."""
        found: set[tuple[str, int]] = set()
        while len(found) < count:
            found.add(self._heard.get(timeout=PATIENCE_S))
        return found

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def settings(state: Path, port: int, **more: object) -> Settings:
    return Settings.model_validate(
        {
            **more,
            "state_dir": state,
            "mqtt": {"port": port},
            "fanout": {"enabled": True, "within_s": 5},
            "spool": {"drain_ms": 1, "retry_max_s": 0.2, "stop_s": 5},
        }
    )


@contextmanager
def storing(fanout: Fanout, database: str) -> Iterator[BulkWriter]:
    with fanout, closing(BulkWriter(database)) as writer:
        yield writer


def some(terminal: int, *numbers: int) -> Batch:
    return positions(*(position(terminal, NOON_US + n, n) for n in numbers))


def test_positions_are_heard_once_the_broker_is_there_and_never_of_the_sensitive(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    usual, secret = add_terminal(conn, "t-1"), add_terminal(conn, "t-2")
    bind(conn, usual, add_vehicle(conn, "a"))
    bind(conn, secret, add_vehicle(conn, "b", sensitive=True))
    (tmp_path / "broker").mkdir()
    with running_mosquitto(tmp_path / "broker") as broker:
        port = broker.port
        before = Fanout(settings(tmp_path, 1), database, tmp_path, lambda: NOON_US)
        with storing(before, database) as writer:  # nobody listens at port 1
            before.fork(writer.write)([some(usual, 1, 2), some(secret, 3)])
        assert before.stats.published == 0
        with closing(Listener(port)) as listener:
            fanout = Fanout(settings(tmp_path, port), database, tmp_path, lambda: NOON_US)
            with storing(fanout, database) as writer:
                fanout.fork(writer.write)([some(usual, 4)])
                heard = listener.hear(3)
            assert heard == {("jieyong/v1/fanout/t-1/position", n) for n in (1, 2, 4)}
            assert (fanout.stats.published, fanout.stats.withheld) == (3, 1)
            names = {sample.name: sample.value for m in fanout.metrics() for sample in m.samples}
            assert names["jieyong_fanout_rows"] == 0
    assert conn.execute("SELECT count(*) FROM position").fetchone() == (4,)


async def test_the_gateway_publishes_what_it_has_acknowledged(
    conn: psycopg.Connection, database: str, tmp_path: Path
) -> None:
    code = f"{PHONE:012d}"
    bind(conn, add_terminal(conn, code), add_vehicle(conn, "a"))
    (port,) = free_ports(1)
    (tmp_path / "broker").mkdir()
    with (
        running_mosquitto(tmp_path / "broker") as broker,
        closing(Listener(broker.port)) as listener,
    ):
        wanted = settings(
            tmp_path,
            broker.port,
            database={"url": database},
            jt808={"port": port, "flush_ms": 1},
            http={"jt808_port": 0},
        )
        stop = asyncio.Event()
        task = asyncio.create_task(collect(wanted, SourceName.JT808, stop))
        await until(lambda: task.done() or listens(port), "the gateway listens")
        async with Terminal(port) as terminal:
            await terminal.log_in()
            assert await terminal.result(terminal.send(0x0200, location(1, an_hour_ago()))) == 0
            ((topic, _),) = await asyncio.to_thread(listener.hear, 1)
        stop.set()
        await task
    assert topic == f"jieyong/v1/fanout/{code}/position"


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
