"""An office with a meter whose readings were computed, as the program does it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from metering.derive import rollup as derived
from metering.derive.due import DueKind, mark
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Parts, Worker
from metering.plan.usage import Window, month_of
from metering.tree.virtual import recompute_virtual
from storage.due import Claim

Conn = psycopg.Connection[Any]
SHANGHAI = ZoneInfo("Asia/Shanghai")
OCTOBER = month_of(date(2026, 10, 1))
BEGIN = datetime(2026, 9, 30, 16, tzinfo=UTC)
"""Midnight of 1 October in Shanghai."""
NOW = datetime(2026, 11, 22, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
BODY = """
points:
  - {name: energy, unit: kWh, class: counter, type: u32, scale: 0.01}
"""
_WORLD = """
INSERT INTO institution (code, name) VALUES ('jg-1', '市机关');
INSERT INTO building (code, name, institution_id) SELECT 'b-1', '主楼', id FROM institution;
INSERT INTO room (code, name, building_id) SELECT 'r-1', '配电间', id FROM building;
INSERT INTO bus (code, transport, host, port) VALUES ('bus', 'tcp', 'h', 502);
"""


def build(conn: Conn) -> None:
    """An institution with a room, and nothing measured yet."""
    conn.execute(_WORLD.encode())
    conn.execute(
        "INSERT INTO profile (code, version, sha256, body) VALUES ('meter', 1, 'x', %s)", [BODY]
    )


def add_meter(conn: Conn, code: str, since: datetime | None = BEGIN) -> int:
    """A place with a meter and the device ``<code>-d`` with one counter."""
    place = number(
        conn, "INSERT INTO place (code, name, measures) VALUES (%s, %s, 'electricity')", code, code
    )
    conn.execute("INSERT INTO place_room SELECT %s, id, '[,)' FROM room", [place])
    add_device(conn, f"{code}-d", place, since)
    return number(
        conn,
        "INSERT INTO meter (code, name, energy, unit, place_id)"
        " VALUES (%s, '总电表', 'electricity', 'kWh', %s)",
        code,
        place,
    )


def add_device(
    conn: Conn, code: str, place: int, since: datetime | None, until: datetime | None = None
) -> int:
    device = number(
        conn,
        "INSERT INTO device"
        " (code, name, serial_no, profile_id, bus_id, unit, interval_s, timeout_ms)"
        " SELECT %s, %s, 'SN-1', profile.id, bus.id, 1, 900, 500 FROM profile, bus",
        code,
        code,
    )
    conn.execute(
        "INSERT INTO device_place VALUES (%s, %s, tstzrange(%s, %s))", [device, place, since, until]
    )
    conn.execute(
        "INSERT INTO point (device_id, name, label, unit, class)"
        " VALUES (%s, 'energy', '正向电能', 'kWh', 'counter')",
        [device],
    )
    return device


def poll(conn: Conn, device: str, values: Iterable[tuple[datetime, float | None]]) -> None:
    """Store readings of a device's counter."""
    point = number(
        conn,
        "SELECT point.id FROM point JOIN device ON device.id = device_id WHERE device.code = %s",
        device,
    )
    with conn.cursor() as cursor, cursor.copy("COPY reading FROM STDIN") as copy:
        for ts, value in values:
            copy.write_row([point, ts, value, 0, 1, ts, ts])


def steady(
    kwh: float, quarters: int, begin: datetime = BEGIN, start: float = 1000.0
) -> list[tuple[datetime, float | None]]:
    """A counter that gains as much every quarter hour; one reading more than quarters."""
    return [(begin + QUARTER * n, round(start + kwh * n, 2)) for n in range(quarters + 1)]


def compute(conn: Conn, meter: int) -> None:
    """Compute all of a meter, as a worker does."""
    mark(conn, DueKind.METER, meter, BEGIN - timedelta(days=400), NOW, "test")

    def no_points(_conn: Conn, claims: Sequence[Claim]) -> None:
        assert not claims

    def virtual(conn: Conn, windows: Sequence[derived.Window]) -> None:
        recompute_virtual(conn, windows, SHANGHAI)

    parts = Parts(no_points, virtual)
    worker = Worker(conn, MeteringSettings(), SHANGHAI, parts, lambda: NOW)
    outcome = worker.step()
    assert (outcome.done, outcome.failed) == (1, 0)


def number(conn: Conn, query: str, *values: object) -> int:
    """The id that a query returns; of an INSERT the new one."""
    returning = " RETURNING id" if query.startswith("INSERT") else ""
    row = conn.execute((query + returning).encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def day(number_: int) -> Window:
    """A day of October."""
    return Window(date(2026, 10, number_), date(2026, 10, number_))
