from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import dirty, latest
from storage.records import Batch
from storage.writer import BulkWriter
from tests.unit.storage.samples import HOUR_US, NOON_US, position, positions, reading, readings

DAY_US = 24 * HOUR_US


def position_with(terminal: int, ts_us: int, content: int) -> bytes:
    """A position that shows in its latitude which of several at one time it is."""
    return position(terminal, ts_us, content, lat=30.0 + content)


TIMES = st.sampled_from(
    [NOON_US, NOON_US + 1, NOON_US + HOUR_US, NOON_US - DAY_US, NOON_US - 90 * DAY_US]
)
SMALL = st.integers(1, 3)
BATCHES = st.one_of(
    st.lists(st.builds(reading, SMALL, TIMES, st.sampled_from([None, 1.0, 2.0])), min_size=1).map(
        lambda rows: readings(*rows)
    ),
    st.lists(st.builds(position_with, SMALL, TIMES, SMALL), min_size=1).map(
        lambda rows: positions(*rows)
    ),
)
STEPS = st.lists(st.one_of(st.just("refresh"), st.just("lose the mark"), BATCHES), max_size=12)


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


@pytest.fixture
def writer(database: str) -> Iterator[BulkWriter]:
    with closing(BulkWriter(database)) as writer:
        yield writer


def kept(conn: psycopg.Connection) -> tuple[list[Any], list[Any]]:
    readings_ = "SELECT point_id, ts, value, flags, observed_at FROM latest_reading ORDER BY 1"
    positions_ = """
        SELECT terminal_id, fix_time, lat, lon, speed_kmh, course_deg, acc, flags, received_at
        FROM latest_position ORDER BY 1
    """
    return conn.execute(readings_).fetchall(), conn.execute(positions_).fetchall()


def from_raw(conn: psycopg.Connection) -> tuple[list[Any], list[Any]]:
    readings_ = """
        SELECT DISTINCT ON (point_id) point_id, ts, value, flags, observed_at
        FROM reading ORDER BY point_id, ts DESC
    """
    positions_ = """
        SELECT DISTINCT ON (terminal_id) terminal_id, fix_time, lat, lon, speed_kmh, course_deg,
               acc, flags, received_at
        FROM position ORDER BY terminal_id, fix_time DESC, content_hash DESC
    """
    return conn.execute(readings_).fetchall(), conn.execute(positions_).fetchall()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_whatever_comes_in_whatever_order_it_is_what_raw_data_say(
    conn: psycopg.Connection, writer: BulkWriter, steps: list[str | Batch]
) -> None:
    conn.execute(
        "TRUNCATE reading, reading_conflict, position, dirty_log, dirty_mark,"
        " latest_reading, latest_position"
    )
    for step in steps:
        if isinstance(step, Batch):
            writer.write([step])
        elif step == "refresh":
            latest.refresh(conn)
        else:
            conn.execute("DELETE FROM dirty_mark")
    latest.refresh(conn)
    assert kept(conn) == from_raw(conn)
    assert latest.refresh(conn) == 0
    assert conn.execute("SELECT count(*) FROM dirty_log").fetchone() == (0,)


def test_case_32_a_replay_or_a_late_row_does_not_replace_the_newest(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    old, new = readings(reading(1, NOON_US, 1.0)), readings(reading(1, NOON_US + 1, 2.0))
    latest.refresh(conn)
    writer.write([new])
    assert latest.refresh(conn) == 1
    writer.write([old])
    assert latest.refresh(conn) == 0
    writer.write([old, new])
    assert latest.refresh(conn) == 0
    assert conn.execute("SELECT value FROM latest_reading").fetchall() == [(2.0,)]


def test_case_32_a_replay_or_a_late_position_does_not_replace_the_newest(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    old, new = positions(position_with(1, NOON_US, 1)), positions(position_with(1, NOON_US + 1, 2))
    latest.refresh(conn)
    writer.write([new])
    assert latest.refresh(conn) == 1
    writer.write([old])  # what a tunnel had held back
    assert latest.refresh(conn) == 0
    writer.write([old, new])
    assert latest.refresh(conn) == 0
    assert conn.execute("SELECT lat FROM latest_position").fetchall() == [(32.0,)]


@pytest.mark.parametrize("contents", [(1, 2), (2, 1)])
def test_of_several_positions_at_one_time_it_is_always_the_same_one(
    conn: psycopg.Connection, writer: BulkWriter, contents: tuple[int, int]
) -> None:
    for content in contents:
        writer.write([positions(position_with(1, NOON_US, content))])
        latest.refresh(conn)
    assert conn.execute("SELECT lat FROM latest_position").fetchall() == [(32.0,)]


def test_the_value_shown_is_the_first_of_a_conflict(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1, NOON_US, 1.0))])
    writer.write([readings(reading(1, NOON_US, 2.0))])
    latest.refresh(conn)
    assert conn.execute("SELECT value FROM latest_reading").fetchall() == [(1.0,)]


def test_without_a_mark_rows_that_are_no_longer_true_go(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1)), positions(position(1))])
    latest.refresh(conn)
    conn.execute("UPDATE latest_reading SET ts = ts + interval '1 year', value = 99")
    conn.execute("INSERT INTO latest_reading SELECT 5, ts, value, flags, observed_at FROM reading")
    conn.execute("DELETE FROM dirty_mark")
    assert latest.refresh(conn) == 2
    assert kept(conn) == from_raw(conn)


def test_of_several_programs_one_does_the_work(
    database: str, conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(1))])
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [latest.LOCK])
        assert latest.refresh(conn) == 0
        assert kept(conn) == ([], [])
    assert latest.refresh(conn) == 1


def test_an_older_transaction_that_commits_late_is_seen(
    database: str, conn: psycopg.Connection, writer: BulkWriter
) -> None:
    writer.write([readings(reading(2))])  # makes the chunk, which locks others out on TimescaleDB
    latest.refresh(conn)
    with psycopg.connect(database) as slow:
        slow.execute("INSERT INTO reading SELECT 1, ts, 1.0, 0, 3, ts, ts FROM reading")
        slow.execute(
            "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
            " SELECT 'reading', '{1}', ts, ts FROM reading LIMIT 1"
        )
        writer.write([readings(reading(2, NOON_US + 1))])
        latest.refresh(conn)
        slow.commit()
    latest.refresh(conn)
    assert kept(conn) == from_raw(conn)
    assert len(kept(conn)[0]) == 2


def test_a_long_log_is_worked_off_in_one_call(
    conn: psycopg.Connection, writer: BulkWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest.refresh(conn)
    for point in range(7):
        writer.write([readings(reading(point))])
    monkeypatch.setattr(latest, "MOST_ENTRIES", 2)
    assert latest.refresh(conn) == 7
    assert kept(conn) == from_raw(conn)


def test_what_others_derived_is_nothing_to_keep(
    conn: psycopg.Connection, writer: BulkWriter
) -> None:
    latest.refresh(conn)
    dirty.note(conn, "consumption", [(1, NOON_US, NOON_US)])
    writer.write([readings(reading(1))])
    assert latest.refresh(conn) == 1
