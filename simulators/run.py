"""Plays a scenario in real time until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from simulators import inventory, plant, scenario
from simulators.jt808 import fleet as jt808_fleet
from simulators.jt808.line import Gate
from simulators.modbus.profile import load_profiles
from simulators.modbus.server import Gateway
from simulators.mqtt.payload import TOPIC, Message
from simulators.mqtt.publisher import Broker, Publisher
from simulators.mqtt.terminal import Terminal
from simulators.scenario import Scenario
from simulators.truth import (
    Counters,
    Level,
    MqttAcked,
    MqttSent,
    TruthLog,
    last_numbers,
    read_truth,
)

_LOG: Final = structlog.get_logger()
_TICK_S: Final = 0.2
_GOOD_BYE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Files:
    """What a run leaves in its state directory."""

    state: Path

    @property
    def ready(self) -> Path:
        """JSON ``{"pid", "ports", "truth", "inventory"}``: there while everything listens.

        A killed run leaves it behind; its ``pid`` tells.
        """
        return self.state / "ready.json"

    @property
    def ports(self) -> Path:
        """JSON, bus → port of the last run, which the next one tries to keep."""
        return self.state / "ports.json"

    @property
    def truth(self) -> Path:
        """The ground truth."""
        return self.state / "truth.jsonl"

    @property
    def inventory(self) -> Path:
        """The inventory that fits this run, with its real ports."""
        return self.state / "inventory.yaml"


def now_us() -> int:
    """Return the time: µs since the Unix epoch."""
    return time.time_ns() // 1000


class Fleet:
    """Sends what the terminals say through one client, in order."""

    def __init__(self, terminals: Sequence[Terminal], broker: Broker, truth: TruthLog) -> None:
        self._terminals = terminals
        self._truth = truth
        self.publisher: Publisher[Message] = Publisher(broker, self._sent, self._acked)

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until ``stop``; then give the broker a moment to acknowledge."""
        hang_up = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.publisher.run(hang_up))
            feeding = tasks.create_task(self._feed())
            await stop.wait()
            feeding.cancel()
            await self._settle()
            hang_up.set()

    async def _settle(self) -> None:
        try:
            async with asyncio.timeout(_GOOD_BYE_S):
                await self.publisher.settle()
        except TimeoutError:
            _LOG.warning("stopped unacknowledged", messages=self.publisher.unacknowledged)

    async def _feed(self) -> None:
        while True:
            for terminal in self._terminals:
                for message in terminal.due(now_us()):
                    topic = TOPIC.format(message.terminal)
                    await self.publisher.publish(topic, message.payload, message)
            await asyncio.sleep(_TICK_S)

    def _sent(self, m: Message) -> None:
        self._truth.write(MqttSent(m.terminal, m.seq, m.ts, m.kind, now_us(), m.copy))
        self._truth.flush()

    def _acked(self, m: Message) -> None:
        self._truth.write(MqttAcked(m.terminal, m.seq, now_us(), m.copy))


async def play(  # noqa: PLR0913 - what is played, where, and with whom
    plan: Scenario,
    files: Files,
    broker: Broker | None,
    level: Level,
    stop: asyncio.Event,
    *,
    gate: Gate | None = None,
) -> None:
    """Serve every gateway and vehicle of a scenario until ``stop``.

    Args:
        plan: the scenario; ports it leaves open keep those of the last run if they are free.
        files: where the run leaves its files.
        broker: None leaves the vehicles on MQTT out.
        level: how much the truth file tells.
        stop: ends the run.
        gate: where the vehicles on JT/T 808 connect to; None leaves them out.

    Raises:
        ScenarioError: a device does not fit its profile.
        OSError: a port the scenario names is taken.
        TruthError: the truth file of an earlier run is damaged.
    """
    files.ready.unlink(missing_ok=True)
    last = last_numbers(read_truth(files.truth)) if files.truth.exists() else {}
    profiles = load_profiles(plant.PROFILES)
    truth = TruthLog(files.truth, level)
    gateways = [Gateway(port, now_us, truth) for port in plant.ports(plan, profiles)]
    fleet = Fleet(plant.terminals(plan, last, now_us()), broker, truth) if broker else None
    lines = jt808_fleet.lines(plan, last, gate, truth, now_us) if gate else []
    try:
        await _listen(gateways, _earlier_ports(files.ports))
        _announce(plan, gateways, files)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stop.wait())
            for moving in (fleet, *lines):
                if moving is not None:
                    tasks.create_task(moving.run(stop))
    finally:
        files.ready.unlink(missing_ok=True)
        await asyncio.gather(*(gateway.stop() for gateway in gateways))
        truth.write(Counters(now_us(), _counts(gateways, fleet) | jt808_fleet.counts(lines)))
        truth.close()


async def _listen(gateways: Sequence[Gateway], earlier: Mapping[str, int]) -> None:
    for gateway in gateways:
        wished = earlier.get(gateway.spec.code, 0)
        if gateway.port == 0 and wished:
            gateway.port = wished
            try:
                await gateway.start()
            except OSError:
                gateway.port = 0
            else:
                continue
        await gateway.start()


def _announce(plan: Scenario, gateways: Sequence[Gateway], files: Files) -> None:
    ports = {g.spec.code: g.port for g in gateways}
    text = inventory.inventory_yaml(scenario.with_ports(plan, ports))
    files.inventory.write_text(text, encoding="utf-8")
    told = {
        "pid": os.getpid(),
        "ports": ports,
        "truth": str(files.truth),
        "inventory": str(files.inventory),
    }
    _write_whole(files.ports, msgspec.json.encode(ports))
    _write_whole(files.ready, msgspec.json.encode(told))
    _LOG.info("simulators are ready", ports=len(ports), devices=len(plan.devices))


def _earlier_ports(path: Path) -> Mapping[str, int]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except FileNotFoundError:
        return {}


def _write_whole(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def _counts(gateways: Sequence[Gateway], fleet: Fleet | None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for gateway in gateways:
        for unit in gateway.spec.units.values():
            counts[f"received:{unit.code}"] = unit.received
            counts[f"replied:{unit.code}"] = unit.replied
    if fleet is not None:
        stats = fleet.publisher.stats
        counts |= {"sent": stats.sent, "acked": stats.acked, "resent": stats.resent}
    return counts
