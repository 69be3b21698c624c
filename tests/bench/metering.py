"""What the benches of metering stand on: many meters with readings, and workers in processes."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event, Semaphore
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from jieyong import logs
from metering.derive.settings import MeteringSettings
from metering.derive.worker import Parts, Worker
from storage.due_hand import Hand
from tests.bench.processes import BenchError

BEGIN: Final = datetime(2026, 6, 1, tzinfo=UTC)
QUARTER: Final = timedelta(minutes=15)
ZONE: Final = ZoneInfo("Asia/Shanghai")
_PATIENCE_S: Final = 3600.0

_REGISTRY: Final = """
INSERT INTO profile (code, version, sha256, body) VALUES ('bench', 1, '',
    'points: [{{name: energy, type: u32, scale: 0.01}}]');
INSERT INTO bus (code, transport, host, port) VALUES ('bench', 'tcp', 'localhost', 502);
INSERT INTO place (code, name, measures)
SELECT 'p' || n, '', 'electricity' FROM generate_series(1, {meters}) AS n;
INSERT INTO device (code, name, profile_id, bus_id, unit, interval_s, timeout_ms)
SELECT 'd' || n, '', profile.id, bus.id, 1, 900, 1000
FROM generate_series(1, {meters}) AS n, profile, bus ORDER BY n;
INSERT INTO device_place (device_id, place_id, valid)
SELECT device.id, place.id, '[2026-01-01Z,)' FROM device
JOIN place ON substr(place.code, 2) = substr(device.code, 2);
INSERT INTO point (device_id, name, label, unit, class)
SELECT id, 'energy', '', 'kWh', 'counter' FROM device ORDER BY id;
INSERT INTO meter (code, name, energy, unit, place_id)
SELECT 'm' || id, '', 'electricity', 'kWh', id FROM place ORDER BY id;
INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)
SELECT id, 40, 1, '[,)', 'bench', '2026-01-01Z' FROM meter;
"""
_CLEAR: Final = """
TRUNCATE profile, bus, place, reading, dirty_log, dirty_mark, metering_due, metering_failure,
    consumption, consumption_hour, consumption_day, consumption_month, counter_finding
RESTART IDENTITY CASCADE
"""
# In the order of time, as collectors write: the rows of one meter lie apart.
_READINGS: Final = """
INSERT INTO reading (point_id, ts, value, flags, profile_id, observed_at, received_at)
SELECT point.id, ts, round((point.id * 10 + slot * 0.37)::numeric, 2), 0, 1, ts, ts
FROM generate_series(%(first)s::int, %(last)s::int) AS slot,
     LATERAL (SELECT %(begin)s + slot * interval '15 minutes' AS ts) AS time, point
ORDER BY slot, point.id
"""


def furnish(conn: psycopg.Connection, meters: int) -> None:
    """Make meters, a device and a counter each, in the place of what is there."""
    conn.execute(_CLEAR)
    conn.execute(_REGISTRY.format(meters=meters).encode())
    conn.execute("ANALYZE")


def read(conn: psycopg.Connection, first: int, last: int) -> None:
    """Store a reading of every meter at each of some quarter hours, the last one included."""
    conn.execute(_READINGS, {"first": first, "last": last, "begin": BEGIN})


def quarter(number: int) -> datetime:
    """Return the time of a quarter hour."""
    return BEGIN + number * QUARTER


Drain = Callable[[str, Semaphore, Event, "Queue[int]"], None]
"""A worker process: gets ready, begins when told, ends when nothing is due, tells its failures."""


def computed(
    url: str, workers: int, make_due: Callable[[], object], drain: Drain | None = None
) -> float:
    """Return how long worker processes take for what is made due, making it due included, s.

    Args:
        url: of the database; nothing else must be due.
        workers: processes; they are connected and warm before the clock starts.
        make_due: makes something due.
        drain: what a worker does; None: metering.

    Raises:
        BenchError: a worker failed, or could not compute something.
    """
    context = multiprocessing.get_context("spawn")
    ready, start, ended = context.Semaphore(0), context.Event(), context.Queue()
    processes = [
        context.Process(target=drain or _drain, args=(url, ready, start, ended), daemon=True)
        for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for _ in processes:
        if not ready.acquire(timeout=_PATIENCE_S):
            raise BenchError("a worker did not get ready")
    began = time.perf_counter()
    make_due()
    start.set()
    failures = [ended.get(timeout=_PATIENCE_S) for _ in processes]
    seconds = time.perf_counter() - began
    for process in processes:
        process.join()
    if any(failures):
        raise BenchError(
            f"{sum(failures)} subjects could not be computed; see metering_failure, rules_failure"
        )
    return seconds


def _drain(url: str, ready: Semaphore, start: Event, ended: Queue[int]) -> None:
    logs.configure("warning")
    parts = Parts(lambda _conn, _claims: None, lambda _conn, _windows: None)
    with (
        psycopg.connect(url, autocommit=True) as conn,
        psycopg.connect(url, autocommit=True) as notes,
    ):
        now, hand = lambda: datetime.now(UTC), Hand(notes)
        worker = Worker(conn, MeteringSettings(), ZONE, parts, now, hand)
        worker.step()
        ready.release()
        start.wait()
        while worker.step().done:
            pass
    ended.put(worker.failed)


def copied(conn: psycopg.Connection, since: datetime, rows: bytes) -> float:
    """Return how long it takes to copy readings out and quarter hours in, s: the limit.

    Args:
        conn: any connection.
        since: readings from then on are copied out.
        rows: quarter hours in the form of COPY, binary.
    """
    conn.execute("DROP TABLE IF EXISTS bare")
    conn.execute("CREATE TABLE bare (LIKE consumption INCLUDING INDEXES)")
    conn.execute("CHECKPOINT")
    began = time.perf_counter()
    for _ in _out(conn, f"SELECT point_id, ts, value FROM reading WHERE ts >= '{since}'"):
        pass
    with conn.cursor().copy("COPY bare FROM STDIN (FORMAT binary)") as copy:
        copy.write(rows)
    return time.perf_counter() - began


def quarters(conn: psycopg.Connection, since: datetime) -> bytes:
    """Return the quarter hours from some time on in the form of COPY, binary."""
    return b"".join(_out(conn, f"SELECT * FROM consumption WHERE slot >= '{since}'"))


def _out(conn: psycopg.Connection, query: str) -> Iterator[bytes]:
    with conn.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
        yield from map(bytes, copy)
