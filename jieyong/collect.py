"""One collector process: a source, its spool, the drain behind it, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import psycopg
import structlog
from prometheus_client import write_to_textfile
from prometheus_client.metrics_core import Metric

from collector.acceptor import Acceptor
from collector.drain import Drain, DrainThread
from collector.intake import Accept
from collector.jt808.source import Jt808Source
from collector.modbus.source import ModbusSource, SourceError
from collector.mqtt.source import MqttSource
from collector.profile import catalogue, load_profiles
from collector.refresh import LatestRefresher
from collector.spool import Spool
from collector.terminal_watch import TerminalWatch
from jieyong import interpreter, probes
from jieyong.database import database_url
from jieyong.fanout import Fanout
from jieyong.health import Health, Heartbeat, Probe, Verdict
from jieyong.http import HttpServer
from jieyong.metrics import make_registry
from jieyong.metrics.jt808 import jt808_metrics
from jieyong.metrics.modbus import modbus_metrics
from jieyong.metrics.mqtt import mqtt_metrics
from jieyong.metrics.spool import drain_metrics, spool_metrics
from jieyong.settings import Settings
from registry import snapshot
from registry.snapshot import Snapshot
from storage import latest
from storage.connection import connect
from storage.writer import BulkWriter

log = structlog.get_logger()

PROFILES: Final = Path(__file__).resolve().parents[1] / "collector" / "profiles"
"""The device profiles that come with the program."""

METRICS_FILE: Final = "metrics.prom"
"""What the metrics were when the collector ended, in its directory."""

_TERMINALS_S: Final = 5.0
"""A collector looks so often which terminals the registry knows."""
_BEAT_S: Final = 1.0
_BEAT_ALLOWED_S: Final = 15.0


class SourceName(enum.StrEnum):
    """What a collector collects from."""

    MODBUS = "modbus"
    MQTT = "mqtt"
    JT808 = "jt808"


class Source(Protocol):
    """What collects, whatever from."""

    def run(self, stop: asyncio.Event) -> Coroutine[None, None, None]:
        """Collect until ``stop``."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A source with what tells how it fares."""

    source: Source
    metrics: Callable[[], Iterable[Metric]]
    connected: Probe
    update: Callable[[Mapping[str, int]], None] | None = None
    """Takes the terminals of the registry while it runs; None: it has none."""


def now_us() -> int:
    """Return the time, Unix microseconds."""
    return time.time_ns() // 1000


def home(state_dir: Path, name: SourceName) -> Path:
    """Return the directory of one collector: spool, snapshot, what it learned."""
    return state_dir / f"collect-{name}"


async def collect(settings: Settings, name: SourceName, stop: asyncio.Event) -> None:
    """Collect from one source until ``stop``; then spool, drain and end in order.

    Raises:
        SettingsError: no database is set.
        SnapshotError: the database is away and there is no picture of the registry on disk.
        SourceError: the inventory cannot be polled.
        SpoolBusyError: another collector of this kind runs on the same state directory.
    """
    conninfo = database_url(settings)
    directory = home(settings.state_dir, name)
    directory.mkdir(parents=True, exist_ok=True)
    known = await asyncio.to_thread(_known, settings, conninfo, directory / "registry.json")
    foreign = snapshot.foreign_profiles(known, catalogue(PROFILES))
    if foreign:
        raise SourceError(list(foreign))
    fanout = None
    if name is SourceName.JT808 and settings.fanout.enabled:
        fanout = Fanout(settings, conninfo, directory, now_us)
    with (
        fanout or contextlib.nullcontext(),
        contextlib.closing(Spool(directory / "spool.db", settings.spool)) as spool,
    ):
        writer = BulkWriter(conninfo, settings.database, zone=settings.time_zone)
        write = writer.write if fanout is None else fanout.fork(writer.write)
        drain = Drain(spool, write, settings.spool, now_us=now_us)
        acceptor = Acceptor(spool)
        fitted = _fit(settings, name, known, acceptor.accept, directory)
        metrics = make_registry(
            lambda: spool_metrics(spool.stats(), now_us()),
            lambda: drain_metrics(drain.stats),
            fitted.metrics,
            *(() if fanout is None else (fanout.metrics,)),
        )
        heart = Heartbeat(time.monotonic, _BEAT_ALLOWED_S)
        health = _health(settings, spool, drain, fitted, heart)
        with HttpServer(health, metrics, settings.http.host, _port(settings, name)):
            watching = _watching(settings, conninfo, fitted, known, directory / "registry.json")
            with _draining(settings, conninfo, spool, drain), acceptor, watching:
                interpreter.tune()
                log.info("collector_started", source=name.value, spool=str(spool.path))
                await _beating(heart, fitted.source.run(stop))
            writer.close()
            write_to_textfile(str(directory / METRICS_FILE), metrics)
    log.info("collector_stopped", source=name.value)


