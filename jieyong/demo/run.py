"""Runs the whole platform on simulated devices: prepare, run, show, stop, account for it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from rich.console import Console

from jieyong.collect import METRICS_FILE, home
from jieyong.demo import account, doubts, energy, figures, journeys, live, stage
from jieyong.demo.account import Summary
from jieyong.demo.guard import refuse_foreign
from jieyong.demo.plan import ZONE, Layout, load_or_make, played_before
from jieyong.demo.stage import Stage
from jieyong.demo.steps import Steps, progress
from jieyong.doctor.database import place_of
from jieyong.embedded import broker as brokers
from jieyong.embedded.broker import BrokerKind
from jieyong.embedded.postgres import EmbeddedPostgres
from jieyong.supervise import Supervisor
from storage.prepare import prepare
from storage.settings import DatabaseSettings

_SERVER: Final = {"track_commit_timestamp": "on"}  # for the lag in the summary
_POSTGRES: Final = "postgres"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Options:
    """What a demo was asked for.

    Attributes:
        state: directory for everything it keeps; the next start goes on from there.
        seconds: ends by itself after so long; None runs until Ctrl-C.
        summary: file for the account, as JSON.
        fresh: forget what earlier runs left in ``state``; a database that was named is not emptied.
        history_days: days of the past to bring in at the first start.
        broker: which broker to run; None prefers mosquitto.
        database: libpq URL of a database to use instead of the embedded one.
    """

    state: Path
    seconds: float | None
    summary: Path | None
    fresh: bool
    history_days: int
    broker: BrokerKind | None
    database: str | None


async def run(options: Options, console: Console) -> int:
    """Run a demo to its end; Ctrl-C ends it as the time limit does.

    Returns:
        Exit code: 0 when nothing was lost, doubled or invented.

    Raises:
        ChildFailedError: a part did not start; the message ends with its log.
        EmbeddedPostgresError: the database did not start.
        ForeignDatabaseError: the database that was named is not the demo's.
    """
    layout = Layout(options.state.resolve())
    if options.summary is not None:
        options.summary.parent.mkdir(parents=True, exist_ok=True)  # not only at the end
    if options.database is not None:
        played = None if options.fresh else played_before(layout)
        await asyncio.to_thread(refuse_foreign, options.database, played)
    if options.fresh:
        await asyncio.to_thread(_forget, layout)
    layout.state.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as services:
        with progress(console) as steps:
            stand = await _prepare(options, layout, services, steps)
        _say(console, *_greeting(stand, datetime.now(UTC)))
        since = datetime.now(UTC)
        await _collect(stand, options.seconds, console)
        summary = await asyncio.to_thread(_account, stand, since, datetime.now(UTC))
    _report(summary, options.summary, console)
    return 0 if summary.clean else 1


def _forget(layout: Layout) -> None:
    EmbeddedPostgres(layout.state / _POSTGRES).destroy()
    if layout.state.exists():
        shutil.rmtree(layout.state)


async def _prepare(
    options: Options, layout: Layout, services: contextlib.AsyncExitStack, steps: Steps
) -> Stage:
    now = datetime.now(UTC)
    with steps.step("database"):
        conninfo = options.database
        if conninfo is None:
            server = EmbeddedPostgres(layout.state / _POSTGRES, options=_SERVER)
            await asyncio.to_thread(server.start)
            services.push_async_callback(asyncio.to_thread, server.stop)
            conninfo = server.url
    with steps.step("schema"):
        await asyncio.to_thread(prepare, conninfo, DatabaseSettings())
    with steps.step("county"):
        plan = await asyncio.to_thread(load_or_make, layout, now, options.history_days)
        await asyncio.to_thread(stage.write_settings, conninfo, layout)
        broker = brokers.prepare(layout.state, kind=options.broker)
        (gateway_port,) = stage.free_ports(1)
        stand = Stage(layout, conninfo, broker, gateway_port)
    with steps.step("broker, meters, air conditioners, lights"):
        # It grows by three quarters of a gigabyte a day, and accounts for one run only.
        layout.equipment.truth.unlink(missing_ok=True)
        ground = Supervisor([stand.broker.child(), stage.equipment(layout)], layout.logs)
        await services.enter_async_context(ground)
    with steps.step("inventory"):
        await asyncio.to_thread(stage.import_inventory, conninfo, plan, layout, now)
    with steps.step("the past"):
        await asyncio.to_thread(stage.bring_past, conninfo, plan, layout, now, steps)
    with steps.step("rules"):
        await asyncio.to_thread(doubts.bring_rules, conninfo, now, options.history_days)
    return stand


async def _collect(stand: Stage, seconds: float | None, console: Console) -> None:
    """Run the collectors; the vehicles last, so that they fall silent before nobody listens."""
    worker_ports, ports = _ports()
    collectors = [stage.collector(stand, *pair) for pair in zip(stage.SOURCES, ports, strict=True)]
    with _until_told() as stop:
        workers = [stage.worker(stand, *pair) for pair in worker_ports]
        parts = [*workers, *collectors, stage.fleet(stand)]
        async with Supervisor(parts, stand.layout.logs):
            began = time.monotonic()

            async def look() -> live.Moment:
                return live.Moment(time.monotonic() - began, await figures.ask(ports))

            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, stop.set)
            await live.show(console, look, stop)


def _ports() -> tuple[list[tuple[stage.Work, int]], list[int]]:
    """Return the workers with a port each, and the ports of the collectors."""
    found = stage.free_ports(len(stage.WORK) + len(stage.SOURCES))
    return list(zip(stage.WORK, found, strict=False)), list(found[len(stage.WORK) :])


@contextlib.contextmanager
def _until_told() -> Iterator[asyncio.Event]:
    """Give an event that Ctrl-C or TERM sets, as long as the context is open."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _account(stand: Stage, since: datetime, until: datetime) -> Summary:
    layout = stand.layout
    truth = account.read_run((layout.equipment.truth, layout.fleet.truth), since)
    told = figures.read_files(home(layout.state, source) / METRICS_FILE for source in stage.SOURCES)
    energy.compute(stand.conninfo)
    journeys.compute(stand.conninfo)
    doubts.compute(stand.conninfo)
    with psycopg.connect(stand.conninfo) as conn:
        return account.summarise(conn, truth, told, since, until)


