"""`jieyong meter work`: processes that compute what is due until they are told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from jieyong.demo.figures import samples
from jieyong.demo.stage import free_ports
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
def port() -> int:
    (port,) = free_ports(1)
    return port


def start(database: str, tmp_path: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "jieyong", "meter", "work"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "DATABASE_URL": database,
            "JIEYONG_METERING__LOOK_S": "0.1",
            "JIEYONG_HTTP__METERING_PORT": str(port),
        },
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def working(database: str, tmp_path: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = start(database, tmp_path, port)
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


def names(conn: psycopg.Connection) -> set[str]:
    query = "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
    return {name for (name,) in conn.execute(query).fetchall()}


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except urllib.error.URLError:
        return 0, ""


def figures(port: int) -> dict[str, float]:
    found = {}
    for name, labels, value in samples(get(port, "/metrics")[1]):
        found[" ".join([name.removeprefix("jieyong_metering_"), *labels.values()])] = value
    return found


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
    conn: psycopg.Connection, database: str, working: subprocess.Popen[bytes], port: int
) -> None:
    wait_for(lambda: get(port, "/health/ready")[0] == 200)
    # The one that looks what is due is cut off as well.
    cut = conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'jieyong metering%' AND datname = current_database()"
    )
    assert cut.rowcount == 5, "of both workers, and what they note on, and the one that looks"
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
    mark(conn, DueKind.METER, meter.id, at(0), datetime(2027, 1, 1, tzinfo=UTC), "test")

    wait_for(lambda: one(conn, "SELECT count(*) FROM consumption") == 29)
    wait_for(lambda: "jieyong metering watch" in names(conn))
    wait_for(lambda: get(port, "/health/ready")[0] == 200)

    assert working.poll() is None


def test_its_workers_end_with_it_even_when_it_is_killed(
    conn: psycopg.Connection, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)

    working.kill()

    wait_for(lambda: sessions(conn) == 0)


def workers_of(working: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{working.pid}/task/{working.pid}/children").read_text().split()
    return [
        pid
        for pid in map(int, children)
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_a_worker_that_is_killed_ends_the_program_with_an_error(
    conn: psycopg.Connection, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)
    os.kill(workers_of(working)[0], signal.SIGKILL)

    assert working.wait(SECONDS) == 1
    assert working.stderr is not None
    assert b"a worker ended with exit code -9" in working.stderr.read()


def test_what_a_worker_had_in_hand_when_it_was_killed_is_known_to_the_next(
    conn: psycopg.Connection,
    database: str,
    working: subprocess.Popen[bytes],
    tmp_path: Path,
    port: int,
) -> None:
    wait_for(lambda: sessions(conn) == 2)
    meter = add_meter(conn, "m")
    hands = "SELECT count(*) FROM due_in_hand"
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE consumption IN ACCESS EXCLUSIVE MODE")
        write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
        mark(conn, DueKind.METER, meter.id, at(0), None, "test")
        wait_for(lambda: one(conn, hands) == 1)
        for pid in workers_of(working):
            os.kill(pid, signal.SIGKILL)
        assert working.wait(SECONDS) == 1
        assert one(conn, hands) == 1
    next_one = start(database, tmp_path, port)
    try:
        wait_for(lambda: one(conn, "SELECT count(*) FROM consumption") == 29)
        wait_for(lambda: one(conn, hands) == 0)
    finally:
        next_one.terminate()
        _, log = next_one.communicate(timeout=SECONDS)
    assert b"due_left_behind" in log
    assert one(conn, "SELECT count(*) FROM metering_failure") == 0, "tried alone, it was well"


def test_a_term_to_the_whole_group_lets_a_batch_end(
    conn: psycopg.Connection, database: str, working: subprocess.Popen[bytes]
) -> None:
    wait_for(lambda: sessions(conn) == 2)
    meter = add_meter(conn, "m")
    with psycopg.connect(database) as other:
        other.execute("LOCK TABLE consumption IN ACCESS EXCLUSIVE MODE")
        write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
        mark(conn, DueKind.METER, meter.id, at(0), None, "test")
        wait_for(lambda: one(conn, "SELECT count(*) FROM due_in_hand") == 1)
        for pid in (*workers_of(working), working.pid):
            os.kill(pid, signal.SIGTERM)
    assert working.wait(SECONDS) == 0
    assert one(conn, "SELECT count(*) FROM consumption") == 29
    assert one(conn, "SELECT count(*) FROM due_in_hand") == 0


def test_it_answers_for_its_health_and_with_what_it_has_done(
    conn: psycopg.Connection, database: str, working: subprocess.Popen[bytes], port: int
) -> None:
    wait_for(lambda: get(port, "/health/ready")[0] == 200)
    began = time.time()
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(quarter), 0.5 * quarter) for quarter in range(30)])
    mark(conn, DueKind.METER, 987_654, at(0), at(1), "test: nobody knows this meter")

    wait_for(lambda: figures(port).get("quarters_total") == 29)

    told = figures(port)
    assert told["workers connected"] == 2
    assert told["workers away"] == 0
    assert told["subjects_total done"] >= 1
    assert told["last_success_timestamp_seconds"] >= int(began)
    wait_for(lambda: figures(port).get("due_rows meter") == 0)
    assert figures(port)["due_oldest_age_seconds"] == 0
    health = json.loads(get(port, "/health")[1])
    assert (health["live"], health["ready"]) == (True, True)
    assert working.poll() is None


def test_without_a_database_it_is_live_and_not_ready(tmp_path: Path, port: int) -> None:
    (nobody,) = free_ports(1)
    process = start(f"postgresql://127.0.0.1:{nobody}/city", tmp_path, port)
    try:
        wait_for(lambda: "away" in get(port, "/health")[1])
        assert get(port, "/health/live")[0] == 200
        assert get(port, "/health/ready")[0] == 503
        told = figures(port)
        assert told["workers away"] == 2
        assert "due_oldest_age_seconds" not in told
    finally:
        process.terminate()
        _, log = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert b"metering_backlog_unknown" in log


def test_a_port_that_is_taken_is_told_before_anything_is_computed(
    database: str, working: subprocess.Popen[bytes], tmp_path: Path, port: int
) -> None:
    wait_for(lambda: get(port, "/health/live")[0] == 200)
    second = start(database, tmp_path, port)
    _, log = second.communicate(timeout=SECONDS)
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}".encode() in log
    assert working.poll() is None