def _known(settings: Settings, conninfo: str, path: Path) -> Snapshot:
    """Read the registry, and keep a copy; take the copy when the database is away."""
    try:
        with connect(conninfo, settings.database, "collector") as conn:
            known = snapshot.load(conn, datetime.now(UTC))
    except psycopg.Error as error:
        log.warning(
            "registry_from_disk",
            path=str(path),
            why=str(error).strip(),
            advice="readings are spooled until the database is back; a changed inventory takes "
            "effect with the next start",
        )
        return snapshot.read(path)
    snapshot.save(known, path)
    return known


def _fit(
    settings: Settings, name: SourceName, known: Snapshot, accept: Accept, directory: Path
) -> _Fitted:
    if name is SourceName.MODBUS:
        modbus = ModbusSource(
            known.buses,
            load_profiles(PROFILES),
            accept,
            settings.modbus,
            state=directory / "learned.json",
            clock=now_us,
        )
        devices, buses = tuple(modbus.devices.values()), tuple(modbus.buses.values())
        return _Fitted(
            modbus, partial(modbus_metrics, devices, buses), probes.buses_connected(lambda: buses)
        )
    if name is SourceName.JT808:
        jt808 = Jt808Source(
            settings.jt808, known.terminals, accept, state_dir=directory, now_us=now_us
        )
        metrics = partial(jt808_metrics, jt808.stats)
        return _Fitted(jt808, metrics, _listening(settings, jt808), jt808.update)
    mqtt = MqttSource(settings.mqtt, known.terminals, accept, now_us=now_us)
    metrics = partial(mqtt_metrics, mqtt.stats)
    return _Fitted(mqtt, metrics, _subscribed(settings, mqtt), mqtt.update)


def _subscribed(settings: Settings, source: MqttSource) -> Probe:
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"

    def probe() -> Verdict:
        if source.stats.connected:
            return Verdict(ok=True, reason=f"subscribed at {where}")
        return Verdict(ok=False, reason=f"no connection to the broker at {where}; see the log")

    return probe


def _listening(settings: Settings, source: Jt808Source) -> Probe:
    where = f"{settings.jt808.host}:{settings.jt808.port}"

    def probe() -> Verdict:
        stats = source.stats
        if not stats.listening:
            return Verdict(ok=False, reason=f"does not listen at {where}; see the log")
        reason = f"listens at {where}; {stats.authenticated} terminals are there"
        return Verdict(ok=True, reason=reason)

    return probe


def _health(
    settings: Settings, spool: Spool, drain: Drain, fitted: _Fitted, heart: Heartbeat
) -> Health:
    return Health(
        live={"loop": heart.probe, "spool_file": probes.spool_sound(spool.stats)},
        ready={
            "spool": probes.spool_writable(spool.stats, settings.spool, spool.path.parent),
            "database": probes.database_up(lambda: drain.stats, spool.stats, now_us),
            "source": fitted.connected,
        },
    )


@contextlib.contextmanager
def _draining(settings: Settings, conninfo: str, spool: Spool, drain: Drain) -> Iterator[None]:
    """Drain, and keep the newest rows fresh, as long as the context is open."""
    thread = DrainThread(drain, spool)
    refresher = LatestRefresher(
        lambda: connect(conninfo, settings.database, "latest"),
        latest.refresh,
        settings.spool.latest_s,
    )
    thread.start()
    refresher.start()
    try:
        yield
    finally:
        if not thread.stop(settings.spool.stop_s):
            log.warning("rows_left_in_spool", path=str(spool.path), rows=spool.stats().rows)
        refresher.stop(settings.spool.stop_s)


@contextlib.contextmanager
def _watching(
    settings: Settings, conninfo: str, fitted: _Fitted, known: Snapshot, path: Path
) -> Iterator[None]:
    """Tell the source of terminals that come and go, as long as the context is open."""
    if fitted.update is None:
        yield
        return
    loop, update = asyncio.get_running_loop(), fitted.update

    def tell(terminals: Mapping[str, int]) -> None:
        loop.call_soon_threadsafe(update, terminals)
        snapshot.save(replace(known, terminals=terminals), path)

    watch = TerminalWatch(
        lambda: connect(conninfo, settings.database, "terminals"),
        lambda conn: snapshot.load_terminals(conn, datetime.now(UTC)),
        tell,
        known.terminals,
        _TERMINALS_S,
    )
    watch.start()
    try:
        yield
    finally:
        watch.stop()


async def _beating(heart: Heartbeat, work: Coroutine[None, None, None]) -> None:
    """Run work to its end; meanwhile the heart beats as long as the loop comes round."""

    async def beat() -> None:
        while True:
            heart.beat()
            await asyncio.sleep(_BEAT_S)

    beating = asyncio.create_task(beat())
    try:
        await work
    finally:
        beating.cancel()


def _port(settings: Settings, name: SourceName) -> int:
    http = settings.http
    ports = {
        SourceName.MODBUS: http.modbus_port,
        SourceName.MQTT: http.mqtt_port,
        SourceName.JT808: http.jt808_port,
    }
    return ports[name]
