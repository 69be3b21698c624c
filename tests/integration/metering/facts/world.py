"""Two places with a meter each, two meters in the store, and what the tests ask of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg

from metering.facts.sync import bring_inventory
from registry.audit import Act
from registry.catalogue import Catalogue, PointInfo, ProfileInfo
from registry.changes import Changes
from registry.refusal import RefusedError
from tests.unit.registry.samples import Document, device, document, inventory

Conn = psycopg.Connection[Any]
CHINA = timezone(timedelta(hours=8))
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
ACT = Act("王芳", NOW)
BODY = """
points:
  - {name: energy, unit: kWh, class: counter, type: u32, scale: 0.01}
  - {name: export, unit: kWh, class: counter, type: u32, scale: 0.01}
  - {name: power, unit: kW, class: gauge, type: f32}
"""


def at(day: float) -> datetime:
    """A time so many days after the start."""
    return START + timedelta(days=day)


def catalogue() -> Catalogue:
    points = (
        PointInfo("energy", "正向电能", "kWh", "counter"),
        PointInfo("export", "反向电能", "kWh", "counter"),
        PointInfo("power", "功率", "kW", "gauge"),
    )
    water = (PointInfo("volume", "累计流量", "m³", "counter"),)
    return {
        "meter": ProfileInfo("meter", 1, "meter-1", BODY, points),
        "water": ProfileInfo("water", 1, "water-1", "points: []", water),
    }


def content() -> Document:
    """m-1 hangs at p-1 and m-2 at p-2 from the start; m-8 and m-9 lie in the store."""
    found = document()
    for one in found["devices"]:
        one["since"] = START.isoformat()
    found["devices"] += [device("m-8", 8), device("m-9", 9)]
    return found


def bring(conn: Conn, stated: Document, now: datetime = START) -> Changes:
    """Bring an inventory in, and let the meters follow, as the command does."""
    known = catalogue()
    return bring_inventory(conn, Act("tester", now), inventory(stated, known), known)


def bring_world(conn: Conn) -> None:
    bring(conn, content())
    conn.execute("DELETE FROM metering_due")


def polled(conn: Conn, device_code: str, values: Sequence[tuple[float, float]]) -> None:
    """Store readings (day, value) of a device's first counter."""
    row = conn.execute(
        "SELECT p.id, d.profile_id FROM point p JOIN device d ON d.id = p.device_id"
        " WHERE d.code = %s ORDER BY p.id LIMIT 1",
        [device_code],
    ).fetchone()
    assert row is not None
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading VALUES (%s, %s, %s, 0, %s, %s, %s)",
            [(row[0], at(day), value, row[1], at(day), at(day)) for day, value in values],
        )


def due(conn: Conn) -> list[tuple[str, datetime, datetime | None]]:
    """Return and forget what is due: code of the meter, from, to (None: for ever)."""
    rows = conn.execute(
        "WITH gone AS (DELETE FROM metering_due RETURNING *)"
        " SELECT m.code, g.ts_from, CASE WHEN g.ts_to < '2900-01-01Z' THEN g.ts_to END FROM gone g"
        " JOIN meter m ON m.id = g.subject WHERE g.kind = 'meter' ORDER BY g.id"
    )
    return [(code, since, until) for code, since, until in rows.fetchall()]


def audit(conn: Conn) -> list[tuple[str, str, str]]:
    """Who did what to what, in order; imports of the world left out."""
    rows = conn.execute(
        "SELECT principal, action, subject FROM audit_log WHERE principal <> 'tester' ORDER BY id"
    )
    return [(who, action, subject) for who, action, subject in rows.fetchall()]


def bindings(conn: Conn, place: str) -> list[tuple[str, datetime | None, datetime | None]]:
    rows = conn.execute(
        "SELECT d.code, lower(b.valid), upper(b.valid) FROM device_place b"
        " JOIN device d ON d.id = b.device_id JOIN place p ON p.id = b.place_id"
        " WHERE p.code = %s AND NOT isempty(b.valid) ORDER BY lower(b.valid)",
        [place],
    )
    return [(code, since, until) for code, since, until in rows.fetchall()]


def entries(conn: Conn) -> list[tuple[str, str, datetime, Decimal]]:
    """Standing entries: device, kind, time, value."""
    rows = conn.execute(
        "SELECT d.code, e.kind, e.ts, e.value FROM counter_entry e JOIN device d"
        " ON d.id = e.device_id WHERE e.withdrawn_at IS NULL ORDER BY e.ts, d.code, e.kind"
    )
    return [(code, kind, ts, value) for code, kind, ts, value in rows.fetchall()]


_FACTS = (
    "SELECT meter_id, ct, pt, valid FROM meter_ratio WHERE withdrawn_at IS NULL ORDER BY 1, 4",
    (
        "SELECT device_id, register, resolution, capacity, max_per_hour, reversible, valid"
        " FROM device_register WHERE withdrawn_at IS NULL ORDER BY 1, 2, 7"
    ),
    (
        "SELECT device_id, register, ts, kind, value FROM counter_entry"
        " WHERE withdrawn_at IS NULL ORDER BY 1, 2, 3, 4"
    ),
    "SELECT device_id, place_id, valid FROM device_place WHERE NOT isempty(valid) ORDER BY 1, 2, 3",
    "SELECT place_id, room_id, valid FROM place_room WHERE NOT isempty(valid) ORDER BY 1, 2, 3",
)


def effective(conn: Conn) -> list[list[tuple[Any, ...]]]:
    """Every fact that stands, without its ids."""
    return [conn.execute(query).fetchall() for query in _FACTS]


def second_of(database: str, first: Callable[[Conn], object], then: Callable[[], object]) -> str:
    """Run ``then`` while ``first`` is not committed yet; return how it was refused afterwards."""
    caught: list[str] = []

    def second() -> None:
        try:
            then()
        except RefusedError as error:
            caught.append(str(error))

    with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as look:
        with other.transaction():
            first(other)  # nobody sees it, but it holds its place
            thread = threading.Thread(target=second)
            thread.start()
            while not look.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                assert thread.is_alive(), "the second one did not wait for the first"
                time.sleep(0.01)
        thread.join(60)
    (message,) = caught
    return message
