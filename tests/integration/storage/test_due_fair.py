"""What is new and what is old take turns: neither waits for the other to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from storage.due import NEW_FOR, Claim, Lane, Queue
from storage.due_sql import statements
from storage.due_worker import Computed, DueWorker
from tests.integration.storage.due_world import (
    MINUTE,
    NOON,
    count,
    mark,
    subjects,
    worker,
)

LONG_AGO = NOON - timedelta(days=700)
HOUR = timedelta(hours=1)


class Seen:
    """Computes everything, and remembers what it took."""

    def __init__(self) -> None:
        self.taken: list[Claim] = []

    def __call__(self, _conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        self.taken = list(claims)
        return Computed(self.taken)


def old(conn: psycopg.Connection, queue: Queue, *who: int) -> None:
    for subject in who:
        queue.mark(conn, subject, LONG_AGO, LONG_AGO + HOUR, "import of years")


def test_what_is_new_is_taken_before_the_backlog_ends(
    conn: psycopg.Connection, queue: Queue
) -> None:
    old(conn, queue, *range(1, 101))
    mark(conn, queue, 999)
    seen = Seen()
    mine = DueWorker(conn, queue, seen, lambda: NOON)
    steps = []
    for _ in range(3):
        mine.step(5)
        steps.append(999 in subjects(seen.taken))
    assert any(steps), "a live unit waits for two turns of others at most"
    assert count(conn, queue, "due") >= 85, "and the backlog is still there"


def test_the_backlog_ends_however_much_comes_that_is_new(
    conn: psycopg.Connection, queue: Queue
) -> None:
    old(conn, queue, *range(1, 31))
    mine = worker(conn, queue)
    for step in range(20):
        mark(conn, queue, *(1_000 + 10 * step + n for n in range(10)))
        assert mine.step(5).done == 5, "what is new alone is more than it can do"
    ((left,),) = conn.execute(
        f"SELECT count(*) FROM {queue.name.split()[0]}_due WHERE ts_from < %s".encode(),
        [LONG_AGO + HOUR],
    ).fetchall()
    assert left == 0


def test_of_a_subject_with_years_due_only_what_is_new_comes_first(
    conn: psycopg.Connection, queue: Queue
) -> None:
    old(conn, queue, 7)
    mark(conn, queue, 7)
    with conn.transaction():
        (first,) = queue.claim(conn, 9, NOON, Lane.NEW)
        assert [span.from_us for span in first.spans] == [span.to_us for span in first.spans]
        queue.done(conn, [first])
    assert count(conn, queue, "due") == 1, "the years are still due"
    with conn.transaction():
        assert queue.claim(conn, 9, NOON, Lane.NEW) == []
        (rest,) = queue.claim(conn, 9, NOON, Lane.BACKLOG)
    assert rest.rows != first.rows


def test_the_newest_comes_first_and_a_day_old_is_backlog(
    conn: psycopg.Connection, queue: Queue
) -> None:
    for subject, age in ((1, 3 * HOUR), (2, MINUTE), (3, NEW_FOR), (4, NEW_FOR + MINUTE)):
        queue.mark(conn, subject, NOON - age, NOON, "test")
    with conn.transaction():
        assert subjects(queue.claim(conn, 1, NOON, Lane.NEW)) == {2}
    with conn.transaction():
        assert subjects(queue.claim(conn, 9, NOON, Lane.NEW)) == {1, 2, 3}


def test_what_matters_since_ever_is_backlog_and_what_fails_is_tried_as_a_whole(
    conn: psycopg.Connection, queue: Queue
) -> None:
    queue.mark(conn, 1, None, None, "a ratio")
    mark(conn, queue, 2)
    queue.failed(conn, {2: "no"}, NOON)
    later = NOON + MINUTE
    with conn.transaction():
        assert queue.claim(conn, 9, later, Lane.NEW) == []
        assert subjects(queue.claim(conn, 9, later)) == {1, 2}


def test_workers_in_any_lane_share_no_row(
    conn: psycopg.Connection, database: str, queue: Queue
) -> None:
    old(conn, queue, *range(1, 6))
    mark(conn, queue, *range(3, 9))
    with psycopg.connect(database) as other, conn.transaction():
        theirs = queue.claim(other, 4, NOON, Lane.NEW)
        mine = queue.claim(conn, 99, NOON, Lane.BACKLOG) + queue.claim(conn, 99, NOON, Lane.NEW)
        assert len(subjects(theirs)) == 4
        assert not subjects(theirs) & subjects(mine)
        rows = [row for one in theirs for row in one.rows]
        assert not set(rows) & {row for one in mine for row in one.rows}


FILL = """
INSERT INTO {table} ({columns}, ts_from, ts_to, why)
SELECT {values}, %(noon)s::timestamptz - n * interval '10 minutes', %(noon)s, 'fill'
FROM generate_series(1, 100000) AS n
"""


@pytest.fixture(params=["analysed", "never analysed"])
def large(
    conn: psycopg.Connection, queue: Queue, request: pytest.FixtureRequest
) -> psycopg.Connection:
    """A hundred thousand due rows of twenty thousand subjects, a seventh of a percent new."""
    kind = queue.name.partition(" ")[2]
    table = f"{queue.name.split()[0]}_due"
    columns, values = (
        ("kind, subject", f"'{kind}', n %% 20000") if kind else ("vehicle_id", "n %% 20000")
    )
    fill = FILL.format(table=table, columns=columns, values=values)
    conn.execute(fill.encode(), {"noon": NOON})
    if request.param == "analysed":
        conn.execute(f"ANALYZE {table}".encode())
    return conn


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def generic_plan(
    conn: psycopg.Connection, statement: str, values: dict[str, object]
) -> Iterator[dict[str, Any]]:
    """The nodes of the plan of which workers make do after their first few claims; it is run."""
    for number, name in enumerate(values, 1):
        statement = statement.replace(f"%({name})s", f"${number}")
    conn.execute("SET plan_cache_mode = force_generic_plan")
    conn.execute(
        f"PREPARE pick (timestamptz, interval, timestamptz, int, int) AS {statement}".encode()
    )
    given = sql.SQL(", ").join(map(sql.Literal, values.values()))
    query = sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON, TIMING off) EXECUTE pick ({})").format(given)
    ((found,),) = conn.execute(query).fetchall()
    return nodes(found[0]["Plan"])


@pytest.mark.parametrize("lane", list(Lane), ids=lambda lane: lane.name.lower())
def test_a_claim_reads_no_more_of_a_large_queue_than_it_takes(
    large: psycopg.Connection, queue: Queue, lane: Lane
) -> None:
    tables, _, kind = queue.name.partition(" ")
    subject = "subject" if kind else "vehicle_id"
    made = statements(tables, subject, kind or None)
    pick = (made.newest if lane is Lane.NEW else made.oldest).as_string(large)
    values = {"now": NOON, "longest": NEW_FOR, "since": NOON - NEW_FOR, "most": 50, "lock": 1}
    with large.transaction(force_rollback=True):
        found = list(generic_plan(large, pick, values))
    scans = [node for node in found if node.get("Relation Name") == f"{tables}_due"]
    assert [(node["Node Type"], node["Actual Rows"]) for node in scans] == [("Index Scan", 50)]
