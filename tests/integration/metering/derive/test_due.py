"""From the dirty log to what is due."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest

from metering.derive import due
from metering.derive.due import DueKind
from storage.times import NEVER_US, at_us
from tests.integration.metering.derive.world import add_device, add_meter, at, hang, one, write

Due = list[tuple[str, int, datetime, datetime]]


@pytest.fixture(autouse=True)
def followed(conn: psycopg.Connection) -> None:
    """The first look computes everything anew; from then on the log is followed."""
    due.follow(conn)


def rows(conn: psycopg.Connection) -> Due:
    return conn.execute(
        "SELECT kind, subject, ts_from, ts_to FROM metering_due ORDER BY kind, ts_from"
    ).fetchall()


def test_readings_of_a_counter_make_its_meter_due_once(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(q), 1.0) for q in range(4, 8)])
    write(database, meter.point, [(at(q), 1.0) for q in range(2)])

    assert due.follow(conn) == 1

    assert rows(conn) == [("meter", meter.id, at(0), at(7))]
    assert due.follow(conn) == 0, "what is followed is not followed again"


def test_what_comes_months_late_does_not_make_the_months_due(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    late = at(0) + timedelta(days=100)
    write(database, meter.point, [(at(0), 1.0), (late, 2.0)])

    due.follow(conn)

    assert rows(conn) == [("meter", meter.id, at(0), at(0)), ("meter", meter.id, late, late)]


def test_what_is_new_is_due_apart_from_older_readings_of_its_week(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    monday, thursday = at(192), at(492)
    write(database, meter.point, [(monday, 1.0), (thursday, 2.0)])
    conn.execute("UPDATE dirty_log SET logged_at = %s", [thursday])

    assert due.follow(conn) == 2

    assert rows(conn) == [
        ("meter", meter.id, monday, monday),
        ("meter", meter.id, thursday, thursday),
    ]


def test_gauges_are_due_as_points_and_other_counters_not_at_all(
    conn: psycopg.Connection, database: str
) -> None:
    add_meter(conn, "m")
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    export = one(conn, "SELECT id FROM point WHERE name = 'export'")
    write(database, power, [(at(0), 1.0)])
    write(database, export, [(at(0), 1.0)])

    due.follow(conn)

    assert rows(conn) == [("point", power, at(0), at(0))]


def test_a_device_that_hung_elsewhere_at_that_time_makes_that_place_due(
    conn: psycopg.Connection, database: str
) -> None:
    old, new = add_meter(conn, "old", until=at(10)), add_meter(conn, "new", until=at(10))
    hang(conn, old.device, new.place, at(10), None)
    write(database, old.point, [(at(20), 1.0)])

    due.follow(conn)

    assert rows(conn) == [("meter", new.id, at(20), at(20))]


def test_a_device_in_the_stock_makes_nothing_due(conn: psycopg.Connection, database: str) -> None:
    _, point = add_device(conn, "spare")
    write(database, point, [(at(0), 1.0)])

    assert due.follow(conn) == 0


def test_who_follows_beside_another_returns_at_once(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(0), 1.0)])
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [due.LOCK])

        assert due.follow(conn) == 0

    assert due.follow(conn) == 1


def test_a_fact_marks_what_it_changes_in_its_own_transaction(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    with psycopg.connect(database) as other:
        due.mark(other, DueKind.METER, meter.id, at(0), at(4), "ratio")
        assert rows(conn) == []
    due.mark(conn, DueKind.METER, meter.id, at(8), None, "ratio")

    assert rows(conn) == [
        ("meter", meter.id, at(0), at(4)),
        ("meter", meter.id, at(8), at_us(NEVER_US)),
    ]
