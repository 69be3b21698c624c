"""Vehicle-days from positions to trips, with the database, on one core.

Ours: from due rows to stops, trips and days, committed, with nothing there before. The limit: the
same positions read with the same statement, and as many rows written, without computing anything.
Worker and server share one core; the simulator's patrol cars drive day and night.
"""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from fleet.derive import due, reading
from fleet.derive.settings import TripSettings
from fleet.derive.worker import Worker
from simulators.models.route import City
from simulators.models.vehicle import PATROL, Vehicle
from storage.records import COPY_HEADER, COPY_TRAILER, Position, pack_position
from storage.times import ALWAYS_US, NEVER_US
from tests.bench import services
from tests.bench.processes import BenchError
from tests.bench.report import Report, rounded, say

_DAY_US = 86_400_000_000
_FIRST_DAY = 20_600
_FURNISH = """
INSERT INTO institution (code, name) VALUES ('i', '');
INSERT INTO vehicle (code, plate, institution_id, energy)
SELECT 'v' || n, '', 1, 'petrol' FROM generate_series(1, {vehicles}) AS n ORDER BY n;
INSERT INTO terminal (code) SELECT 't' || n FROM generate_series(1, {vehicles}) AS n ORDER BY n;
INSERT INTO terminal_vehicle SELECT n, n, '[,)' FROM generate_series(1, {vehicles}) AS n;
DELETE FROM fleet_due;
"""
_DERIVED = ("vehicle_stop", "trip", "vehicle_share")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vehicles", type=int, default=100, help="vehicles")
    parser.add_argument("--days", type=int, default=10, help="days of each")
    parser.add_argument("--positions", type=int, default=4_000, help="positions of a day")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.vehicles, options.days, options.positions = 2, 2, 500


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    core = {min(os.sched_getaffinity(0))}
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(_FURNISH.format(vehicles=options.vehicles).encode())
        _fill(conn, options)
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, core)
    database.pin(core)
    try:
        # Connected only now: what a server starts for us inherits its core.
        with psycopg.connect(database.url, autocommit=True) as conn:
            before = _cpu_s(database)
            seconds = _ours(conn, options)
            spent = _cpu_s(database) - before
            trips = _count(conn, "trip")
            limit = _limit(conn, options)
    finally:
        os.sched_setaffinity(0, everywhere)
    days = options.vehicles * options.days
    say(f"trips: ours {seconds:.2f} s, limit {limit:.2f} s for {days} vehicle-days")
    return Report(
        "trips",
        days / seconds * 60,
        days / limit * 60,
        "vehicle-days/min",
        {
            "vehicle_days_per_minute": rounded(days / seconds * 60),
            "vehicles": options.vehicles,
            "days": options.days,
            "positions": options.positions,
            "trips": trips,
            "cpu_ms_a_day": rounded(spent / days * 1000),
            "server": database.version(),
        },
    )


def _cpu_s(database: services.Database) -> float:
    """CPU time of the worker, which is this process, and of the server when it is ours."""
    return time.process_time() + (database.cpu_seconds() or 0.0)


def _fill(conn: psycopg.Connection, options: argparse.Namespace) -> None:
    begin = _FIRST_DAY * _DAY_US - 8 * 3_600_000_000
    step = _DAY_US // options.positions
    say(f"trips: {options.vehicles} vehicles, {options.days} days of {options.positions} positions")
    for number in range(1, options.vehicles + 1):
        vehicle = Vehicle(PATROL, City(30.66, 104.06), number, _FIRST_DAY)
        rows = _packed(vehicle, number, begin, step, options.positions * options.days)
        with (
            conn.cursor() as cursor,
            cursor.copy("COPY position FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.write(COPY_HEADER + rows + COPY_TRAILER)


def _packed(vehicle: Vehicle, terminal: int, begin: int, step: int, count: int) -> bytes:
    fixes = vehicle.at(begin + step * np.arange(count, dtype=np.int64))
    return b"".join(
        pack_position(
            Position(
                *(terminal, t_us, n, lat, lon, speed, 0.0, None, odometer, 9, acc, 0, n),
                t_us + 1_000_000,
                None,
            )
        )
        for n, (t_us, lat, lon, speed, odometer, acc) in enumerate(
            zip(
                fixes.t_us.tolist(),
                fixes.lat.tolist(),
                fixes.lon.tolist(),
                fixes.speed.tolist(),
                fixes.odometer.tolist(),
                fixes.acc.tolist(),
                strict=True,
            )
        )
    )


def _ours(conn: psycopg.Connection, options: argparse.Namespace) -> float:
    worker = Worker(
        conn, TripSettings(batch=10), ZoneInfo("Asia/Shanghai"), lambda: datetime.now(UTC)
    )
    began = time.perf_counter()
    due.follow(conn)
    done = 0
    while (outcome := worker.step()).done:
        done += outcome.done
    seconds = time.perf_counter() - began
    if done != options.vehicles or _count(conn, "fleet_failure"):
        raise BenchError("not every vehicle was computed; see fleet_failure")
    return seconds


def _limit(conn: psycopg.Connection, options: argparse.Namespace) -> float:
    rows = {
        table: [_rows(conn, table, number) for number in range(1, options.vehicles + 1)]
        for table in _DERIVED
    }
    for table in _DERIVED:
        conn.execute(f"TRUNCATE {table}".encode())
    began = time.perf_counter()
    for number in range(options.vehicles):
        with conn.transaction(), conn.cursor() as cursor:
            reading.fixes_of(conn, number + 1, ALWAYS_US, NEVER_US)
            for table in _DERIVED:
                with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                    copy.write(rows[table][number])
    return time.perf_counter() - began


def _rows(conn: psycopg.Connection, table: str, vehicle: int) -> bytes:
    query = f"COPY (SELECT * FROM {table} WHERE vehicle_id = {vehicle}) TO STDOUT"
    with conn.cursor() as cursor, cursor.copy(query.encode()) as copy:
        return b"".join(bytes(block) for block in copy)


def _count(conn: psycopg.Connection, table: str) -> int:
    ((count,),) = conn.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()
    return int(count)
