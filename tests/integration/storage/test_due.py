"""One queue with a kind and one without: who takes what, and what becomes of what fails."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import psycopg
import pytest

from storage.due import Claim, Queue, Span
from storage.due_worker import Computed, DueWorker
from storage.times import ALWAYS_US, NEVER_US, us_of
from tests.integration.storage.due_world import (
    MINUTE,
    NOON,
    OTHER_KIND,
    QUEUES,
    count,
    mark,
    subjects,
    worker,
)


def test_a_claim_holds_all_that_changed_of_a_subject(
    conn: psycopg.Connection, queue: Queue
) -> None:
    later = NOON + timedelta(hours=1)
    queue.mark(conn, 7, later, later, "b")
    queue.mark(conn, 7, NOON, NOON + MINUTE, "a")
    queue.mark(conn, 7, NOON + 2 * MINUTE, NOON + 2 * MINUTE, "near")
    queue.mark(conn, 8, None, None, "all")
    with conn.transaction():
        first, second = sorted(queue.claim(conn, 9, NOON), key=lambda one: one.subject)
    assert first.spans == (
        Span(us_of(NOON), us_of(NOON + 2 * MINUTE)),
        Span(us_of(later), us_of(later)),
    )
    assert len(first.rows) == 3
    assert second.spans == (Span(ALWAYS_US, NEVER_US),)


def test_a_queue_does_not_see_rows_of_another_kind(conn: psycopg.Connection) -> None:
    (points,) = (queue for queue in QUEUES if "point" in queue.name)
    mark(conn, OTHER_KIND, 1)
    mark(conn, points, 2)
    OTHER_KIND.failed(conn, {1: "no", 2: "not due of this kind"}, NOON)
    assert count(conn, points, "failure") == 1
    assert worker(conn, points).step(9).done == 1
    assert count(conn, points, "failure") == 1
    assert worker(conn, OTHER_KIND).step(9).done == 0, "it rests"
    assert worker(conn, OTHER_KIND, NOON + MINUTE).step(9).done == 1
    assert count(conn, points, "failure") == count(conn, points, "due") == 0


def test_nobody_waits_for_whom_another_holds(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1, 2, 3)
    with psycopg.connect(database) as other:
        assert subjects(queue.claim(other, 1, NOON)) == {1}
        mark(conn, queue, 1)
        assert worker(conn, queue).step(9).done == 2
        with conn.transaction():
            assert queue.hold(conn, [1, 2]) == {2}
    assert worker(conn, queue).step(9).done == 1
    assert count(conn, queue, "due") == 0


def test_what_was_not_taken_stays_due(conn: psycopg.Connection, queue: Queue) -> None:
    mark(conn, queue, 1, 2, 3)

    def one_of_them(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        return Computed([next(claims)])

    assert DueWorker(conn, queue, one_of_them, lambda: NOON).step(9).done == 1
    assert count(conn, queue, "due") == 2


def test_the_one_that_spoils_a_batch_is_found_and_rests_longer_each_time(
    conn: psycopg.Connection, queue: Queue
) -> None:
    now = [NOON]

    def refuse(conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        taken = list(claims)
        conn.execute("SELECT 1 / (1 - %s)", [int(2 in subjects(taken))])
        return Computed(taken)

    mark(conn, queue, 1, 2, 3)
    mine = DueWorker(conn, queue, refuse, lambda: now[0])
    outcome = mine.step(9)
    assert (outcome.done, outcome.failed) == (2, 1)
    for pause in (1, 2, 4):
        now[0] += pause * MINUTE - timedelta(seconds=1)
        assert mine.step(9).failed == 0, "it rests"
        now[0] += timedelta(seconds=1)
        assert mine.step(9).failed == 1
    assert worker(conn, queue, now[0] + timedelta(hours=6)).step(9).done == 1
    assert count(conn, queue, "failure") == count(conn, queue, "due") == 0


def test_however_much_comes_of_a_subject_that_fails_it_stays_one_row(
    conn: psycopg.Connection, queue: Queue
) -> None:
    fail, now = Meanwhile(), [NOON]
    mine = DueWorker(conn, queue, fail, lambda: now[0])
    for _ in range(3):
        mark(conn, queue, 1, 1)
        now[0] += timedelta(hours=7)
        assert mine.step(9).failed == 1
        assert count(conn, queue, "due") == 1


def test_a_clock_that_ran_ahead_lays_nobody_to_rest_for_years(
    conn: psycopg.Connection, queue: Queue
) -> None:
    mark(conn, queue, 1)
    queue.failed(conn, {1: "no"}, NOON + timedelta(days=3650))
    assert queue.waiting(conn, NOON).oldest_at is not None
    assert worker(conn, queue).step(9).done == 1


def test_an_error_of_one_lets_the_others_stand(conn: psycopg.Connection, queue: Queue) -> None:
    mark(conn, queue, 1, 2)

    def second_fails(_conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        return Computed([one for one in claims if one.subject == 1], {2: "no factor"})

    outcome = DueWorker(conn, queue, second_fails, lambda: NOON).step(9)
    assert (outcome.done, outcome.failed) == (1, 1)
    assert count(conn, queue, "due") == count(conn, queue, "failure") == 1


class Meanwhile:
    """Fails always; before its second failure is noted, somebody else does something."""

    def __init__(self) -> None:
        self.tries = 0

    def __call__(self, _conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        list(claims)
        self.tries += 1
        raise ValueError("no")


def test_what_another_worker_computes_meanwhile_is_no_failure(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1)
    fail = Meanwhile()
    with psycopg.connect(database, autocommit=True) as other:

        def clock() -> datetime:
            if fail.tries == 2:
                worker(other, queue).step(9)
            return NOON

        assert DueWorker(conn, queue, fail, clock).step(9).failed == 1
    assert count(conn, queue, "due") == count(conn, queue, "failure") == 0


def test_a_failure_is_left_to_who_holds_the_subject(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    mark(conn, queue, 1)
    fail = Meanwhile()
    with psycopg.connect(database) as other:

        def clock() -> datetime:
            if fail.tries == 2:
                queue.claim(other, 1, NOON)
            return NOON

        DueWorker(conn, queue, fail, clock).step(9)
        assert count(conn, queue, "failure") == 0
        other.rollback()
    assert worker(conn, queue).step(9).done == 1


def test_a_time_without_a_zone_is_refused(conn: psycopg.Connection, queue: Queue) -> None:
    with pytest.raises(ValueError, match="no zone"):
        queue.mark(conn, 1, NOON.replace(tzinfo=None), None, "test")
