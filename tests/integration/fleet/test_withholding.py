"""Vehicles that become sensitive, from what is stored of them to what is derived."""

from __future__ import annotations

import random

import psycopg

from fleet.privacy.withholding import WHO, withhold_due
from registry.audit import lines
from tests.integration.fleet.world import (
    NOW,
    ZONE,
    add_terminal,
    add_vehicle,
    anew,
    bind,
    derived,
    one,
    work,
    write,
)
from tests.unit.fleet.drives import Drive, Fix

PLACES = (
    "SELECT (SELECT count(lat) + count(lon) FROM position)"
    " + (SELECT count(start_lat) + count(start_lon) + count(end_lat) + count(end_lon) FROM trip)"
    " + (SELECT count(lat) + count(lon) FROM vehicle_stop)"
)


def drive() -> list[Fix]:
    return Drive(odometer_km=500.0).park(30).go(20_000).park(60).go(5_000).park(30).rows


def test_a_vehicle_that_becomes_sensitive_loses_its_places(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    write(database, drive(), {1: terminal})
    work(conn)
    assert one(conn, PLACES) > 0
    assert one(conn, "SELECT count(*) FROM trip") == 2
    conn.execute("UPDATE vehicle SET sensitive = true")
    assert withhold_due(conn, ZONE, NOW) == 1
    assert one(conn, PLACES) == 0, "at once, before anything is computed again"
    work(conn)
    assert one(conn, PLACES) == 0
    trips = conn.execute("SELECT distance_mm, terminal_mm FROM trip ORDER BY started_at").fetchall()
    assert trips == [(None, 20_000_000), (None, 5_000_000)]
    day = conn.execute("SELECT gps_mm, gap_mm, moving_s, terminal_mm FROM vehicle_day").fetchall()
    assert day == [(None, None, None, 25_000_000)]
    (line,) = lines(conn, "v")
    assert (line.principal, line.action) == (WHO, "track.withhold")
    assert line.detail["positions"] == len(drive())
    assert withhold_due(conn, ZONE, NOW) == 0


def test_late_and_doubled_data_of_a_sensitive_vehicle_ends_as_if_it_had_not(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v", sensitive=True)
    bind(conn, terminal, vehicle)
    rows = Drive(odometer_km=500.0, every_s=20).park(30)
    for _ in range(6):
        rows.go(7_000).park(40)
    pieces = [rows.rows[n : n + 40] for n in range(0, len(rows.rows), 40)]
    dice = random.Random(3)
    dice.shuffle(pieces)
    for number, piece in enumerate(pieces):
        write(database, [*piece, *dice.choice(pieces[: number + 1])], {1: terminal})
        work(conn)
    found = derived(conn)
    assert len(found["trip"]) == 6
    assert one(conn, "SELECT sum(terminal_mm) FROM vehicle_day") == 42_000_000
    assert found == anew(conn)
    assert one(conn, PLACES) == 0


def test_a_vehicle_without_a_terminal_has_nothing_to_lose(conn: psycopg.Connection) -> None:
    add_vehicle(conn, "v")
    conn.execute("UPDATE vehicle SET sensitive = true")
    assert one(conn, "SELECT count(*) FROM withhold_due") == 1
    assert withhold_due(conn, ZONE, NOW) == 0
    assert one(conn, "SELECT count(*) FROM withhold_due") == 0
    assert lines(conn, "v") == []


def test_trips_whose_positions_are_gone_lose_their_places_too(
    conn: psycopg.Connection, database: str
) -> None:
    terminal, vehicle = add_terminal(conn, "t"), add_vehicle(conn, "v")
    bind(conn, terminal, vehicle)
    write(database, drive(), {1: terminal})
    work(conn)
    conn.execute("DELETE FROM position")
    conn.execute("UPDATE vehicle SET sensitive = true")
    assert withhold_due(conn, ZONE, NOW) == 1
    assert one(conn, PLACES) == 0
