"""A small registry with meters, and what a test does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from metering.derive import due
from metering.derive.rollup import Window
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Parts, Worker
from storage.due import Claim
from storage.records import Batch, Kind, pack_reading
from storage.times import us_of
from storage.writer import BulkWriter, Outcome

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 5, 30, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
PROFILE = """
code: test
version: 1
points:
  - {name: energy, class: counter, type: u32, scale: 0.01}
  - {name: export, class: counter, type: u32, scale: 0.01}
  - {name: power, class: gauge, type: u16}
"""
TABLES = {
    "consumption": "meter_id, slot, micro, estimated, covered_s, flags",
    "consumption_hour": "meter_id, slot, micro, estimated, covered_s, flags",
    "consumption_day": "meter_id, day, micro, estimated, covered_s, flags",
    "consumption_month": "meter_id, month, micro, estimated, covered_s, flags",
    "counter_finding": "meter_id, device_id, ts, until, kind, before, after, micro",
}


def at(quarters: float) -> datetime:
    """So many quarter hours after the start."""
    return START + quarters * QUARTER


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter with the first device at its place."""

    id: int
    place: int
    device: int
    point: int


def settle(conn: psycopg.Connection) -> None:
    """The registry that every test needs."""
    conn.execute(
        "INSERT INTO profile (code, version, sha256, body) VALUES ('test', 1, '', %s)", [PROFILE]
    )
    conn.execute(
        "INSERT INTO bus (code, transport, host, port) VALUES ('b', 'tcp', 'localhost', 502)"
    )


def add_device(conn: psycopg.Connection, code: str) -> tuple[int, int]:
    """Return the id of a new device, and of its first counter."""
    device = one(
        conn,
        "INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)"
        " SELECT %s, '', profile.id, bus.id, 1, 900, 1000 FROM profile, bus RETURNING id",
        [code],
    )
    point = one(
        conn,
        "INSERT INTO point (device_id, name, label, unit, class)"
        " VALUES (%s, 'energy', '', 'kWh', 'counter') RETURNING id",
        [device],
    )
    conn.execute(
        "INSERT INTO point (device_id, name, label, unit, class)"
        " VALUES (%s, 'export', '', 'kWh', 'counter'), (%s, 'power', '', 'W', 'gauge')",
        [device, device],
    )
    return device, point


def hang(
    conn: psycopg.Connection,
    device: int,
    place: int,
    since: datetime | None,
    until: datetime | None,
) -> None:
    conn.execute(
        "INSERT INTO device_place (device_id, place_id, valid) VALUES (%s, %s, tstzrange(%s, %s))",
        [device, place, since, until],
    )


def add_meter(
    conn: psycopg.Connection,
    code: str,
    since: datetime | None = START,
    until: datetime | None = None,
) -> Meter:
    """A place with a device and a meter."""
    place = one(
        conn,
        "INSERT INTO place (code, name, measures) VALUES (%s, '', 'electricity') RETURNING id",
        [code],
    )
    device, point = add_device(conn, f"device-{code}")
    hang(conn, device, place, since, until)
    meter = one(
        conn,
        "INSERT INTO meter (code, name, energy, unit, place_id)"
        " VALUES (%s, '', 'electricity', 'kWh', %s) RETURNING id",
        [code, place],
    )
    return Meter(meter, place, device, point)


def write(url: str, point: int, values: Sequence[tuple[datetime, float | None]]) -> Outcome:
    """Store readings as a collector does."""
    with closing(BulkWriter(url)) as writer:
        rows = [
            pack_reading(
                point, us_of(ts), value, 0 if value is not None else 1, 1, *[us_of(ts)] * 2
            )
            for ts, value in values
        ]
        return writer.write([Batch(Kind.READING, len(rows), b"".join(rows))])


def enter(
    conn: psycopg.Connection, meter: Meter, ts: datetime, kind: str, value: float | str
) -> int:
    """A person reads the counter."""
    return one(
        conn,
        "INSERT INTO counter_entry (device_id, register, ts, kind, value, entered_by, entered_at)"
        " VALUES (%s, 'energy', %s, %s, %s, 'test', %s) RETURNING id",
        [meter.device, ts, kind, value, START],
    )


def set_ratio(
    conn: psycopg.Connection, meter: Meter, ct: int, since: datetime, until: datetime | None = None
) -> None:
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " VALUES (%s, %s, 1, tstzrange(%s, %s), 'test', %s)",
        [meter.id, ct, since, until, START],
    )


@dataclass(slots=True)
class Recorder:
    """What the worker hands to the other parts."""

    points: list[int]
    windows: list[Window]

    def parts(self) -> Parts:
        return Parts(self._points, self._virtual)

    def _points(self, _conn: psycopg.Connection, claims: Sequence[Claim]) -> None:
        self.points += [claim.subject for claim in claims]

    def _virtual(self, _conn: psycopg.Connection, windows: Sequence[Window]) -> None:
        self.windows += windows


def make_worker(
    conn: psycopg.Connection,
    settings: MeteringSettings | None = None,
    recorder: Recorder | None = None,
    now: Callable[[], datetime] | None = None,
) -> Worker:
    parts = (recorder or Recorder([], [])).parts()
    return Worker(conn, settings or MeteringSettings(), ZONE, parts, now or (lambda: START))


def work(conn: psycopg.Connection, worker: Worker | None = None) -> None:
    """Follow the dirty log and compute until nothing is due."""
    due.follow(conn)
    worker = worker or make_worker(conn)
    while worker.step().done:
        pass


def rows(conn: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    """A derived table, in order."""
    return conn.execute(f"SELECT {TABLES[table]} FROM {table} ORDER BY 1, 2, 3, 4, 5").fetchall()


def derived(conn: psycopg.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every derived table of meters."""
    return {table: rows(conn, table) for table in TABLES}


def anew(conn: psycopg.Connection, worker: Worker | None = None) -> None:
    """Throw away what is derived and compute everything from scratch."""
    conn.execute(f"TRUNCATE {', '.join(TABLES)}, metering_due, metering_failure")
    for meter in conn.execute("SELECT id FROM meter WHERE formula IS NULL").fetchall():
        due.mark(conn, due.DueKind.METER, meter[0], datetime(2000, 1, 1, tzinfo=UTC), None, "anew")
    work(conn, worker)


def kwh(conn: psycopg.Connection, meter: int) -> float:
    return one(
        conn,
        "SELECT coalesce(sum(micro), 0)::float8 / 1e6 FROM consumption WHERE meter_id = %s",
        [meter],
    )


def one(conn: psycopg.Connection, query: str, values: Sequence[object] = ()) -> int:
    row = conn.execute(query, values).fetchone()
    assert row is not None
    value: int = row[0]
    return value
