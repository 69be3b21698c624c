"""Queues to be tested: one with a kind and one without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import psycopg

from storage.due import Claim, Queue
from storage.due_sql import MOST_DEATHS
from storage.due_worker import Computed, DueWorker
from storage.times import SECOND_US

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUEUES = [
    Queue("fleet", "vehicle_id", lock=0x7E_0001, near_us=60 * SECOND_US),
    Queue("metering", "subject", lock=0x7E_0002, near_us=60 * SECOND_US, kind="point"),
]
OTHER_KIND = Queue("metering", "subject", lock=0x7E_0003, near_us=0, kind="meter")


def count(conn: psycopg.Connection, queue: Queue, ending: str) -> int:
    query = f"SELECT count(*) FROM {queue.name.split()[0]}_{ending}"
    ((found,),) = conn.execute(query.encode()).fetchall()
    return int(found)


def mark(conn: psycopg.Connection, queue: Queue, *subjects: int) -> None:
    for subject in subjects:
        queue.mark(conn, subject, NOON, NOON, "test")


def everything(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
    return Computed(list(claims))


def worker(conn: psycopg.Connection, queue: Queue, now: datetime = NOON) -> DueWorker:
    return DueWorker(conn, queue, everything, lambda: now)


def subjects(claims: Sequence[Claim]) -> set[int]:
    return {one.subject for one in claims}


def left_behind(conn: psycopg.Connection, queue: Queue, *who: int) -> None:
    """What a worker that was killed had in hand."""
    conn.execute(
        "INSERT INTO due_in_hand (queue, subjects) VALUES (%s, %s)", [queue.name, list(who)]
    )


def kill_workers(conn: psycopg.Connection, queue: Queue, subject: int, now: datetime) -> None:
    """As if so many workers had died of a subject that it is set aside."""
    queue.mark(conn, subject, now, now, "test")
    for _ in range(MOST_DEATHS):
        left_behind(conn, queue, subject)
        queue.died(conn, now)
