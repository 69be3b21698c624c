"""Several workers, killed workers, and meters that cannot be computed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import pytest

from metering.derive import due
from metering.derive.backlog import backlog
from metering.derive.due import QUEUES, DueKind
from metering.derive.rollup import Window
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Parts, Worker
from storage.due import Claim
from storage.times import us_of
from tests.integration.metering.derive.world import (
    START,
    ZONE,
    Meter,
    Recorder,
    add_meter,
    anew,
    at,
    derived,
    kwh,
    make_worker,
    one,
    work,
    write,
)

SMALL = MeteringSettings(batch=3)


def steady(count: int, first: int = 0) -> list[tuple[datetime, float]]:
    return [(at(quarter), 0.5 * quarter) for quarter in range(first, first + count)]


def many(conn: psycopg.Connection, database: str, count: int) -> list[Meter]:
    meters = [add_meter(conn, f"m{number}") for number in range(count)]
    for meter in meters:
        write(database, meter.point, steady(30))
    return meters


class Census:
    """Sees which meters are being computed at the same time."""

    def __init__(self) -> None:
        self.twice: list[int] = []
        self.seen = 0
        self._lock = threading.Lock()
        self._inside: set[int] = set()

    def enter(self, meters: Sequence[int]) -> None:
        with self._lock:
            self.seen += len(meters)
            self.twice += [meter for meter in meters if meter in self._inside]
            self._inside.update(meters)

    def leave(self, meters: Sequence[int]) -> None:
        with self._lock:
            self._inside.difference_update(meters)


def run_worker(database: str, census: Census, failures: list[BaseException]) -> None:
    """Work until nothing is due, and report whom it held between computing and committing."""
    with psycopg.connect(database, autocommit=True) as conn:
        held: list[int] = []

        def announce(_conn: psycopg.Connection, windows: Sequence[Window]) -> None:
            held.extend(window.meter_id for window in windows)
            census.enter(held)

        parts = Parts(lambda _conn, _claims: None, announce)
        worker = Worker(conn, SMALL, ZONE, parts, lambda: START)
        try:
            while one(conn, "SELECT count(*) FROM metering_due"):
                with conn.transaction():
                    worker.step()
                    census.leave(held)
                held.clear()
        except BaseException as error:
            failures.append(error)
            raise


def test_workers_side_by_side_compute_each_meter_once_at_a_time_and_the_same(
    conn: psycopg.Connection, database: str
) -> None:
    meters = many(conn, database, 24)
    due.follow(conn)
    for meter in meters:
        for quarter in range(5):
            due.mark(conn, DueKind.METER, meter.id, at(quarter), at(quarter), "again")
    census, errors = Census(), list[BaseException]()
    threads = [
        threading.Thread(target=run_worker, args=(database, census, errors)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)

    assert not any(thread.is_alive() for thread in threads)
    assert errors == []
    assert census.twice == []
    assert census.seen >= 24
    assert [kwh(conn, meter.id) for meter in meters] == [14.5] * 24
    shared = derived(conn)
    anew(conn)
    assert derived(conn) == shared


def test_a_worker_leaves_the_rows_of_a_meter_that_somebody_holds(
    conn: psycopg.Connection, database: str
) -> None:
    first, second = many(conn, database, 2)
    due.follow(conn)
    with psycopg.connect(database) as other:
        held = QUEUES[DueKind.METER].claim(other, 1, START)
        due.mark(conn, DueKind.METER, held[0].subject, at(3), at(4), "meanwhile")
        worker = make_worker(conn)

        assert worker.step().done == 1
        assert worker.step().done == 0

        other.rollback()
    left = {subject for (subject,) in conn.execute("SELECT subject FROM metering_due").fetchall()}
    assert left == {held[0].subject}
    assert {first.id, second.id} - left
    work(conn, worker)
    assert kwh(conn, first.id) == kwh(conn, second.id) == 14.5


def test_a_killed_worker_leaves_everything_due(conn: psycopg.Connection, database: str) -> None:
    meters = many(conn, database, 3)
    due.follow(conn)
    due_rows = one(conn, "SELECT count(*) FROM metering_due")

    def die(own: psycopg.Connection, _windows: Sequence[Window]) -> None:
        """The server ends the session after the results were written, before they are committed."""
        conn.execute("SELECT pg_terminate_backend(%s)", [own.info.backend_pid])

    with psycopg.connect(database, autocommit=True) as doomed:
        parts = Parts(lambda _conn, _claims: None, die)
        with pytest.raises(psycopg.OperationalError):
            Worker(doomed, MeteringSettings(), ZONE, parts, lambda: START).step()

    assert one(conn, "SELECT count(*) FROM metering_due") == due_rows
    assert one(conn, "SELECT count(*) FROM consumption") == 0
    work(conn)
    assert [kwh(conn, meter.id) for meter in meters] == [14.5] * 3


def failing(conn: psycopg.Connection, database: str) -> tuple[Meter, Meter]:
    """A meter whose unit has nothing to do with its counter's, and a sound one."""
    bad, good = many(conn, database, 2)
    conn.execute("UPDATE meter SET unit = 't' WHERE id = %s", [bad.id])
    due.follow(conn)
    return bad, good


