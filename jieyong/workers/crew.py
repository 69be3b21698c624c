"""A crew: the processes that work one room's queues off, and what answers for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Final

import psycopg
import structlog

from jieyong.database import database_url
from jieyong.health import Heartbeat
from jieyong.metrics.workers import Nouns
from jieyong.settings import Settings
from jieyong.workers.processes import Leash, Stop, begin_process, run_processes
from jieyong.workers.tally import Tally, new_tally
from jieyong.workers.watch import Beside, Watched, answering, nothing
from storage.backlog import Backlog
from storage.connection import connect
from storage.due_hand import Hand
from storage.due_worker import Outcome

_BEAT_ALLOWED_S: Final = 15.0

log = structlog.get_logger()

Step = Callable[[Tally], Outcome]
"""Looks what is due, does a part of it, and counts into the tally's ``amount``."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What the settings say of a crew.

    Attributes:
        workers: processes, side by side.
        look_s: an idle worker looks for work so often.
        port: where health and metrics are answered; 0 takes any.
    """

    workers: int
    look_s: float
    port: int


@dataclass(frozen=True, slots=True)
class Crew:
    """Workers of one sort; of functions by their names, for it is handed to processes.

    Attributes:
        nouns: what they compute.
        orders: reads the settings.
        backlog: looks up what waits for them.
        begin: makes a worker on an autocommit connection of its own, and a hand that notes what it
            has taken on another.
        beside: looks up what there is to tell besides.
    """

    nouns: Nouns
    orders: Callable[[Settings], Orders]
    backlog: Callable[[psycopg.Connection, datetime], Backlog]
    begin: Callable[[psycopg.Connection, Hand, Settings], Step]
    beside: Callable[[psycopg.Connection, datetime], Beside] = nothing


def run_crew(crew: Crew, settings: Settings, stop: Callable[[], bool]) -> None:
    """Run the workers of the settings, a process each, until told to stop, and answer for them.

    Args:
        crew: which workers.
        settings: of everything.
        stop: asked twice a second.

    Raises:
        OSError: the port for health and metrics is taken.
        SettingsError: no database is set.
        WorkerEndedError: one ended by itself; the others are stopped.
    """
    orders = crew.orders(settings)
    tallies = [new_tally() for _ in range(orders.workers)]
    heart = Heartbeat(time.monotonic, _BEAT_ALLOWED_S)
    arguments = [(crew, settings, tally) for tally in tallies]
    watched = Watched(crew.nouns, crew.backlog, orders.port, crew.beside)
    with answering(settings, watched, tallies, heart):
        run_processes(_process, arguments, stop, heart.beat)


def _process(held: Connection, crew: Crew, settings: Settings, tally: Tally) -> None:
    begin_process(settings)
    _work(crew, settings, Leash(held), tally)


def _work(crew: Crew, settings: Settings, stop: Stop, tally: Tally) -> None:
    """Compute what is due until told to stop, whatever the database does."""
    conninfo, room = database_url(settings), crew.nouns.room
    look_s = crew.orders(settings).look_s
    while not stop.is_set():
        try:
            with (
                connect(conninfo, settings.database, room) as conn,
                connect(conninfo, settings.database, f"{room} notes") as notes,
            ):
                tally.connected = 1
                step = crew.begin(conn, Hand(notes), settings)
                _keep_working(step, crew.nouns, look_s, stop, tally)
        except psycopg.OperationalError as error:
            event = f"{room}_waits_for_database"
            log.warning(
                event,
                why=str(error).strip(),
                advice="nothing is lost: what is due stays due",
            )
            tally.connected = 0
            stop.wait(look_s)


def _keep_working(step: Step, of: Nouns, look_s: float, stop: Stop, tally: Tally) -> None:
    event = f"{of.room}_{of.done}"
    while not stop.is_set():  # a batch under way is finished
        outcome = step(tally)
        tally.add(outcome, datetime.now(UTC))
        if outcome.done or outcome.failed:
            log.info(event, done=outcome.done, failed=outcome.failed)
        else:
            stop.wait(look_s)
