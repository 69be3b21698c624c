"""The processes that compute trips: `jieyong fleet work`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import due
from fleet.derive.worker import Worker
from fleet.privacy.retention import Keeping, remove_old
from fleet.privacy.withholding import withhold_due
from jieyong.database import database_url
from jieyong.settings import Settings
from jieyong.workers.processes import Leash, Stop, begin_process, run_processes
from storage.connection import connect

_REMOVAL_LOOK: Final = timedelta(seconds=10)

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


def keeping_of(settings: Settings) -> Keeping | None:
    """Return how long tracks are kept; None: for ever."""
    days = settings.database.position_retention_days
    if days is None:
        return None
    cover = timedelta(microseconds=settings.trips.rules().cover_us)
    return Keeping(days, settings.trips.drop_old_places, cover)


class _Removal:
    """Removes old tracks once a day; says why it waits, and looks again every ten seconds."""

    def __init__(self, keeping: Keeping | None) -> None:
        self._keeping = keeping
        self._told: str | None = None
        self._again: datetime | None = None

    def turn(self, conn: psycopg.Connection, now: datetime) -> None:
        if self._keeping is None or (self._again is not None and now < self._again):
            return
        why = remove_old(conn, self._keeping, now)
        if why not in {None, self._told}:
            log.warning("tracks_not_removed_yet", why=why, advice="they are when that is done")
        self._told, self._again = why, now + _REMOVAL_LOOK


def _keep_working(conn: psycopg.Connection, settings: Settings, stop: Stop) -> None:
    zone = ZoneInfo(settings.time_zone)
    worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC))
    removal = _Removal(keeping_of(settings))
    due.adopt(conn, settings.trips.rules(), zone)
    while not stop.is_set():
        withhold_due(conn, zone, datetime.now(UTC))
        due.follow(conn)
        removal.turn(conn, datetime.now(UTC))
        outcome = worker.step()
        if outcome.done or outcome.failed:
            log.info("fleet_computed", done=outcome.done, failed=outcome.failed)
        else:
            stop.wait(settings.trips.look_s)


def _process(held: Connection, settings: Settings) -> None:
    begin_process(settings)
    work(settings, Leash(held))
