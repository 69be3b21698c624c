"""Who computes trips: `jieyong fleet work`."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive import due
from fleet.derive.backlog import backlog
from fleet.derive.worker import Worker
from jieyong.metrics.workers import FLEET
from jieyong.settings import Settings
from jieyong.workers.crew import Crew, Orders, Step
from jieyong.workers.tally import Tally
from storage.due_worker import Outcome


def _orders(settings: Settings) -> Orders:
    return Orders(settings.trips.workers, settings.trips.look_s, settings.http.fleet_port)


def _begin(conn: psycopg.Connection, settings: Settings) -> Step:
    zone, keep_days = ZoneInfo(settings.time_zone), settings.database.position_retention_days
    worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC), keep_days)
    due.adopt(conn, settings.trips.rules(), zone)

    def step(tally: Tally) -> Outcome:
        due.follow(conn)
        looked_at = worker.fixes
        outcome = worker.step()
        tally.amount += worker.fixes - looked_at
        return outcome

    return step


CREW = Crew(FLEET, _orders, backlog, _begin)