def _greeting(stand: Stage, now: datetime) -> tuple[str, ...]:
    with psycopg.connect(stand.conninfo) as conn:
        meter, vehicle = energy.some_meter(conn), journeys.some_vehicle(conn)
    month = f"--month {now.astimezone(ZONE):%Y-%m} --config {stand.layout.settings}"
    figure = f"jieyong consumption --meter {meter} --explain {month}"
    return (
        f"Database: {place_of(stand.conninfo).removeprefix('database ')}",
        f"Broker: {stand.broker.kind.value} ({stand.broker.durability})",
        f"Logs: {stand.layout.logs}",
        f"Behind a figure 用量从何而来: {figure}",
        f"Days of a vehicle 逐日里程: jieyong fleet days --vehicle {vehicle} {month}",
        f"Doubts 疑点: jieyong doubt list --config {stand.layout.settings}",
        "These are in .venv/bin and answer while this runs. Collecting; Ctrl-C ends it.",
    )


def _report(summary: Summary, path: Path | None, console: Console) -> None:
    _say(
        console,
        f"Of {summary.accepted:,} rows that must be there: {summary.lost} lost, "
        f"{summary.duplicated} duplicated, {summary.invented} invented.",
        f"Turned away by the spool: {summary.refused}; still in it: {summary.waiting}; "
        f"slots missed: {summary.missed_slots}.",
    )
    used = ", ".join(f"{quantity:,.1f} {unit}" for unit, quantity in summary.used.items())
    balance = f"not those of {', '.join(summary.unbalanced)}" if summary.unbalanced else "exactly"
    _say(console, f"Used by {summary.meters} meters: {used}; adds up to their counters {balance}.")
    _say(console, f"Doubts told by the rules that come along: {summary.doubts}.")
    driven = f"{summary.driven_km:,.1f} km by position, {summary.odometer_km:,.1f} km by odometer"
    _say(console, f"Driven by {summary.vehicles} vehicles on {summary.trips} trips: {driven}.")
    if summary.lag_p50_ms is not None:
        lag = f"p50 {summary.lag_p50_ms:.0f} ms, p99 {summary.lag_p99_ms:.0f} ms"
        _say(console, f"From the device to the database: {lag}.")
    if path is not None:
        path.write_text(summary.as_json(), encoding="utf-8")
        _say(console, f"Summary: {path}")


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        # A terminal is written to its width; a log line stays one line.
        console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)
