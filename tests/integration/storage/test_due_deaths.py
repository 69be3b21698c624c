"""What kills its worker is found, and set aside after a few times."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from storage.due import Claim, Queue
from storage.due_hand import Hand
from storage.due_sql import MOST_DEATHS
from storage.due_worker import Computed, DueWorker
from tests.integration.storage.due_world import (
    MINUTE,
    NOON,
    QUEUES,
    count,
    everything,
    kill_workers,
    left_behind,
    mark,
    subjects,
    worker,
)

POISON = 3


def fatal(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
    """The kernel kills who computes one of them."""
    taken = list(claims)
    if POISON in subjects(taken):
        os.kill(os.getpid(), signal.SIGKILL)
    return Computed(taken)


def work_until_nothing_is_due(database: str, name: str, now: datetime) -> None:
    (queue,) = (queue for queue in QUEUES if queue.name == name)
    with (
        psycopg.connect(database, autocommit=True) as conn,
        psycopg.connect(database, autocommit=True) as notes,
    ):
        mine = DueWorker(conn, queue, fatal, lambda: now, Hand(notes))
        while mine.step(9).done:
            pass


def exit_code(database: str, queue: Queue, now: datetime) -> int | None:
    """Run a worker as a process of its own until it ends."""
    process = multiprocessing.get_context("spawn").Process(
        target=work_until_nothing_is_due, args=(database, queue.name, now)
    )
    process.start()
    process.join(60)
    assert process.exitcode is not None, "it does not end"
    return process.exitcode


def failure(conn: psycopg.Connection, queue: Queue) -> tuple[int, str]:
    table = f"{queue.name.split()[0]}_failure"
    ((deaths, error),) = conn.execute(f"SELECT deaths, error FROM {table}".encode()).fetchall()
    return deaths, error


def hands(conn: psycopg.Connection) -> int:
    ((found,),) = conn.execute("SELECT count(*) FROM due_in_hand").fetchall()
    return int(found)


def test_what_kills_its_worker_is_set_aside_and_nobody_suffers_with_it(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1, 2, POISON, 4, 5)
    # It rests from the second death on: every other worker finds nothing to do.
    codes = [exit_code(database, queue, NOON + 10 * n * MINUTE) for n in range(6)]

    assert codes == [-signal.SIGKILL, -signal.SIGKILL, 0, -signal.SIGKILL, 0, 0]
    assert codes.count(-signal.SIGKILL) == MOST_DEATHS
    assert count(conn, queue, "due") == count(conn, queue, "failure") == 1
    deaths, error = failure(conn, queue)
    assert deaths == MOST_DEATHS
    assert f"{MOST_DEATHS} times in a row" in error
    assert "set aside" in error
    assert "have it computed again" in error
    assert hands(conn) == 0
    waiting = queue.waiting(conn, NOON + timedelta(days=1))
    assert (waiting.oldest_at, waiting.failing, waiting.set_aside) == (None, 1, 1)
    mark(conn, queue, POISON)
    assert worker(conn, queue, NOON + timedelta(days=30)).step(9).done == 0, "nobody touches it"


def test_who_died_in_company_is_tried_alone_at_once(conn: psycopg.Connection, queue: Queue) -> None:
    mark(conn, queue, 1, 2)
    left_behind(conn, queue, 1, 2)
    queue.died(conn, NOON)
    mark(conn, queue, 7)
    together: list[int] = []

    def size(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        taken = list(claims)
        together.append(len(taken))
        return Computed(taken)

    mine = DueWorker(conn, queue, size, lambda: NOON)
    while mine.step(9).done:
        pass
    assert together == [1, 1, 1]
    assert count(conn, queue, "due") == count(conn, queue, "failure") == 0, "a success clears it"


def test_what_is_asked_for_is_tried_once_more(conn: psycopg.Connection, queue: Queue) -> None:
    kill_workers(conn, queue, POISON, NOON)
    queue.pardon(conn, POISON + 1, NOON)
    assert worker(conn, queue).step(9).done == 0
    queue.pardon(conn, POISON, NOON)
    left_behind(conn, queue, POISON)
    queue.died(conn, NOON)
    assert failure(conn, queue)[0] == MOST_DEATHS, "once, not as often as before"
    queue.pardon(conn, None, NOON)
    assert worker(conn, queue).step(9).done == 1
    assert count(conn, queue, "failure") == 0


def test_an_error_is_no_death(conn: psycopg.Connection, database: str, queue: Queue) -> None:
    mark(conn, queue, 1, 2)

    def refuse(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        raise ValueError(f"no {list(claims)}")

    with psycopg.connect(database, autocommit=True) as notes:
        assert DueWorker(conn, queue, refuse, lambda: NOON, Hand(notes)).step(9).failed == 2
    assert hands(conn) == 0
    queue.died(conn, NOON)
    assert queue.suspects(conn, 9, NOON + timedelta(days=1)) == []


def test_who_is_cut_off_and_lives_says_so(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1)

    def cut(own: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        conn.execute("SELECT pg_terminate_backend(%s)", [own.info.backend_pid])
        own.execute("SELECT")
        return Computed(list(claims))

    with (
        psycopg.connect(database, autocommit=True) as doomed,
        psycopg.connect(database, autocommit=True) as notes,
    ):
        mine = DueWorker(doomed, queue, cut, lambda: NOON, Hand(notes))
        with pytest.raises(psycopg.OperationalError):
            mine.step(9)
    assert hands(conn) == 0
    assert worker(conn, queue).step(9).done == 1


def test_who_is_at_work_is_not_taken_for_dead(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1)
    seen: list[int] = []

    def look(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        seen.append(hands(conn))
        with conn.transaction():
            queue.died(conn, NOON)
        seen.append(hands(conn))
        return everything(_conn, claims)

    with (
        psycopg.connect(database, autocommit=True) as other,
        psycopg.connect(database, autocommit=True) as notes,
    ):
        assert DueWorker(other, queue, look, lambda: NOON, Hand(notes)).step(9).done == 1
    assert seen == [1, 1], "what is in hand can be seen, and stays there"
    assert hands(conn) == count(conn, queue, "failure") == 0


def test_what_comes_of_one_that_is_set_aside_is_put_together(
    conn: psycopg.Connection, queue: Queue
) -> None:
    kill_workers(conn, queue, POISON, NOON)
    mark(conn, queue, *[POISON] * 99)
    queue.died(conn, NOON)
    assert count(conn, queue, "due") == 1
