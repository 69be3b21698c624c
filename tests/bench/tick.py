"""An hour of every meter comes in, and its consumption is computed by two workers.

Ours: from the dirty log to quarter hours, hours, days and months, committed. The limit: as many
readings copied out of the same database as a tick looks at (a day's), and the tick's quarter hours
copied in, on one connection, without computing anything.
"""

from __future__ import annotations

import argparse

import psycopg

from metering.derive import due
from tests.bench import metering, services
from tests.bench.report import Report, median, rounded, say

_TOUCHED = """
INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
SELECT 'reading', array_agg(id), %s, %s FROM point
"""
LOOKS_AT = 20
"""Readings of a meter before the tick that computing it needs."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--meters", type=int, default=5_000, help="meters, an hour of each")
    parser.add_argument("--times", type=int, default=10, help="how many times as many as well")
    parser.add_argument("--history", type=int, default=192, help="quarter hours that are there")
    parser.add_argument(
        "--rounds", type=int, default=4, help="ticks, after one that is not counted"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that compute")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.meters, options.times, options.history, options.rounds = 50, 2, 40, 1


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    seconds, limit = _ticks(options, database, options.meters)
    larger, _ = _ticks(options, database, options.meters * options.times)
    return Report(
        "tick",
        seconds,
        limit,
        "s",
        {
            "seconds": rounded(seconds),
            f"seconds_at_{options.times}x": rounded(larger),
            "meter_hours": options.meters,
            "workers": options.workers,
            "server": database.version(),
        },
    )


def _ticks(
    options: argparse.Namespace, database: services.Database, meters: int
) -> tuple[float, float]:
    """Return the seconds of a tick and those of the limit."""
    ours, limits = [], []
    with psycopg.connect(database.url, autocommit=True) as conn:
        metering.furnish(conn, meters)
        metering.read(conn, 0, options.history)
        say(f"tick: {meters} meters with {options.history} quarter hours")
        metering.computed(database.url, options.workers, lambda: due.follow(conn))
        conn.execute("VACUUM ANALYZE")
        for turn in range(options.rounds + 1):
            first = options.history + turn * 4
            metering.read(conn, first + 1, first + 4)
            conn.execute(_TOUCHED, [metering.quarter(first + 1), metering.quarter(first + 4)])
            ours.append(metering.computed(database.url, options.workers, lambda: due.follow(conn)))
            rows = metering.quarters(conn, metering.quarter(first))
            limits.append(metering.copied(conn, metering.quarter(first - LOOKS_AT), rows))
            say(f"tick of {meters}: ours {ours[-1]:.2f} s, limit {limits[-1]:.2f} s")
    return median(ours[1:]), median(limits[1:])
