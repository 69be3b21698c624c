from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from metering.derive import due
from metering.derive.backlog import backlog, failing
from metering.derive.due import QUEUES, DueKind
from storage.backlog import Backlog
from tests.integration.metering.derive.world import (
    Recorder,
    add_meter,
    at,
    make_worker,
    work,
    write,
)

MINUTE = timedelta(minutes=1)
LATER = at(4)
NOTHING = Backlog({DueKind.METER: 0, DueKind.POINT: 0}, 0, None)


def mark(conn: psycopg.Connection, subject: int, since: datetime) -> None:
    due.mark(conn, DueKind.METER, subject, at(0), None, "test")
    conn.execute("UPDATE metering_due SET added_at = %s WHERE subject = %s", [since, subject])


def test_nothing_waits_in_the_beginning(conn: psycopg.Connection) -> None:
    assert backlog(conn, LATER) == NOTHING
    assert NOTHING.age_s(LATER) == 0


def test_a_row_waits_since_the_transaction_that_wrote_it(conn: psycopg.Connection) -> None:
    before = datetime.now(UTC) - MINUTE
    due.mark(conn, DueKind.POINT, 1, at(0), None, "test")
    found = backlog(conn, LATER)
    assert found.rows == {DueKind.METER: 0, DueKind.POINT: 1}
    assert found.oldest_at is not None
    assert before < found.oldest_at < before + 2 * MINUTE


def test_the_oldest_counts_and_its_age_is_never_below_zero(conn: psycopg.Connection) -> None:
    mark(conn, 1, at(2))
    mark(conn, 2, at(1))
    mark(conn, 3, at(3))
    found = backlog(conn, LATER)
    assert (found.rows[DueKind.METER], found.oldest_at) == (3, at(1))
    assert found.age_s(LATER) == 3 * 900
    assert found.age_s(at(0)) == 0


def test_what_failed_counts_again_from_its_next_try_on(conn: psycopg.Connection) -> None:
    mark(conn, 1, at(0))
    mark(conn, 2, at(2))
    QUEUES[DueKind.METER].failed(conn, {1: "no"}, LATER)
    assert backlog(conn, LATER) == Backlog({DueKind.METER: 2, DueKind.POINT: 0}, 1, at(2))
    assert backlog(conn, LATER + MINUTE).oldest_at == at(0)
    conn.execute("DELETE FROM metering_failure")
    assert backlog(conn, LATER).oldest_at == at(0)


def test_readings_wait_from_when_they_were_logged_until_they_are_computed(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    worker = make_worker(conn, recorder=Recorder([], []))
    write(database, meter.point, [(at(0), 1.0)])
    assert backlog(conn, LATER).oldest_at is not None
    work(conn, worker)
    assert backlog(conn, LATER) == NOTHING
    write(database, meter.point, [(at(1), 2.0)])
    conn.execute("UPDATE dirty_log SET logged_at = %s", [at(1)])
    assert backlog(conn, LATER) == Backlog(NOTHING.rows, 0, at(1))
    work(conn, worker)
    assert backlog(conn, LATER) == NOTHING


def test_positions_are_not_metering_s_work(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)"
        " VALUES ('position', '{1}', now(), now())"
    )
    assert backlog(conn, LATER) == NOTHING


def test_what_fails_is_named_the_worst_first(conn: psycopg.Connection) -> None:
    meter = add_meter(conn, "m")
    for subject in (meter.id, 99):
        due.mark(conn, DueKind.METER, subject, at(0), None, "test")
    due.mark(conn, DueKind.POINT, meter.point, at(0), None, "test")
    QUEUES[DueKind.METER].failed(conn, {meter.id: "bad ratio", 99: "gone"}, at(0))
    QUEUES[DueKind.METER].failed(conn, {99: "gone"}, at(1))
    QUEUES[DueKind.POINT].failed(conn, {meter.point: "odd"}, at(2))
    named = [(one.kind, one.name, one.failures, one.error) for one in failing(conn, 1)]
    assert named == [
        (DueKind.METER, "99", 2, "gone"),
        (DueKind.METER, "m", 1, "bad ratio"),
        (DueKind.POINT, "device-m/energy", 1, "odd"),
    ]
    (worst,) = failing(conn, 2)
    assert (worst.first_at, worst.retry_at) == (at(0), at(1) + 2 * MINUTE)


def test_pauses_double_up_to_six_hours(conn: psycopg.Connection) -> None:
    mark(conn, 1, at(0))
    pauses = []
    for _ in range(25):
        QUEUES[DueKind.METER].failed(conn, {1: "no"}, LATER)
        ((retry_at,),) = conn.execute("SELECT retry_at FROM metering_failure").fetchall()
        pauses.append((retry_at - LATER) // MINUTE)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, *[360] * 16]
