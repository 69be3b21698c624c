"""What becomes due, who takes it, and what becomes of what fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive import due
from fleet.derive.settings import TripSettings
from fleet.derive.worker import Worker
from registry.importing import apply
from tests.integration.fleet.world import (
    NOW,
    ZONE,
    add_terminal,
    add_vehicle,
    bind,
    one,
    work,
    write,
)
from tests.unit.fleet.drives import NOON, Drive
from tests.unit.registry.samples import Document, catalogue, document, inventory

DUE = "SELECT vehicle_id, ts_from::text, ts_to::text, why FROM fleet_due ORDER BY id"


def due_rows(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    conn.execute("SET TimeZone = 'UTC'")
    return conn.execute(DUE).fetchall()


def test_positions_make_the_vehicle_due_that_carried_the_terminal_then(
    conn: psycopg.Connection, database: str
) -> None:
    terminal = add_terminal(conn, "t")
    before, after = add_vehicle(conn, "before"), add_vehicle(conn, "after")
    bind(conn, terminal, before, "[,2026-06-01 04:30Z)")
    bind(conn, terminal, after, "[2026-06-01 05:00Z,)")
    work(conn)
    write(database, Drive().park(5).rows, {1: terminal})
    due.follow(conn)
    assert due_rows(conn) == [
        (before, "2026-06-01 04:00:00+00", "2026-06-01 04:05:00+00", "positions")
    ]
    work(conn)
    write(database, Drive(NOON + 35 * 60_000_000).park(5).rows, {1: terminal})
    assert due.follow(conn) == 0, "nobody carried it then"


def test_a_binding_that_changes_makes_both_vehicles_due_for_what_changed(
    conn: psycopg.Connection,
) -> None:
    one_car, other = add_vehicle(conn, "a"), add_vehicle(conn, "b")
    terminal = add_terminal(conn, "t")
    bind(conn, terminal, one_car, "[2026-06-01Z,2026-07-01Z)")
    conn.execute("DELETE FROM fleet_due")
    conn.execute("UPDATE terminal_vehicle SET valid = '[2026-06-03Z,2026-07-05Z)'")
    assert due_rows(conn) == [
        (one_car, "2026-06-01 00:00:00+00", "2026-06-03 00:00:00+00", "binding"),
        (one_car, "2026-07-01 00:00:00+00", "2026-07-05 00:00:00+00", "binding"),
    ]
    conn.execute("DELETE FROM fleet_due")
    conn.execute("UPDATE terminal_vehicle SET vehicle_id = %s", [other])
    assert [row[0] for row in due_rows(conn)] == [one_car, other]
    conn.execute("DELETE FROM fleet_due")
    conn.execute("DELETE FROM terminal_vehicle")
    assert [row[0] for row in due_rows(conn)] == [other]


def test_an_inventory_that_moves_a_terminal_moves_its_trips_also_of_the_past(
    conn: psycopg.Connection, database: str
) -> None:
    def bring(content: Document, day: int) -> None:
        at = datetime(2026, 7, day, tzinfo=UTC)
        apply(conn, inventory(content), catalogue(), now=at, by="tester")

    def owners() -> list[str]:
        query = "SELECT v.code FROM trip JOIN vehicle v ON v.id = vehicle_id ORDER BY started_at"
        return [code for (code,) in conn.execute(query).fetchall()]

    bring(document(), 1)
    terminal = one(conn, "SELECT id FROM terminal")
    drive = Drive().park(30).go(5000).park(24 * 60, every_s=300).go(5000).park(30)
    write(database, drive.rows, {1: terminal})
    work(conn)
    assert owners() == ["v-1", "v-1"]
    content = document()
    content["terminals"][0]["vehicle"] = "v-2"
    bring(content, 2)
    work(conn)
    assert owners() == ["v-2", "v-2"]


def test_workers_share_and_none_waits_for_another(conn: psycopg.Connection, database: str) -> None:
    cars = [add_vehicle(conn, code) for code in "abc"]
    conn.execute("DELETE FROM fleet_due")
    for car in cars:
        due.QUEUE.mark(conn, car, NOW, NOW, "test")
    with psycopg.connect(database) as other:
        (held,) = due.QUEUE.claim(other, 1, NOW)
        assert held.subject == cars[0]
        assert Worker(conn, TripSettings(), ZONE, lambda: NOW).step().done == 2
        due.QUEUE.mark(conn, cars[0], NOW, NOW, "again")
        assert Worker(conn, TripSettings(), ZONE, lambda: NOW).step().done == 0
    assert Worker(conn, TripSettings(), ZONE, lambda: NOW).step().done == 1
    assert one(conn, "SELECT count(*) FROM fleet_due") == 0


def test_a_transaction_holds_no_more_positions_than_it_should(
    conn: psycopg.Connection, database: str
) -> None:
    for code in "abc":
        terminal = add_terminal(conn, code)
        bind(conn, terminal, add_vehicle(conn, code))
        write(database, Drive().park(30).go(5000).park(30).rows, {1: terminal})
    due.follow(conn)
    worker = Worker(conn, TripSettings(batch_fixes=1), ZONE, lambda: NOW)
    assert [worker.step().done for _ in range(4)] == [1, 1, 1, 0]
    assert one(conn, "SELECT count(*) FROM trip") == 3


def test_a_vehicle_that_fails_stays_due_and_holds_up_nobody(
    conn: psycopg.Connection, database: str
) -> None:
    numbers = [add_terminal(conn, code) for code in "xy"]
    good, bad = add_vehicle(conn, "good"), add_vehicle(conn, "bad")
    bind(conn, numbers[0], good)
    bind(conn, numbers[1], bad)
    work(conn)
    # Nothing of ours makes a trip of this vehicle fail: the database is told to refuse it.
    conn.execute(f"ALTER TABLE trip ADD CONSTRAINT no_such CHECK (vehicle_id <> {bad})".encode())
    for number in numbers:
        write(database, Drive().park(30).go(5000).park(30).rows, {1: number})
    due.follow(conn)
    worker = Worker(conn, TripSettings(), ZONE, lambda: NOW)
    outcome = worker.step()
    assert (outcome.done, outcome.failed) == (1, 1)
    assert one(conn, "SELECT count(*) FROM trip WHERE vehicle_id = %s", [good]) == 1
    error, count = conn.execute("SELECT error, failures FROM fleet_failure").fetchone() or ("", 0)
    assert "no_such" in error
    assert count == 1
    assert worker.step().done == 0, "it rests until its time has come"
    conn.execute("ALTER TABLE trip DROP CONSTRAINT no_such")
    later = Worker(conn, TripSettings(), ZONE, lambda: NOW.replace(hour=1))
    assert later.step().done == 1
    assert one(conn, "SELECT count(*) FROM fleet_failure") == 0


def test_other_thresholds_make_everything_due_once(conn: psycopg.Connection) -> None:
    car = add_vehicle(conn, "v")
    rules = TripSettings().rules()
    assert not due.adopt(conn, rules, ZONE), "the first thresholds are no other ones"
    assert not due.adopt(conn, rules, ZONE)
    assert due_rows(conn) == []
    assert due.adopt(conn, TripSettings(stop_off_s=60).rules(), ZONE)
    assert not due.adopt(conn, TripSettings(stop_off_s=60).rules(), ZONE)
    assert due_rows(conn) == [(car, "-infinity", "infinity", "thresholds")]
    assert due.adopt(conn, TripSettings(stop_off_s=60).rules(), ZoneInfo("UTC")), "days differ"


def test_a_database_without_a_mark_begins_with_everything(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    write(database, Drive().park(30).go(5000).park(30).rows, {1: terminal})
    conn.execute("DELETE FROM dirty_mark")
    conn.execute("DELETE FROM dirty_log")
    conn.execute("DELETE FROM fleet_due")
    work(conn)
    assert one(conn, "SELECT count(*) FROM trip") == 1
