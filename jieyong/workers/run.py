"""The processes that compute what is due: `jieyong meter work`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import psycopg
import structlog
import typer

from jieyong import logs
from jieyong.database import database_url
from jieyong.health import Heartbeat
from jieyong.metrics.workers import METERING
from jieyong.settings import Settings
from jieyong.settings_file import load_settings
from jieyong.workers.processes import (
    BEAT_ALLOWED_S,
    Leash,
    Stop,
    begin_process,
    run_processes,
    until_signal,
)
from jieyong.workers.tally import Tally, new_tally
from jieyong.workers.watch import Watched, answering
from metering.derive import due
from metering.derive.backlog import backlog
from metering.derive.rollup import Window
from metering.derive.worker import Parts, Worker
from metering.gauge.settings import GaugeSettings
from metering.gauge.store import recompute_points
from metering.gauge.windows import PointSpan
from metering.tree.virtual import recompute_virtual
from storage.connection import connect
from storage.due import Claim
from storage.times import at_us

log = structlog.get_logger()


def parts_of(settings: Settings) -> Parts:
    """Return what computes points and virtual meters."""
    zone, gauges = ZoneInfo(settings.time_zone), settings.gauges

    def points(conn: psycopg.Connection, claims: Sequence[Claim]) -> None:
        _points(conn, claims, gauges)

    def virtual(conn: psycopg.Connection, windows: Sequence[Window]) -> None:
        recompute_virtual(conn, windows, zone)

    return Parts(points, virtual)


def work(settings: Settings, stop: Stop, tally: Tally) -> None:
    """Compute what is due on one connection until told to stop, whatever the database does.

    Args:
        settings: of everything.
        stop: looked at between batches; a batch under way is finished.
        tally: kept up to date.

    Raises:
        SettingsError: no database is set.
    """
    conninfo = database_url(settings)
    while not stop.is_set():
        try:
            with connect(conninfo, settings.database, "metering") as conn:
                tally.connected = 1
                _keep_working(conn, settings, stop, tally)
        except psycopg.OperationalError as error:
            log.warning(
                "metering_waits_for_database",
                why=str(error).strip(),
                advice="nothing is lost: what is due stays due",
            )
            tally.connected = 0
            stop.wait(settings.metering.look_s)


def run_workers(settings: Settings, stop: Callable[[], bool]) -> None:
    """Run the workers of the settings, a process each, until told to stop, and answer for them.

    Args:
        settings: of everything.
        stop: asked twice a second.

    Raises:
        OSError: the port for health and metrics is taken.
        SettingsError: no database is set.
        WorkerEndedError: one ended by itself; the others are stopped.
    """
    tallies = [new_tally() for _ in range(settings.metering.workers)]
    heart = Heartbeat(time.monotonic, BEAT_ALLOWED_S)
    arguments = [(settings, tally) for tally in tallies]
    watched = Watched(METERING, backlog, settings.http.metering_port)
    with answering(settings, watched, tallies, heart):
        run_processes(_process, arguments, stop, heart.beat)


def work_command(
    config: Annotated[
        Path | None, typer.Option("--config", help="设置文件；缺省为 jieyong.toml（若有）。")
    ] = None,
) -> None:
    """Compute what is due until Ctrl-C or TERM."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    run_workers(settings, until_signal())


def _keep_working(conn: psycopg.Connection, settings: Settings, stop: Stop, tally: Tally) -> None:
    worker = Worker(
        conn,
        settings.metering,
        ZoneInfo(settings.time_zone),
        parts_of(settings),
        lambda: datetime.now(UTC),
    )
    while not stop.is_set():
        due.follow(conn)
        written = worker.quarters
        outcome = worker.step()
        tally.amount += worker.quarters - written
        tally.add(outcome, datetime.now(UTC))
        if outcome.done or outcome.failed:
            log.info("metering_computed", done=outcome.done, failed=outcome.failed)
        else:
            stop.wait(settings.metering.look_s)


def _points(conn: psycopg.Connection, claims: Sequence[Claim], settings: GaugeSettings) -> None:
    spans = [
        PointSpan(one.subject, at_us(span.from_us), at_us(span.to_us))
        for one in claims
        for span in one.spans
    ]
    recompute_points(conn, spans, settings)


def _process(held: Connection, settings: Settings, tally: Tally) -> None:
    begin_process(settings)
    work(settings, Leash(held), tally)
