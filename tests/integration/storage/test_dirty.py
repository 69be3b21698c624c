from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from storage import dirty
from storage.writer import BulkWriter
from tests.unit.storage.samples import position, positions, reading, readings


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def writer(database: str) -> Iterator[BulkWriter]:
    with closing(BulkWriter(database)) as writer:
        yield writer


def consume(conn: psycopg.Connection, consumer: str = "c", most: int = 100) -> list[list[int]]:
    """Take, settle, and return the subjects of each entry."""
    with conn.transaction():
        taken = dirty.take(conn, consumer, most)
        dirty.settle(conn, consumer, taken.window.upto)
    return [entry.subjects for entry in taken.entries]


def begin(conn: psycopg.Connection, consumer: str = "c") -> None:
    with conn.transaction():
        taken = dirty.take(conn, consumer)
        assert taken.window.anew
        assert taken.entries == ()
        dirty.settle(conn, consumer, taken.window.upto)


def test_a_consumer_gets_what_was_written_once_and_in_order(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn)
    writer.write([readings(reading(2), reading(1))])
    writer.write([positions(position(7))])
    with conn.transaction():
        taken = dirty.take(conn, "c")
        dirty.settle(conn, "c", taken.window.upto)
    assert [(entry.kind, entry.subjects) for entry in taken.entries] == [
        ("reading", [1, 2]),
        ("position", [7]),
    ]
    assert all(entry.ts_from == entry.ts_to for entry in taken.entries)
    assert consume(conn) == []


def test_what_was_taken_but_not_settled_comes_again(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn)
    writer.write([readings(reading(1))])
    with conn.transaction(force_rollback=True):
        taken = dirty.take(conn, "c")
        dirty.settle(conn, "c", taken.window.upto)
    assert consume(conn) == [[1]]


def test_an_older_transaction_that_commits_late_is_not_skipped(
    database: str, conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn)
    with psycopg.connect(database) as slow:
        slow.execute(
            "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
            " VALUES ('reading', '{1}', now(), now())"
        )
        writer.write([readings(reading(2))])
        # The younger one waits with it: a mark behind it would be a mark behind the older one too.
        assert consume(conn) == []
        slow.commit()
    assert consume(conn) == [[1], [2]]
    assert consume(conn) == []


def test_a_transaction_that_rolls_back_leaves_nothing(
    database: str, conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn)
    with psycopg.connect(database) as other:
        other.execute(
            "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
            " VALUES ('reading', '{1}', now(), now())"
        )
        other.rollback()
    writer.write([readings(reading(2))])
    assert consume(conn) == [[2]]


def test_consumers_do_not_see_each_other(conn: psycopg.Connection, writer: BulkWriter) -> None:
    begin(conn, "one")
    begin(conn, "two")
    writer.write([readings(reading(1))])
    assert consume(conn, "one") == [[1]]
    writer.write([readings(reading(2))])
    assert consume(conn, "two") == [[1], [2]]
    assert consume(conn, "one") == [[2]]


def test_a_long_log_is_taken_in_parts_that_never_split_a_transaction(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn)
    for point in range(5):
        writer.write([readings(reading(point)), positions(position(100 + point))])
    with conn.transaction():
        assert dirty.take(conn, "c", 3).window.more
    parts = []
    while part := consume(conn, most=3):
        parts.append(len(part))
    assert sum(parts) == 10
    assert all(size % 2 == 0 for size in parts)


def test_an_idle_consumer_settles_nothing(conn: psycopg.Connection) -> None:
    begin(conn)
    with conn.transaction():
        window = dirty.window(conn, "c")
    assert window.since == window.upto


def test_only_what_every_consumer_has_settled_is_purged(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1))])
    assert dirty.purge(conn) == 0, "without consumers everything stays"
    begin(conn, "one")
    begin(conn, "two")
    assert dirty.purge(conn) == 1
    writer.write([readings(reading(2))])
    consume(conn, "one")
    assert dirty.purge(conn) == 0
    consume(conn, "two")
    assert dirty.purge(conn) == 1
    writer.write([readings(reading(3))])
    consume(conn, "one")
    dirty.forget(conn, "two")
    assert dirty.purge(conn) == 1


def test_a_consumer_that_was_never_registered_is_told_to_begin_anew(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn, "one")
    writer.write([readings(reading(1))])
    consume(conn, "one")
    dirty.purge(conn)
    begin(conn, "late")
    writer.write([readings(reading(2))])
    assert consume(conn, "late") == [[2]]


def test_nothing_is_purged_while_a_consumer_begins_anew(
    database: str, conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn, "one")
    with psycopg.connect(database) as newcomer:
        window = dirty.window(newcomer, "new")
        # Committed after the newcomer looked, and settled by the only other consumer.
        writer.write([readings(reading(1))])
        consume(conn, "one")
        assert dirty.purge(conn) == 0
        dirty.settle(newcomer, "new", window.upto)
        newcomer.commit()
    assert consume(conn, "new") == [[1]]
    assert dirty.purge(conn) == 1


def test_after_a_dump_was_restored_elsewhere_everybody_begins_anew(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    begin(conn, "one")
    begin(conn, "two")
    # As a dump carries it: numbers of a server that had counted further.
    conn.execute("UPDATE dirty_mark SET xid = '900000000' WHERE consumer = 'one'")
    conn.execute(
        "INSERT INTO dirty_log (xid, kind, subjects, ts_from, ts_to)"
        " VALUES ('900000007', 'reading', '{5}', now(), now())"
    )
    begin(conn, "two")
    begin(conn, "one")
    writer.write([readings(reading(1))])
    assert consume(conn, "one") == [[1]]
    assert consume(conn, "two") == [[1]]


def test_a_mark_ahead_of_the_server_is_no_mark(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    conn.execute("INSERT INTO dirty_mark VALUES ('c', '900000000')")
    begin(conn)
    writer.write([readings(reading(1))])
    assert consume(conn) == [[1]]


def test_what_is_derived_is_noted_by_the_days_it_speaks_of(conn: psycopg.Connection) -> None:
    begin(conn)
    day = 86_400_000_000
    dirty.note(conn, "consumption", [(7, 10, 20), (3, 5, 30), (7, 5 * day, 5 * day + 1), (3, 5, 9)])
    dirty.note(conn, "consumption", [])
    with conn.transaction():
        entries = dirty.take(conn, "c").entries
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    told = [
        (e.kind, e.subjects, *((at - epoch) // timedelta(microseconds=1) for at in span))
        for e in entries
        for span in [(e.ts_from, e.ts_to)]
    ]
    assert sorted(told) == [
        ("consumption", [3, 7], 5, 30),
        ("consumption", [7], 5 * day, 5 * day + 1),
    ]
