from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from jieyong.doctor import examine_installation
from jieyong.doctor.finding import Finding, Level
from jieyong.doctor.metering import check_metering
from metering.derive import due
from metering.derive.due import QUEUES, DueKind
from storage.connection import connect
from storage.settings import DatabaseSettings
from tests.integration.metering.derive.world import (
    add_device,
    add_meter,
    at,
    enter,
    hang,
    one,
    settle,
    work,
    write,
)
from tests.integration.storage.due_world import kill_workers

SETTINGS = DatabaseSettings()
SOON = timedelta(minutes=1)
LONG = timedelta(hours=3)


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as conn:
        settle(conn)
        yield conn


def looked_at(url: str, later: timedelta = SOON) -> list[Finding]:
    return list(check_metering(url, SETTINGS, lambda: datetime.now(UTC) + later))


def told(url: str, word: str) -> list[Finding]:
    return [found for found in looked_at(url) if word in found.what]


def test_without_anything_to_do_all_is_well(database: str) -> None:
    (found,) = looked_at(database)
    assert (found.level, found.what) == (Level.OK, "nothing waits to be computed")


def test_what_was_just_entered_may_wait(conn: psycopg.Connection, database: str) -> None:
    due.mark(conn, DueKind.METER, 1, at(0), None, "test")
    (found,) = looked_at(database)
    assert found.level is Level.OK
    assert found.what.startswith("1 due rows; the oldest change waits ")


def test_work_that_nobody_does_is_a_problem(conn: psycopg.Connection, database: str) -> None:
    due.mark(conn, DueKind.METER, 1, at(0), None, "test")
    (found,) = looked_at(database, LONG)
    assert found.level is Level.PROBLEM
    assert found.what.endswith("waits 3 hours to be computed, and no worker is connected")
    assert found.advice.startswith("start `jieyong meter work`")


def test_readings_that_no_worker_looked_at_wait_too(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    write(database, meter.point, [(at(0), 1.0)])
    (found,) = looked_at(database, LONG)
    assert found.level is Level.PROBLEM
    assert found.what.startswith("0 due rows; the oldest change waits 3 hours")
    work(conn)
    assert told(database, "nothing waits")


def test_workers_that_do_not_keep_up_are_told(conn: psycopg.Connection, database: str) -> None:
    due.mark(conn, DueKind.METER, 1, at(0), None, "test")
    with connect(database, SETTINGS, "metering"):
        (found,) = looked_at(database, LONG)
    assert found.level is Level.WARNING
    assert found.what.endswith("; workers connected: 1")
    assert "metering.workers" in found.advice


def test_what_rests_after_a_failure_does_not_count_as_waiting(
    conn: psycopg.Connection, database: str
) -> None:
    due.mark(conn, DueKind.METER, 7, at(0), None, "test")
    QUEUES[DueKind.METER].failed(conn, {7: "no"}, datetime.now(UTC) + LONG)
    (found,) = looked_at(database, LONG)
    assert found.what == "nothing waits to be computed"


def test_failures_are_told_from_the_third_on_with_their_reason(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m-1")
    write(database, meter.point, [(at(0), 1.0)])
    work(conn)
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    error = "its ratio is no whole number of millionths\nTraceback"
    for kind, subject, times in (
        (DueKind.METER, meter.id, 3),
        (DueKind.POINT, power, 4),
        (DueKind.METER, 99, 2),
    ):
        due.mark(conn, kind, subject, at(0), None, "test")
        for _ in range(times):
            QUEUES[kind].failed(conn, {subject: error}, at(0))

    point, found = told(database, "could not be computed")

    assert found.level is Level.PROBLEM
    assert found.where == "meter m-1"
    assert found.what == (
        "could not be computed 3 times since 2026-05-30 00:00 UTC: "
        "its ratio is no whole number of millionths"
    )
    assert found.advice.endswith("it is tried again at 2026-05-30 00:04 UTC")
    assert (point.where, "4 times" in point.what) == ("point device-m-1/power", True)


def test_what_is_set_aside_is_told_with_what_to_do(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m-1")
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    kill_workers(conn, QUEUES[DueKind.METER], meter.id, at(0))
    kill_workers(conn, QUEUES[DueKind.POINT], power, at(1))

    found, point = told(database, "set aside")

    assert (found.where, point.where) == ("meter m-1", "point device-m-1/power")
    assert "workers ended in the middle of it, killed or cut off, 3 times in a row" in found.what
    assert "`journalctl -k`" in found.advice
    assert "`jieyong meter recompute m-1`" in found.advice
    assert "`jieyong meter recompute --all`" in point.advice
    assert told(database, "nothing waits to be computed"), "they are not late"


def test_many_failures_are_told_in_short(conn: psycopg.Connection, database: str) -> None:
    for subject in range(1, 8):
        due.mark(conn, DueKind.METER, subject, at(0), None, "test")
    for _ in range(3):
        QUEUES[DueKind.METER].failed(conn, dict.fromkeys(range(1, 8), "no"), at(0))
    found = told(database, "could not be computed")
    assert len(found) == 6
    assert found[-1].what == "2 more could not be computed: meter 6, meter 7"


def test_places_with_a_counter_but_without_a_meter_are_named(
    conn: psycopg.Connection, database: str
) -> None:
    settled = add_meter(conn, "m-1")
    write(database, settled.point, [(at(0), 1.0)])
    assert told(database, "without a meter") == []
    place = one(
        conn,
        "INSERT INTO place (code, name, measures) VALUES ('p-2', '', 'water') RETURNING id",
    )
    assert told(database, "without a meter") == []
    device, _ = add_device(conn, "d-2")
    hang(conn, device, place, at(0), None)
    (found,) = told(database, "without a meter")
    assert found.what == "1 place with a counter but without a meter: p-2"
    assert "jieyong inventory apply" in found.advice


def test_meters_without_any_reading_are_named(conn: psycopg.Connection, database: str) -> None:
    heard, entered, other = (add_meter(conn, code) for code in ("m-1", "m-2", "m-3"))
    for number in range(4, 10):
        add_meter(conn, f"m-{number}")
    conn.execute("UPDATE meter SET valid = tstzrange(NULL, %s) WHERE code = 'm-9'", [at(0)])
    write(database, heard.point, [(at(0), 1.0)])
    enter(conn, entered, at(0), "reading", 5)
    # Its counter is another one than that of which there are readings.
    conn.execute("UPDATE meter SET register = 'export' WHERE code = 'm-3'")
    write(database, other.point, [(at(0), 1.0)])

    (found,) = told(database, "without any reading")

    assert found.level is Level.WARNING
    assert found.what == "6 meters without any reading ever: m-3, m-4, m-5, m-6, m-7 and 1 more"


def test_a_virtual_meter_needs_no_reading(conn: psycopg.Connection, database: str) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', '', 'electricity', 'kWh', '0')"
    )
    assert told(database, "without any reading") == []


def test_without_database_or_schema_it_leaves_the_word_to_others(blank_database: str) -> None:
    assert looked_at(blank_database) == []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert looked_at(f"postgresql://127.0.0.1:{port}/city") == []


def test_the_doctor_looks_at_it(
    conn: psycopg.Connection, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    add_meter(conn, "m-1")
    what = [found.what for found in examine_installation(None) if found.where == "metering"]
    assert what == [
        "nothing waits to be computed",
        "1 meter without any reading ever: m-1",
    ]
