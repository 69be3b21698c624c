"""`jieyong meter work`: processes that compute what is due until they are told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from metering.derive.due import DueKind, mark
from tests.integration.metering.derive.world import add_meter, at, one, settle, write

SECONDS = 60


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        settle(conn)
        yield conn


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.05)


@pytest.fixture
def working(database: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "jieyong", "meter", "work"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": database,
            "JIEYONG_METERING__LOOK_S": "0.1",
        },
        stderr=subprocess.PIPE,
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def sessions(conn: psycopg.Connection) -> int:
    return one(
        conn,
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'jieyong metering' AND datname = current_database()",
    )


def test_it_computes_meters_points_and_virtual_meters_and_stops_when_told(
    conn: psycopg.Connection, database: str, working: subprocess.Popen[bytes]
) -> None:
    meter = add_meter(conn, "m")
    virtual = one(
        conn,
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', '', 'electricity', 'kWh', '{m} * 2') RETURNING id",
    )
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
    write(database, power, [(at(quarter), 7.0) for quarter in range(30)])

    total = "SELECT coalesce(sum(micro), 0) FROM consumption_day WHERE meter_id = %s"
    wait_for(lambda: one(conn, total, [meter.id]) == 14_500_000)
    wait_for(lambda: one(conn, total, [virtual]) == 29_000_000)
    wait_for(lambda: one(conn, "SELECT count(*) FROM gauge") > 0)

    working.send_signal(signal.SIGTERM)
    assert working.wait(SECONDS) == 0
    wait_for(lambda: sessions(conn) == 0)


def test_it_goes_on_after_the_database_has_cut_it_off(
    conn: psycopg.Connection, database: str, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'jieyong metering' AND datname = current_database()"
    )
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
    mark(conn, DueKind.METER, meter.id, at(0), datetime(2027, 1, 1, tzinfo=UTC), "test")

    wait_for(lambda: one(conn, "SELECT count(*) FROM consumption") == 29)

    assert working.poll() is None


def test_its_workers_end_with_it_even_when_it_is_killed(
    conn: psycopg.Connection, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)

    working.kill()

    wait_for(lambda: sessions(conn) == 0)


def test_a_worker_that_is_killed_ends_the_program_with_an_error(
    conn: psycopg.Connection, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)
    children = Path(f"/proc/{working.pid}/task/{working.pid}/children").read_text().split()
    spawned = [
        pid
        for pid in map(int, children)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(spawned[0], signal.SIGKILL)

    assert working.wait(SECONDS) == 1
    assert working.stderr is not None
    assert b"a worker ended with exit code -9" in working.stderr.read()
