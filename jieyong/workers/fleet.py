"""The processes that compute trips: `jieyong fleet work`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import due
from fleet.derive.worker import Worker
from jieyong.database import database_url
from jieyong.settings import Settings
from jieyong.workers.processes import Leash, Stop, begin_process, run_processes
from storage.connection import connect

log = structlog.get_logger()


def work(settings: Settings, stop: Stop) -> None:
    """Compute what is due on one connection until told to stop, whatever the database does.

    Args:
        settings: of everything.
        stop: looked at between batches; a batch under way is finished.

    Raises:
        SettingsError: no database is set.
    """
    conninfo = database_url(settings)
    while not stop.is_set():
        try:
            with connect(conninfo, settings.database, "fleet") as conn:
                _keep_working(conn, settings, stop)
        except psycopg.OperationalError as error:
            log.warning(
                "fleet_waits_for_database",
                why=str(error).strip(),
                advice="nothing is lost: what is due stays due",
            )
            stop.wait(settings.trips.look_s)


def run_fleet_workers(settings: Settings, stop: Callable[[], bool]) -> None:
    """Run the workers of the settings, a process each, until told to stop.

    Args:
        settings: of everything.
        stop: asked twice a second.

    Raises:
        SettingsError: no database is set.
        WorkerEndedError: one ended by itself; the others are stopped.
    """
    database_url(settings)
    arguments = [(settings,)] * settings.trips.workers
    run_processes(_process, arguments, stop, lambda: None)


def _keep_working(conn: psycopg.Connection, settings: Settings, stop: Stop) -> None:
    zone = ZoneInfo(settings.time_zone)
    worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC))
    due.adopt(conn, settings.trips.rules(), zone)
    while not stop.is_set():
        due.follow(conn)
        outcome = worker.step()
        if outcome.done or outcome.failed:
            log.info("fleet_computed", done=outcome.done, failed=outcome.failed)
        else:
            stop.wait(settings.trips.look_s)


def _process(held: Connection, settings: Settings) -> None:
    begin_process(settings)
    work(settings, Leash(held))
