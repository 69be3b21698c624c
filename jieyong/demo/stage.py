"""What a demo sets up before its collectors start, and the processes it is made of."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from collector.profile import catalogue
from jieyong import ready
from jieyong.collect import PROFILES, SourceName
from jieyong.demo import past
from jieyong.demo.energy import WHO
from jieyong.demo.plan import Layout, days_until, ports
from jieyong.demo.steps import Steps
from jieyong.embedded.broker import Broker
from jieyong.supervise import Child, Ready
from metering.facts.sync import bring_inventory
from registry.audit import Act
from registry.reading import read_inventory
from simulators.inventory import inventory_yaml
from simulators.run import Files
from simulators.scenario import Scenario, with_ports

SOURCES: Final = (SourceName.MODBUS, SourceName.MQTT, SourceName.JT808)
"""What a demo collects from."""

_HOST: Final = "127.0.0.1"
_COLLECTOR_STOPS_S: Final = 20.0
_WORKERS_STOP_S: Final = 40.0
_PAST_FROM: Final = "past.json"


@dataclass(frozen=True, slots=True)
class Work:
    """What workers of one sort are called.

    Attributes:
        name: of the process.
        command: ``jieyong … work``.
        workers: the variable that says how many.
        port: the variable that says where they answer for their health.
    """

    name: str
    command: str
    workers: str
    port: str


WORK: Final = (
    Work("metering", "meter", "JIEYONG_METERING__WORKERS", "JIEYONG_HTTP__METERING_PORT"),
    Work("trips", "fleet", "JIEYONG_TRIPS__WORKERS", "JIEYONG_HTTP__FLEET_PORT"),
    Work("rules", "rules", "JIEYONG_RULES__WORKERS", "JIEYONG_HTTP__RULES_PORT"),
)
"""What computes consumption, trips and doubts."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the collectors of a demo stand on.

    Attributes:
        gateway_port: where terminals of JT/T 808 connect to.
    """

    layout: Layout
    conninfo: str
    broker: Broker
    gateway_port: int


def equipment(layout: Layout) -> Child:
    """Return the process of the simulated meters, air conditioners and lights."""
    return _simulator("equipment", layout.scenario_file(layout.equipment), layout.equipment)


def fleet(stage: Stage) -> Child:
    """Return the process of the simulated vehicles."""
    layout, broker = stage.layout, stage.broker
    mqtt = ("--mqtt-host", broker.host, "--mqtt-port", str(broker.port))
    jt808 = ("--jt808-host", _HOST, "--jt808-port", str(stage.gateway_port))
    return _simulator("fleet", layout.scenario_file(layout.fleet), layout.fleet, *mqtt, *jt808)


def collector(stage: Stage, source: SourceName, port: int) -> Child:
    """Return the process of one collector; it answers for its health at ``port``."""
    return Child(
        name=f"collect-{source}",
        command=(sys.executable, "-m", "jieyong", "collect", source.value),
        env={
            "DATABASE_URL": stage.conninfo,
            "JIEYONG_STATE_DIR": str(stage.layout.state),
            f"JIEYONG_HTTP__{source.name}_PORT": str(port),
            "JIEYONG_MQTT__HOST": stage.broker.host,
            "JIEYONG_MQTT__PORT": str(stage.broker.port),
            "JIEYONG_MQTT__PROTOCOL": stage.broker.protocol,
            "JIEYONG_JT808__HOST": _HOST,
            "JIEYONG_JT808__PORT": str(stage.gateway_port),
        },
        # The broker drops what is sent before its first subscriber came.
        ready=ready.http(_HOST, port, "/health/ready"),
        stop_within_s=_COLLECTOR_STOPS_S,
    )


def worker(stage: Stage, work: Work, port: int) -> Child:
    """Return the process that computes something; it answers for its health at ``port``."""
    return Child(
        name=work.name,
        command=(sys.executable, "-m", "jieyong", work.command, "work"),
        env={
            "DATABASE_URL": stage.conninfo,
            work.workers: "1",
            work.port: str(port),
        },
        ready=ready.http(_HOST, port, "/health/ready"),
        stop_within_s=_WORKERS_STOP_S,
    )


def import_inventory(conninfo: str, plan: Scenario, layout: Layout, now: datetime) -> None:
    """Bring the county and its meters into the registry, with the ports its gateways have.

    Raises:
        InventoryError: it would undo what somebody entered since the last start.
    """
    placed = with_ports(plan, ports(layout.equipment))
    layout.inventory.write_text(inventory_yaml(placed), encoding="utf-8")
    profiles = catalogue(PROFILES)
    inventory = read_inventory(layout.inventory, profiles)
    with psycopg.connect(conninfo) as conn:
        bring_inventory(conn, Act(WHO, now), inventory, profiles)


def write_settings(conninfo: str, layout: Layout) -> None:
    """Let ``jieyong … --config`` look into the demo's database; for the demo's user alone."""
    layout.settings.unlink(missing_ok=True)
    layout.settings.touch(mode=0o600)
    # A JSON string is a TOML string as well.
    layout.settings.write_text(f"[database]\nurl = {json.dumps(conninfo)}\n", encoding="utf-8")


def bring_past(conninfo: str, plan: Scenario, layout: Layout, now: datetime, steps: Steps) -> None:
    """Write the past of the county, once for each state directory."""
    done = layout.state / _PAST_FROM
    if done.exists():
        return
    days, now_us = days_until(plan, now), round(now.timestamp() * 1e6)
    made = past.make(plan, days, now_us, layout.state / "past.npz")
    rows = past.bring(conninfo, made, now_us, steps.rows)
    told = {"days": len(days), "rows": rows, "at": now.astimezone(UTC).isoformat()}
    done.write_text(json.dumps(told) + "\n", encoding="utf-8")


def free_ports(number: int) -> tuple[int, ...]:
    """Return ports of 127.0.0.1 that are free now."""
    listeners = [socket.create_server((_HOST, 0)) for _ in range(number)]
    found = tuple(int(listener.getsockname()[1]) for listener in listeners)
    for listener in listeners:
        listener.close()
    return found


def _simulator(name: str, scenario: Path, files: Files, *more: str) -> Child:
    command = (
        sys.executable,
        "-m",
        "simulators",
        "run",
        str(scenario),
        "--state",
        str(files.state),
    )
    return Child(name=f"simulate-{name}", command=(*command, *more), ready=_anew(files.ready))


def _anew(path: Path) -> Ready:
    """Ready when the file was written by this run: one of an earlier run may lie there."""
    before = _stamp(path)

    async def written() -> bool:
        return _stamp(path) not in (None, before)

    return written


def _stamp(path: Path) -> Mapping[str, int] | None:
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return {"inode": stat.st_ino, "modified": stat.st_mtime_ns}
