"""Vehicles and terminals in a database, and positions brought in as collectors bring them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive import due
from fleet.derive.settings import TripSettings
from fleet.derive.worker import Worker
from fleet.privacy.withholding import withhold_due
from storage.records import Batch, Kind, Position, pack_position
from storage.writer import BulkWriter
from tests.unit.fleet.drives import Fix

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
TABLES = ("vehicle_stop", "trip", "vehicle_share")


def one(conn: psycopg.Connection[Any], query: str, values: Iterable[object] = ()) -> Any:  # noqa: ANN401
    row = conn.execute(query.encode(), list(values)).fetchone()
    assert row is not None
    return row[0]


def add_vehicle(conn: psycopg.Connection[Any], code: str, *, sensitive: bool = False) -> int:
    conn.execute("INSERT INTO institution (code, name) VALUES ('i', '局') ON CONFLICT DO NOTHING")
    found: int = one(
        conn,
        "INSERT INTO vehicle (code, plate, institution_id, energy, sensitive)"
        " SELECT %s, '川A·' || %s, id, 'petrol', %s FROM institution RETURNING id",
        [code, code, sensitive],
    )
    return found


def add_terminal(conn: psycopg.Connection[Any], code: str) -> int:
    found: int = one(conn, "INSERT INTO terminal (code) VALUES (%s) RETURNING id", [code])
    return found


def bind(conn: psycopg.Connection[Any], terminal: int, vehicle: int, valid: str = "[,)") -> None:
    conn.execute("INSERT INTO terminal_vehicle VALUES (%s, %s, %s)", [terminal, vehicle, valid])


def write(database: str, rows: Iterable[Fix], terminals: dict[int, int] | None = None) -> None:
    """Write fixes as a collector does; ``terminals``: the terminals' numbers → their ids."""
    packed = [
        pack_position(
            Position(
                terminal_id=(terminals or {}).get(row.terminal, row.terminal),
                fix_time_us=row.t_us,
                content_hash=row.hash,
                lat=row.lat,
                lon=row.lon,
                speed_kmh=row.speed,
                course_deg=None,
                altitude_m=None,
                odometer_km=row.odometer_km,
                satellites=None,
                acc=None if row.acc < 0 else bool(row.acc),
                flags=row.flags,
                seq=None,
                received_us=row.t_us + 1_000_000 if row.received_us is None else row.received_us,
                extra=None,
            )
        )
        for row in rows
    ]
    if packed:
        with closing(BulkWriter(database)) as writer:
            writer.write([Batch(Kind.POSITION, len(packed), b"".join(packed))])


def work(
    conn: psycopg.Connection[Any], settings: TripSettings | None = None, now: datetime = NOW
) -> int:
    """Compute everything that is due; return how many fixes were looked at."""
    withhold_due(conn, ZONE, NOW)
    due.follow(conn)
    worker = Worker(conn, settings or TripSettings(), ZONE, lambda: now)
    while worker.step().done:
        pass
    return worker.fixes


def derived(conn: psycopg.Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that is derived."""
    return {
        table: conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4".encode()).fetchall()
        for table in TABLES
    }


def anew(conn: psycopg.Connection[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """Throw everything derived away, compute it from the positions alone, and return it."""
    for table in TABLES:
        conn.execute(f"DELETE FROM {table}".encode())
    due.mark_all(conn, "test")
    work(conn)
    return derived(conn)
