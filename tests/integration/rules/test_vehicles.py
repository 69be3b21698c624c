"""Rules about vehicles, from papers and tracks in the database to doubts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from fleet.joining.model import Records
from rules.subjects.vehicles import due
from tests.integration.fleet.joining.world import card_of, settle
from tests.integration.rules.vehicles import (
    LONG_AGO,
    RULES,
    begin,
    doubts,
    episodes,
    look,
    watched,
)
from tests.integration.rules.world import load_rules
from tests.unit.fleet.joining.scene import (
    AT_A,
    AT_B,
    HOME,
    MENDED,
    Car,
    filling,
    in_may,
    order,
    repair,
    subject,
    us,
)

JUNE = begin(6, 20)


@pytest.fixture
def records() -> Records:
    days = {
        in_may(5): AT_A,
        in_may(6): AT_B,
        in_may(16): HOME,
        in_may(20): MENDED,
    }
    return subject(
        Car("v", days),
        filling(1, in_may(5), "09:27"),
        filling(2, in_may(6), "09:27"),
        filling(3, in_may(12), "13:00"),
        filling(4, in_may(16), "13:00", ml=70_000),
        repair(20, in_may(21)),
        repair(21, in_may(8)),
        order(30, in_may(8), "08:50", "10:10"),
        order(31, in_may(16), "08:50", "10:10"),
    )


def mine(conn: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    return {(rule, at) for rule, code, at in episodes(conn) if code == "v"}


def test_what_papers_and_tracks_contradict_becomes_doubts(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    look(conn, JUNE)
    found = mine(conn)
    assert {
        ("station-elsewhere", "05-06 09:27"),
        ("borrowed-card", "05-12 13:00"),
        ("without-travel", "05-16 13:00"),
        ("overfill", "05-16 13:00"),
        ("garage-never-visited", "05-08 00:00"),
        ("order-without-trip", "05-16 08:50"),
    } <= found
    assert not [at for rule, at in found if rule == "station-elsewhere" and at.startswith("05-05")]
    assert ("borrowed-card", "待说明") not in doubts(conn)
    assert "borrowed-card" in {rule for rule, _ in doubts(conn)}


@pytest.mark.parametrize(("came", "news"), [(begin(6, 20), True), (begin(9, 1), False)])
def test_what_a_statement_shows_of_last_month_is_told(
    conn: psycopg.Connection[Any], records: Records, came: datetime, news: bool
) -> None:
    text = RULES.read_text("utf-8")
    for kind, routes in (("overfill", ("energy", "bureau")), ("order_without_trip", ("x", "y"))):
        told = "\n    route: {}\n    escalate: {{after: 1d, route: {}}}".format(*routes)
        text = text.replace(f"kind: vehicle.{kind}", f"kind: vehicle.{kind}{told}")
    load_rules(conn, text, LONG_AGO)
    settle(conn, records)
    look(conn, came)
    look(conn, came + timedelta(days=5))
    found = {route for (route,) in conn.execute("SELECT route FROM note")}
    assert found == ({"bureau@i", "energy@i"} if news else set())
    assert "order-without-trip" in {rule for rule, _ in mine(conn)}, "that came in time, or never"


def test_trips_without_an_order_are_one_doubt_a_day_and_out_of_hours_another(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    look(conn, JUNE)
    found = mine(conn)
    # Orders of the 8th and the 16th say that orders are kept; on workdays of the days around there
    # are two trips, in working hours.
    assert ("trip-without-order", "05-11 09:00") in found
    assert ("trip-without-order", "05-11 16:00") not in found, "the same day's"
    # The 9th is a Saturday on which people work; the 10th is a Sunday.
    assert ("out-of-hours", "05-10 09:00") in found
    assert ("out-of-hours", "05-11 09:00") not in found


def test_late_papers_changed_cards_and_withdrawn_lines_are_followed(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    look(conn, JUNE)
    before = mine(conn)
    assert ("overfill", "05-16 13:00") in before
    conn.execute("UPDATE fleet_spending SET withdrawn_by = 'x', withdrawn_at = now() WHERE id = 4")
    look(conn, JUNE)
    assert ("overfill", "05-16 13:00") not in mine(conn)
    conn.execute("UPDATE fleet_spending SET withdrawn_by = NULL, withdrawn_at = NULL WHERE id = 4")
    look(conn, JUNE)
    assert mine(conn) == before
    conn.execute("DELETE FROM fuel_card_fact WHERE card = 'card v'")
    card_of(conn, "card v", None)
    look(conn, JUNE)
    assert not [rule for rule, _ in mine(conn) if rule in {"overfill", "borrowed-card"}]


def test_in_whatever_order_papers_come_the_same_doubts_stand_there(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    look(conn, JUNE)
    at_once = episodes(conn)
    conn.execute("DELETE FROM episode")
    due.mark_all(conn, "anew")
    look(conn, JUNE)
    assert episodes(conn) == at_once
    for table in ("dispatch_order", "fleet_spending"):
        kept = f"kept_{table}"
        conn.execute(f"CREATE TEMP TABLE {kept} AS SELECT * FROM {table}".encode())
        conn.execute(f"DELETE FROM {table}".encode())
    look(conn, JUNE)
    assert not [one for one in episodes(conn) if one[0] in {"overfill", "order-without-trip"}]
    for table in ("fleet_spending", "dispatch_order"):
        kept = f"kept_{table}"
        for (number,) in conn.execute(
            f"SELECT id FROM {kept} ORDER BY id DESC".encode()
        ).fetchall():
            conn.execute(
                f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {kept}"
                " WHERE id = %s".encode(),
                [number],
            )
            if number % 7 == 0:
                look(conn, JUNE)
    look(conn, JUNE)
    assert episodes(conn) == at_once


def test_an_order_of_weeks_is_held_against_ways_that_come_as_it_goes_on(
    conn: psycopg.Connection[Any],
) -> None:
    far = order(40, in_may(4), "08:50", None, out_hm=0, back_hm=90_000)
    watched(conn, subject(Car("v", {}), replace(far, back_us=us(in_may(20), "18:00"))))
    look(conn, JUNE)
    doubted = ("order-kilometres", "05-04 08:50")
    assert doubted in mine(conn)
    tables = {"trip": "started_at", "vehicle_stop": "began_at"}
    for table, at in tables.items():
        conn.execute(
            f"CREATE TEMP TABLE kept_{table} AS SELECT * FROM {table} WHERE {at} >= %s".encode(),
            [begin(5, 15)],
        )
        conn.execute(f"DELETE FROM {table} WHERE {at} >= %s".encode(), [begin(5, 15)])
    look(conn, JUNE)
    assert doubted not in mine(conn)
    for since, until in ((15, 18), (18, 31)):
        for table, at in tables.items():
            conn.execute(
                f"INSERT INTO {table} SELECT * FROM kept_{table}"
                f" WHERE {at} >= %s AND {at} < %s".encode(),
                [begin(5, since), begin(5, until)],
            )
        look(conn, JUNE)
    assert doubted in mine(conn)


def test_what_changes_is_gathered_before_it_is_looked_at(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    look(conn, JUNE)
    conn.execute("UPDATE fleet_spending SET note = 'x' WHERE id = 4")
    assert due.follow(conn) == 0, "an hour has not passed"
    conn.execute("UPDATE rules_vehicle_change SET noted_at = now() - interval '61 minutes'")
    assert due.follow(conn) == 1
    assert conn.execute("SELECT count(*) FROM rules_vehicle_paper").fetchone() == (0,)
    (only,) = conn.execute(
        "SELECT vehicle.code FROM rules_due JOIN vehicle ON vehicle.id = subject"
        " WHERE kind = 'vehicle'"
    ).fetchall()
    assert only == ("v",)
