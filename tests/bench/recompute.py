"""A month of every meter, computed from its readings by two workers.

Ours: from due rows to quarter hours, hours, days and months, committed, with nothing there before.
The limit: the month's readings copied out of the same database, and its quarter hours copied in, on
one connection, without computing anything.
"""

from __future__ import annotations

import argparse

import psycopg

from metering.derive import due
from tests.bench import metering, services
from tests.bench.report import Report, rounded, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--meters", type=int, default=1_000, help="meters")
    parser.add_argument("--times", type=int, default=10, help="how many times as many as well")
    parser.add_argument("--quarters", type=int, default=2_976, help="readings of each; a month")
    parser.add_argument("--workers", type=int, default=2, help="processes that compute")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.meters, options.times, options.quarters = 20, 2, 100


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    seconds, limit = _month(options, database, options.meters)
    larger, _ = _month(options, database, options.meters * options.times)
    return Report(
        "recompute",
        seconds,
        limit,
        "s",
        {
            "seconds": rounded(seconds),
            f"seconds_at_{options.times}x": rounded(larger),
            "meters": options.meters,
            "quarters": options.quarters,
            "workers": options.workers,
            "server": database.version(),
        },
    )


def _month(
    options: argparse.Namespace, database: services.Database, meters: int
) -> tuple[float, float]:
    """Return seconds of computing a month and those of the limit."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        metering.furnish(conn, meters)
        metering.read(conn, 0, options.quarters)
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")
        say(f"recompute: {meters} meters with {options.quarters} readings")
        seconds = metering.computed(database.url, options.workers, lambda: due.follow(conn))
        limit = metering.copied(conn, metering.BEGIN, metering.quarters(conn, metering.BEGIN))
        say(f"recompute of {meters}: ours {seconds:.2f} s, limit {limit:.2f} s")
    return seconds, limit
