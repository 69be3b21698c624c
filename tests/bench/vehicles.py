"""Positions over MQTT: the load, our collector, and what came of it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.bench import positions
from tests.bench.positions import Account, Ages
from tests.bench.processes import BenchError, Process, role
from tests.bench.report import say
from tests.bench.services import Broker, Database, Workshop

CLIENT_ID: Final = "bench-collector"
PREFIX: Final = "load-"
TOPIC: Final = "jieyong/v1/+/position"
CATCH_UP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent.

    Attributes:
        rate: messages a second.
        warm_up_s: sent first and not measured.
        seconds: measured.
        terminals: senders.
    """

    rate: int
    warm_up_s: float
    seconds: float
    terminals: int


@dataclass(frozen=True, slots=True)
class Came:
    """What became of one run's messages.

    Attributes:
        sent: the load generator's own result.
        seen: the collector's counters at the end.
        cpu_us: CPU of the collector for one message, microseconds.
        since_s: when the measured time began, Unix seconds.
    """

    sent: Mapping[str, Any]
    seen: Mapping[str, Any]
    ages: Ages
    account: Account
    cpu_us: float
    since_s: float

    @property
    def ack_p99_ms(self) -> float:
        """Publish → our acknowledgement to the broker, 99th percentile."""
        return float(self.seen["ack_p99_ms"])


@dataclass(frozen=True, slots=True)
class Idle:
    """What the subscriber that does nothing reached.

    Attributes:
        p99_ms: publish → received.
        cpu_us: CPU of the subscriber for one message, microseconds.
    """

    p99_ms: float
    cpu_us: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Where runs take place, one after the other."""

    work_dir: Path
    database: Database
    broker: Broker

    @classmethod
    def set_up(cls, work: Workshop) -> Stage:
        """Start broker and database."""
        return cls(work.dir, work.database(commit_times=True), work.broker())

    def load(self, traffic: Traffic) -> Process:
        """Start the sender; it answers once, at its end."""
        argv = [
            *(sys.executable, "-m", "simulators", "mqtt-load"),
            *("--port", str(self.broker.port), "--terminals", str(traffic.terminals)),
            *("--rate", str(traffic.rate), "--prefix", PREFIX),
            *("--seconds", str(traffic.warm_up_s + traffic.seconds)),
        ]
        return Process("mqtt-load", argv, self.work_dir)

    def collector(self, traffic: Traffic) -> Process:
        """Start our collector; returns when it is subscribed."""
        given = {
            "url": self.database.url,
            "spool": str(self.work_dir / "mqtt.spool"),
            "port": self.broker.port,
            "client_id": CLIENT_ID,
            "prefix": PREFIX,
            "terminals": traffic.terminals,
        }
        return role("mqtt_collector", given, self.work_dir)

    def idle(self, traffic: Traffic, readings: int = 0) -> Idle:
        """Send the traffic to the limit: a subscriber that does nothing.

        Args:
            traffic: what to send; as many positions a second are written beside it.
            readings: rows a second to write besides.
        """
        self.empty()
        loading = {"url": self.database.url, "positions": traffic.rate, "readings": readings}
        listening = {"port": self.broker.port, "topic": TOPIC}
        with (
            role("database_load", loading, self.work_dir),
            role("idle_subscriber", listening, self.work_dir) as idler,
            self.load(traffic) as load,
        ):
            time.sleep(traffic.warm_up_s)
            marked = idler.ask("mark")
            load.answer(traffic.seconds)
            seen = idler.ask("look")
        gained = seen["messages"] - marked["messages"]
        cpu_us = (seen["cpu_s"] - marked["cpu_s"]) / gained * 1e6
        say(f"limit at {traffic.rate}/s: received p99 {seen['p99_ms']:.1f} ms, {cpu_us:.1f} µs")
        return Idle(seen["p99_ms"], cpu_us)

    def run(self, traffic: Traffic, meanwhile: Callable[[Process], None] | None = None) -> Came:
        """Send the traffic through our collector and account for every message.

        Args:
            traffic: what to send.
            meanwhile: called with the collector when the measured time begins.

        Raises:
            BenchError: messages did not arrive in the database in a generous time.
        """
        self.empty()
        with self.collector(traffic) as collector:
            with self.load(traffic) as load:
                time.sleep(traffic.warm_up_s)
                marked, since_s = collector.ask("mark"), time.time()
                if meanwhile is not None:
                    meanwhile(collector)
                sent = load.answer(traffic.seconds)
            seen = wait_until_stored(collector, sent["acked"])
        self._forget_session()
        until_s = since_s + traffic.seconds
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            aged = positions.ages(conn, since_s, until_s)
            account = positions.account(conn, sent, traffic.terminals)
        gained = seen["received"] - marked["received"]
        cpu_us = (seen["cpu_s"] - marked["cpu_s"]) / gained * 1e6
        return Came(sent, seen, aged, account, cpu_us, since_s)

    def empty(self) -> None:
        """Forget what was stored before."""
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            conn.execute("TRUNCATE position, reading, dirty_log, latest_position, latest_reading")
            conn.execute("CHECKPOINT")

    def _forget_session(self) -> None:
        """Let the broker drop the collector's session: it would queue the next run's messages."""
        gone = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, CLIENT_ID, clean_session=True)
        client.on_subscribe = lambda *_: gone.set()
        client.connect("127.0.0.1", self.broker.port)
        client.subscribe("nothing")  # answered after the connect has been
        client.loop_start()
        try:
            if not gone.wait(CATCH_UP_S):
                raise BenchError("the broker does not answer a plain client")
        finally:
            client.disconnect()
            client.loop_stop()


def wait_until_stored(collector: Process, messages: int) -> dict[str, Any]:
    """Return the collector's counters once so many messages came and none waits.

    Raises:
        BenchError: it does not get there.
    """
    until = time.monotonic() + CATCH_UP_S
    while True:
        seen = collector.ask("look")
        if seen["received"] >= messages and not seen["waiting"]:
            return seen
        if time.monotonic() > until:
            raise BenchError(
                f"{messages} messages were acknowledged to the sender, but after {CATCH_UP_S:.0f} s"
                f" the collector has received {seen['received']} and {seen['waiting']} rows wait"
            )
        time.sleep(0.1)
