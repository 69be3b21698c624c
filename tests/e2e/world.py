"""A small world in real processes: simulators, broker, database, collectors, and their account."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psycopg

from collector.profile import catalogue
from collector.spool_model import Fate
from jieyong.collect import METRICS_FILE, PROFILES, SourceName, home
from jieyong.demo import account, figures
from jieyong.demo.account import Truth
from jieyong.demo.figures import Figures
from jieyong.demo.verify import Verdict
from registry.importing import apply
from registry.reading import read_inventory
from simulators import scenario
from simulators.county import Size, county
from simulators.inventory import inventory_yaml
from simulators.run import Files
from simulators.scenario import Scenario, with_ports
from storage.prepare import prepare
from storage.records import Kind
from storage.settings import DatabaseSettings
from tests.brokers import Mosquitto
from tests.engines import StoppableServer

SIZE = Size(institutions=3, meters=24, ac=4, lights=4, vehicles=60)
"""At one poll and one message a second each: some 500 rows a second."""

SOURCES = (SourceName.MODBUS, SourceName.MQTT)
PATIENCE_S = 60.0


@dataclass
class World:
    """Everything that runs; each part may be ended and started again.

    Attributes:
        since: nothing was served or sent before.
        killed_at: Unix seconds at which a collector was killed.
    """

    directory: Path
    database: StoppableServer
    broker: Mosquitto
    settings: Mapping[str, str] = field(default_factory=dict)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    killed_at: list[float] = field(default_factory=list)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """State directory of the collectors."""
        return self.directory / "state"

    def begin(self) -> None:
        """Start the equipment and bring the inventory into the database."""
        plan = made_up()
        devices = msgspec.structs.replace(plan, code="equipment", vehicles=())
        vehicles = msgspec.structs.replace(plan, code="fleet", buses=(), devices=())
        scenario.save(devices, self.directory / "equipment.yaml")
        scenario.save(vehicles, self.directory / "fleet.yaml")
        prepare(self.database.url, DatabaseSettings())
        self.start("equipment")
        ready = Files(self.directory / "equipment").ready
        wait_for(ready.exists, "the simulated equipment listens")
        placed = with_ports(plan, json.loads(ready.read_text())["ports"])
        inventory = self.directory / "inventory.yaml"
        inventory.write_text(inventory_yaml(placed))
        profiles = catalogue(PROFILES)
        with psycopg.connect(self.database.url) as conn:
            apply(conn, read_inventory(inventory, profiles), profiles, now=self.since, by="test")

    def start(self, name: str) -> None:
        """Start ``equipment``, ``fleet``, ``modbus`` or ``mqtt``."""
        env = {**os.environ, **self._environment(), **self.settings}
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._command(name), env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def start_all(self) -> None:
        """Start the collectors, and the vehicles once somebody listens to them."""
        self.start("mqtt")
        self.start("modbus")
        wait_for(lambda: "mqtt_subscribed" in self.log("mqtt"), "the collector has subscribed")
        self.start("fleet")

    def stop(self, name: str) -> None:
        """End a part in order, and see that it ended so."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE_S)
        assert code == 0, f"{name} ended with {code}:\n{self.log(name)[-3000:]}"

    def kill(self, name: str) -> None:
        """End a part as a crash would."""
        process = self._running.pop(name)
        self.killed_at.append(time.time())
        process.kill()
        process.wait(PATIENCE_S)

    def end(self) -> None:
        """Leave nothing behind, whatever happened."""
        for process in self._running.values():
            process.kill()
            process.wait(PATIENCE_S)

    def log(self, name: str) -> str:
        """Return what a part logged."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def rss_mib(self, name: str) -> float:
        """Return the memory a part holds now."""
        status = Path(f"/proc/{self._running[name].pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def rows(self, table: str) -> int:
        """Count the rows of a table."""
        with psycopg.connect(self.database.url) as conn:
            found = conn.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found is not None
        return int(found[0])

    def grows(self, table: str, by: int) -> None:
        """Wait until a table has so many rows more than now."""
        target = self.rows(table) + by
        wait_for(lambda: self.rows(table) >= target, f"{table} grows by {by}")

    def finish(self) -> Outcome:
        """Let the vehicles fall silent, stop the collectors, and hold truth against database."""
        self.stop("fleet")
        time.sleep(1)  # what the broker still has for us
        self.stop("mqtt")
        self.stop("modbus")
        self.stop("equipment")
        truth = account.read_run(
            (Files(self.directory / name).truth for name in ("equipment", "fleet")), self.since
        )
        told = figures.read_files(home(self.state, name) / METRICS_FILE for name in SOURCES)
        with psycopg.connect(self.database.url) as conn:
            verdict = account.compare(conn, truth, self.since)
        return Outcome(truth, verdict, told, self._tally())

    def _tally(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for name in SOURCES:
            text = (home(self.state, name) / METRICS_FILE).read_text()
            for sample, labels, value in figures.samples(text):
                if sample == "jieyong_spool_tally_rows_total":
                    key = labels["kind"], labels["fate"]
                    found[key] = found.get(key, 0) + round(value)
        return found

    def _command(self, name: str) -> Sequence[str]:
        if name in ("modbus", "mqtt"):
            return (sys.executable, "-m", "jieyong", "collect", name)
        plan, state = str(self.directory / f"{name}.yaml"), str(self.directory / name)
        command = (sys.executable, "-m", "simulators", "run", plan, "--state", state)
        broker = ("--mqtt-port", str(self.broker.port)) if name == "fleet" else ()
        return (*command, *broker)

    def _environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database.url,
            "JIEYONG_STATE_DIR": str(self.state),
            "JIEYONG_HTTP__MODBUS_PORT": "0",
            "JIEYONG_HTTP__MQTT_PORT": "0",
            "JIEYONG_MQTT__PORT": str(self.broker.port),
        }


@dataclass(frozen=True)
class Outcome:
    """What a world left: what was sent, how it compares, what the collectors say."""

    truth: Truth
    verdict: Verdict
    figures: Figures
    tally: Mapping[tuple[str, str], int]

    def count(self, kind: Kind, fate: Fate) -> int:
        """Rows of one kind and fate over the life of the spools."""
        return self.tally.get((kind.value, fate.value), 0)


def made_up() -> Scenario:
    """Return the county of these tests: everything speaks once a second, nothing is at fault."""
    plan = county(7, datetime.now(UTC).date() - timedelta(days=1), SIZE)
    devices = tuple(msgspec.structs.replace(d, interval_s=1) for d in plan.devices)
    vehicles = tuple(
        msgspec.structs.replace(v, interval_s=1, parked_every=1, patrol=True) for v in plan.vehicles
    )
    return msgspec.structs.replace(plan, devices=devices, vehicles=vehicles)


@contextmanager
def world(
    directory: Path, database: StoppableServer, broker: Mosquitto, **settings: float
) -> Iterator[World]:
    """Yield a world that has begun; end it whatever happens."""
    environment = {f"JIEYONG_{key}": str(value) for key, value in settings.items()}
    one = World(directory, database, broker, environment)
    try:
        one.begin()
        yield one
    finally:
        one.end()


def wait_for(condition: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait until a condition holds; fail by its name."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"after {within_s:g} s not yet: {what}"
        time.sleep(0.1)
