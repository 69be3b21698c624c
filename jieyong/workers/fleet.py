"""The processes that compute trips: `jieyong fleet work`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import due
from fleet.derive.backlog import backlog
from fleet.derive.worker import Worker
from jieyong.database import database_url
from jieyong.health import Heartbeat
from jieyong.metrics.workers import FLEET
from jieyong.settings import Settings
from jieyong.workers.processes import (
    BEAT_ALLOWED_S,
    Leash,
    Stop,
    begin_process,
    run_processes,
)
from jieyong.workers.tally import Tally, new_tally
from jieyong.workers.watch import Watched, answering
from storage.connection import connect

log = structlog.get_logger()


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
            with connect(conninfo, settings.database, "fleet") as conn:
                tally.connected = 1
                _keep_working(conn, settings, stop, tally)
        except psycopg.OperationalError as error:
            log.warning(
                "fleet_waits_for_database",
                why=str(error).strip(),
                advice="nothing is lost: what is due stays due",
            )
            tally.connected = 0
            stop.wait(settings.trips.look_s)


def run_fleet_workers(settings: Settings, stop: Callable[[], bool]) -> None:
    """Run the workers of the settings, a process each, until told to stop, and answer for them.

    Args:
        settings: of everything.
        stop: asked twice a second.

    Raises:
        OSError: the port for health and metrics is taken.
        SettingsError: no database is set.
        WorkerEndedError: one ended by itself; the others are stopped.
    """
    tallies = [new_tally() for _ in range(settings.trips.workers)]
    heart = Heartbeat(time.monotonic, BEAT_ALLOWED_S)
    arguments = [(settings, tally) for tally in tallies]
    watched = Watched(FLEET, backlog, settings.http.fleet_port)
    with answering(settings, watched, tallies, heart):
        run_processes(_process, arguments, stop, heart.beat)


def _keep_working(conn: psycopg.Connection, settings: Settings, stop: Stop, tally: Tally) -> None:
    zone = ZoneInfo(settings.time_zone)
    keep_days = settings.database.position_retention_days
    worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC), keep_days)
    due.adopt(conn, settings.trips.rules(), zone)
    while not stop.is_set():
        due.follow(conn)
        looked_at = worker.fixes
        outcome = worker.step()
        tally.amount += worker.fixes - looked_at
        tally.add(outcome, datetime.now(UTC))
        if outcome.done or outcome.failed:
            log.info("fleet_computed", done=outcome.done, failed=outcome.failed)
        else:
            stop.wait(settings.trips.look_s)


def _process(held: Connection, settings: Settings, tally: Tally) -> None:
    begin_process(settings)
    work(settings, Leash(held), tally)
