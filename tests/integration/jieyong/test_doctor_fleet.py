from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from fleet.derive import due
from jieyong.doctor.finding import Finding, Level
from jieyong.doctor.fleet import check_fleet
from storage.connection import connect
from storage.settings import DatabaseSettings
from tests.integration.fleet.world import add_terminal, add_vehicle, bind, work, write
from tests.integration.storage.due_world import kill_workers
from tests.unit.fleet.drives import Drive

SETTINGS = DatabaseSettings()
LONG = timedelta(hours=3)


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn


def looked_at(url: str, later: timedelta = LONG) -> list[Finding]:
    return list(check_fleet(url, SETTINGS, lambda: datetime.now(UTC) + later))


def test_where_no_vehicle_carries_a_terminal_nobody_has_to_work(
    conn: psycopg.Connection, database: str
) -> None:
    add_vehicle(conn, "v")
    write(database, Drive().park(5).rows, {1: add_terminal(conn, "t")})
    assert looked_at(database) == []


def test_positions_that_nobody_looks_at_are_a_problem_until_a_worker_does(
    conn: psycopg.Connection, database: str
) -> None:
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, add_vehicle(conn, "v"))
    work(conn)
    write(database, Drive().park(5).rows, {1: terminal})
    (found,) = looked_at(database)
    assert (found.level, found.where) == (Level.PROBLEM, "trips")
    assert "no worker is connected" in found.what
    assert "`jieyong fleet work`" in found.advice
    with connect(database, SETTINGS, "fleet"):
        (found,) = looked_at(database)
    assert found.level is Level.WARNING
    work(conn)
    (found,) = looked_at(database)
    assert (found.level, found.what) == (Level.OK, "nothing waits to be computed")


def test_a_vehicle_that_fails_again_and_again_is_named(
    conn: psycopg.Connection, database: str
) -> None:
    vehicle = add_vehicle(conn, "v-7")
    bind(conn, add_terminal(conn, "t"), vehicle)
    for _ in range(3):
        assert all("could not" not in found.what for found in looked_at(database, -LONG))
        due.QUEUE.failed(conn, {vehicle: "no such\nTraceback"}, datetime.now(UTC) + LONG)
    *_, found = looked_at(database, -LONG)
    assert (found.level, found.where) == (Level.PROBLEM, "vehicle v-7")
    assert found.what.endswith(": no such")


def test_a_vehicle_that_is_set_aside_is_named_with_what_to_do(
    conn: psycopg.Connection, database: str
) -> None:
    vehicle = add_vehicle(conn, "v-7")
    bind(conn, add_terminal(conn, "t"), vehicle)
    conn.execute("DELETE FROM fleet_due")
    kill_workers(conn, due.QUEUE, vehicle, datetime.now(UTC))
    waits, found = looked_at(database, LONG)
    assert waits.level is Level.OK, "it is not late: it is set aside"
    assert (found.level, found.where) == (Level.PROBLEM, "vehicle v-7")
    assert "3 times in a row" in found.what
    assert "`jieyong fleet recompute --vehicle v-7`" in found.advice