def test_a_meter_that_cannot_be_computed_stays_due_visibly_and_blocks_nobody(
    conn: psycopg.Connection, database: str
) -> None:
    bad, good = failing(conn, database)
    now = [START]
    worker = make_worker(conn, now=lambda: now[0])

    outcome = worker.step()

    assert (outcome.done, outcome.failed) == (1, 1)
    assert kwh(conn, good.id) == 14.5
    (failure,) = conn.execute("SELECT subject, error, failures FROM metering_failure").fetchall()
    assert failure[0] == bad.id
    assert "no factor is known" in failure[1]
    assert worker.step().failed == 0, "it is left alone for a while"
    now[0] += timedelta(minutes=2)
    assert worker.step().failed == 1
    now[0] += timedelta(minutes=1)
    assert worker.step().failed == 0, "the pause grows"
    conn.execute("UPDATE meter SET unit = 'kWh'")
    now[0] += timedelta(hours=7)
    assert worker.step().done == 1
    assert kwh(conn, bad.id) == 14.5
    assert one(conn, "SELECT count(*) FROM metering_failure") == 0
    assert one(conn, "SELECT count(*) FROM metering_due") == 0


def test_what_the_database_refuses_is_traced_to_its_meter(
    conn: psycopg.Connection, database: str
) -> None:
    meters = many(conn, database, 4)
    conn.execute(
        "ALTER TABLE consumption_day ADD CHECK (meter_id <> %s)".replace("%s", str(meters[1].id))
    )
    due.follow(conn)
    worker = make_worker(conn)

    worker.step()

    assert [kwh(conn, meter.id) for meter in meters] == [14.5, 0, 14.5, 14.5]
    failed = conn.execute("SELECT subject, error FROM metering_failure").fetchall()
    assert [subject for subject, _ in failed] == [meters[1].id]
    assert "CheckViolation" in failed[0][1]


def test_points_and_virtual_meters_go_to_their_parts(
    conn: psycopg.Connection, database: str
) -> None:
    meter = add_meter(conn, "m")
    virtual = one(
        conn,
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', '', 'electricity', 'kWh', '{m} * 2') RETURNING id",
    )
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    write(database, meter.point, steady(30))
    write(database, power, steady(30))
    due.mark(conn, DueKind.METER, virtual, at(0), at(1), "test")
    recorder = Recorder([], [])

    work(conn, make_worker(conn, recorder=recorder))

    assert recorder.points == [power]
    assert recorder.windows == [
        Window(meter.id, us_of(at(0)), us_of(at(30))),
        Window(virtual, us_of(at(0)), us_of(at(1)) + 1),
    ]


def test_a_part_that_fails_keeps_its_subject_due(conn: psycopg.Connection, database: str) -> None:
    meter = add_meter(conn, "m")
    powers = [row[0] for row in conn.execute("SELECT id FROM point WHERE name = 'power'")]
    write(database, powers[0], steady(3))
    write(database, meter.point, steady(30))
    due.follow(conn)

    def broken(_conn: psycopg.Connection, claims: Sequence[Claim]) -> None:
        raise ValueError(f"cannot compute {[one.subject for one in claims]}")

    parts = Parts(broken, lambda _conn, _windows: None)
    worker = Worker(conn, MeteringSettings(), ZONE, parts, lambda: START)

    outcome = worker.step()

    assert (outcome.done, outcome.failed) == (1, 1)
    assert kwh(conn, meter.id) == 14.5
    kind, subject = one_row(conn, "SELECT kind, subject FROM metering_failure")
    assert (kind, subject) == ("point", powers[0])


def one_row(conn: psycopg.Connection, query: str) -> tuple[object, ...]:
    (row,) = conn.execute(query).fetchall()
    return tuple(row)


def test_however_much_comes_of_a_meter_that_fails_it_stays_one_row(
    conn: psycopg.Connection, database: str
) -> None:
    bad, good = failing(conn, database)
    since = one(conn, "SELECT min(added_at) FROM metering_due")
    now = [START]
    worker = make_worker(conn, now=lambda: now[0])
    for hour in range(1, 7):
        write(database, bad.point, steady(4, 30 + 4 * hour))
        due.follow(conn)
        now[0] += timedelta(hours=7)
        assert worker.step().failed == 1
        assert one(conn, "SELECT count(*) FROM metering_due") == 1
    assert kwh(conn, good.id) == 14.5
    row = one_row(conn, "SELECT subject, ts_from, ts_to, added_at FROM metering_due")
    assert row == (bad.id, at(0), at(57), since)
    conn.execute("UPDATE meter SET unit = 'kWh'")
    now[0] += timedelta(hours=7)
    work(conn, worker)
    assert kwh(conn, bad.id) == 28.5


def test_what_a_part_fails_at_stays_a_row_for_each_span(
    conn: psycopg.Connection, database: str
) -> None:
    add_meter(conn, "m")
    power = one(conn, "SELECT id FROM point WHERE name = 'power'")
    for quarter in (0, 1, 2, 1000, 1001):
        due.mark(conn, DueKind.POINT, power, at(quarter), at(quarter), "test")

    def broken(_conn: psycopg.Connection, _claims: Sequence[Claim]) -> None:
        raise ValueError("no")

    Worker(conn, SMALL, ZONE, Parts(broken, lambda _conn, _windows: None), lambda: START).step()

    rows = conn.execute("SELECT kind, ts_from, ts_to FROM metering_due ORDER BY 2").fetchall()
    assert rows == [("point", at(0), at(2)), ("point", at(1000), at(1001))]


def test_a_clock_that_ran_ahead_lays_no_meter_to_rest_for_years(
    conn: psycopg.Connection, database: str
) -> None:
    bad, _ = failing(conn, database)
    ahead = START + timedelta(days=3650)
    assert make_worker(conn, now=lambda: ahead).step().failed == 1
    conn.execute("UPDATE meter SET unit = 'kWh'")
    assert backlog(conn, START).oldest_at is not None

    assert make_worker(conn).step().done == 1

    assert kwh(conn, bad.id) == 14.5
    assert backlog(conn, START).oldest_at is None
