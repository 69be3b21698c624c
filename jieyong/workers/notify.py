"""Who sends notes: `jieyong notify work`."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg

from jieyong.metrics.workers import NOTIFY
from jieyong.settings import Settings
from jieyong.workers.crew import Crew, Orders, Step
from jieyong.workers.tally import Tally
from notify.current import CurrentRoutes
from notify.listing import backlog
from notify.worker import Site, Worker
from storage.due_hand import Hand
from storage.due_worker import Outcome


@functools.cache
def _routes(path: Path) -> CurrentRoutes:
    """Follow the routes for as long as the process lives: a file that breaks is read no more."""
    return CurrentRoutes(path)


def _orders(settings: Settings) -> Orders:
    return Orders(settings.notify.workers, settings.notify.look_s, settings.http.notify_port)


def _begin(conn: psycopg.Connection, _hand: Hand, settings: Settings) -> Step:
    site = Site(settings.notify, ZoneInfo(settings.time_zone), lambda: datetime.now(UTC))
    worker = Worker(conn, _routes(settings.notify.routes), site)

    def step(tally: Tally) -> Outcome:
        told = worker.notes
        outcome = worker.step()
        tally.amount += worker.notes - told
        return outcome

    return step


CREW = Crew(NOTIFY, _orders, backlog, _begin)
