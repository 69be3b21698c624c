"""Points with readings in a real database, for the tests of gauges and states."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from metering.gauge.settings import GaugeSettings
from metering.gauge.store import Recomputed, recompute_points
from metering.gauge.windows import PointSpan

Conn = psycopg.Connection[Any]
Row = tuple[Any, ...]
START = datetime(2026, 6, 1, tzinfo=UTC)
SETTINGS = GaugeSettings()


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def add_device(conn: Conn, code: str = "d1", interval_s: int = 60) -> int:
    conn.execute(
        "INSERT INTO profile (code, version, sha256, body) VALUES ('p', 1, 'x', '')"
        " ON CONFLICT DO NOTHING"
    )
    conn.execute(
        "INSERT INTO bus (code, transport, host, port) VALUES ('b', 'tcp', 'h', 502)"
        " ON CONFLICT DO NOTHING"
    )
    return only(
        conn,
        "INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)"
        " SELECT %s, %s, profile.id, bus.id, 1, %s, 500 FROM profile, bus RETURNING id",
        code,
        code,
        interval_s,
    )


def add_point(conn: Conn, device: int, name: str, class_: str = "gauge", unit: str = "kW") -> int:
    return only(
        conn,
        "INSERT INTO point (device_id, name, label, unit, class) VALUES (%s, %s, %s, %s, %s)"
        " RETURNING id",
        device,
        name,
        name,
        unit,
        class_,
    )


def only(conn: Conn, query: str, *values: object) -> int:
    row = conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def store(conn: Conn, point: int, readings: Iterable[tuple[float, float | None]]) -> None:
    """Readings at seconds after the start; a second one of the same time does not count."""
    conn.cursor().executemany(
        "INSERT INTO reading VALUES (%s, %s, %s, %s, 1, %s, %s) ON CONFLICT DO NOTHING",
        [(point, at(s), value, int(value is None), at(s), at(s)) for s, value in readings],
    )


def recompute(
    conn: Conn,
    *spans: tuple[int, float, float],
    settings: GaugeSettings = SETTINGS,
) -> Recomputed:
    """Point, seconds from and to."""
    with conn.transaction():
        found = [PointSpan(point, at(since), at(until)) for point, since, until in spans]
        return recompute_points(conn, found, settings)


def gauges(conn: Conn) -> list[Row]:
    return conn.execute("SELECT * FROM gauge ORDER BY point_id, slot").fetchall()


def states(conn: Conn) -> list[Row]:
    return conn.execute("SELECT * FROM state_time ORDER BY point_id, slot, value").fetchall()


def quarters(rows: Sequence[Row]) -> list[Row]:
    """Rows without their point, the slot as the number of the quarter since the start."""
    return [((slot - START) // timedelta(minutes=15), *rest) for _, slot, *rest in rows]
