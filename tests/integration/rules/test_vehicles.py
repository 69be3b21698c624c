"""Rules about vehicles, from papers and tracks in the database to doubts."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import psycopg
import pytest

from fleet.joining.model import Records
from metering.gauge.hold import Holds
from registry.calendar_store import load_calendar
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects.model import Basis, Inputs
from rules.subjects.places.modes import Modes
from rules.subjects.vehicles import due
from rules.subjects.vehicles.subjects import VEHICLES
from rules.timeline.overlay import Windows
from storage.times import us_of
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
from tests.integration.rules.world import GAUGES, ZONE, load_rules
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


def test_of_a_vehicle_that_was_sensitive_a_day_says_the_same_alone_and_within_a_year(
    conn: psycopg.Connection[Any], records: Records
) -> None:
    watched(conn, records)
    for since, value in ((date(2026, 6, 30), "sensitive"), (date(2026, 7, 2), "ordinary")):
        conn.execute(
            "INSERT INTO consumer_fact (consumer_id, name, value, since, key, content, entered_by,"
            " entered_at) SELECT id, 'secrecy', %s, %s, %s, '', 'x', now() FROM fuel_consumer"
            " WHERE code = 'v'",
            [value, since, value],
        )
    ((id_,),) = conn.execute("SELECT id FROM vehicle WHERE code = 'v'").fetchall()
    basis = Basis(versions(conn), GAUGES, load_calendar(conn), ZONE, Modes()).about(Sort.VEHICLE)

    def layers(first: datetime, last: datetime) -> Inputs:
        known = VEHICLES.look_up(conn, [id_], basis, basis.inputs)
        return known.load(conn, Windows(*(np.array([x]) for x in (id_, us_of(first), us_of(last)))))

    year = layers(begin(1, 1), begin(12, 31))
    told = set()
    for day in (begin(5, 6), begin(5, 12), begin(5, 16), begin(5, 21), begin(6, 15), begin(7, 1)):
        for name, (alone,) in layers(day, day + timedelta(days=1)).items():
            (within,) = year[name]
            assert clipped(within, day) == clipped(alone, day), (name, day)
            told |= {name for *_, value in clipped(alone, day) if value == 1}
    assert {"borrowed-card", "without-travel"} <= {name.replace("_", "-") for name in told}


def clipped(held: Holds, day: datetime) -> list[tuple[int, int, float]]:
    """What holds on a day, joined where it goes on."""
    first, last = us_of(day), us_of(day + timedelta(days=1))
    found: list[tuple[int, int, float]] = []
    for since, until, value in zip(
        held.since.tolist(), held.until.tolist(), held.value.tolist(), strict=True
    ):
        begin_, end = max(since, first), min(until, last)
        if begin_ < end:
            if found and found[-1][1:] == (begin_, value):
                begin_ = found.pop()[0]
            found.append((begin_, end, value))
    return found


def test_what_nobody_follows_does_not_grow_and_makes_the_same_due(
    conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    conn.execute(
        "INSERT INTO rules_vehicle_learned (part, month, basis, body)"
        " SELECT 'papers', month, '', '' FROM"
        " generate_series('2026-01-01'::date, '2026-12-01', interval '1 month') AS month"
    )
    for _ in range(200):
        day = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=dice.randrange(150 * 24))
        until = day + timedelta(hours=dice.randrange(99))
        conn.execute(
            "INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to, ways, noted_at)"
            " VALUES (%s, %s, %s, %s, now() - interval '2 days')",
            [dice.randrange(2), day, until, dice.random() < 0.5],
        )
    conn.execute(
        "INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to)"
        " VALUES (1, '-infinity', 'infinity'), (2, '2026-08-01', '2026-08-02')"
    )
    conn.execute(
        "INSERT INTO rules_vehicle_paper (since, noted_at)"
        " VALUES ('2026-03-20', now() - interval '2 days'),"
        " ('2026-07-20', now() - interval '3 days'), ('2026-06-20', now())"
    )
    with conn.transaction():
        with conn.transaction(force_rollback=True):
            as_noted = followed(conn)
        with monkeypatch.context() as context, conn.transaction(force_rollback=True):
            context.setattr(due, "AT_ONCE", 70)
            due.gather(conn)
            ((some,),) = conn.execute("SELECT count(*) FROM rules_vehicle_change").fetchall()
            assert 22 < some <= 3 * 20 + 2
            assert followed(conn) == as_noted
        due.gather(conn)
        due.gather(conn)
        assert conn.execute("SELECT count(*) FROM rules_vehicle_change").fetchone() == (22,)
        waiting = conn.execute("SELECT since::date::text FROM rules_vehicle_paper ORDER BY 1")
        assert waiting.fetchall() == [("2026-03-20",), ("2026-06-20",)]
        assert followed(conn) == as_noted
    assert len(as_noted[0]) > 10
    assert as_noted[1]


def followed(conn: psycopg.Connection[Any]) -> tuple[list[Any], list[Any]]:
    due.follow(conn)
    made = conn.execute(
        "SELECT subject, ts_from::text, ts_to::text FROM rules_due ORDER BY 1, 2, 3"
    )
    stale = conn.execute("SELECT month FROM rules_vehicle_learned WHERE stale ORDER BY 1")
    return made.fetchall(), stale.fetchall()
