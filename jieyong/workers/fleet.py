"""Who computes trips, withholds places and removes old tracks: `jieyong fleet work`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import due
from fleet.derive.backlog import backlog
from fleet.derive.worker import Worker
from fleet.privacy.retention import Keeping, remove_old
from fleet.privacy.withholding import withhold_due
from jieyong.metrics.workers import FLEET
from jieyong.settings import Settings
from jieyong.workers.crew import Crew, Orders, Step
from jieyong.workers.tally import Tally
from rules.subjects.vehicles.due import UNFOLLOWED, gather
from storage.due_hand import Hand
from storage.due_worker import Outcome

_REMOVAL_LOOK: Final = timedelta(seconds=10)

log = structlog.get_logger()


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


class _Gathering:
    """Joins once a day what nobody follows of what trips changed for rules."""

    def __init__(self) -> None:
        self._again: datetime | None = None

    def turn(self, conn: psycopg.Connection, now: datetime) -> None:
        if self._again is None or now >= self._again:
            gather(conn)
            self._again = now + UNFOLLOWED


def _orders(settings: Settings) -> Orders:
    return Orders(settings.trips.workers, settings.trips.look_s, settings.http.fleet_port)


def _begin(conn: psycopg.Connection, hand: Hand, settings: Settings) -> Step:
    zone = ZoneInfo(settings.time_zone)
    # Positions are there until they are removed below; what is computed then begins at the floor
    # that the removal left. Nothing goes uncomputed because it came late.
    worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC), hand)
    removal, gathering = _Removal(keeping_of(settings)), _Gathering()
    due.adopt(conn, settings.trips.rules(), zone)

    def step(tally: Tally) -> Outcome:
        withhold_due(conn, zone, datetime.now(UTC))
        due.follow(conn)
        removal.turn(conn, datetime.now(UTC))
        gathering.turn(conn, datetime.now(UTC))
        looked_at = worker.fixes
        outcome = worker.step()
        tally.amount += worker.fixes - looked_at
        return outcome

    return step


CREW = Crew(FLEET, _orders, backlog, _begin)
