"""Month totals of every institution against the plain sum of the same rows.

A city: ten meters an institution, a main with sub-meters, some supplied to the neighbour, some
shared between three, some moved to the neighbours in mid-month, which is summed from days. Two
years of months are loaded. Ours is ``month_totals`` for one month, from the question to the figures
in Python; the limit is ``sum(micro)`` over that month's rows, which knows no tree at all.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import scope
from metering.tree.totals import month_totals
from tests.bench import services
from tests.bench.report import Report, median, rounded, say

ZONE: Final = ZoneInfo("Asia/Shanghai")
MONTHS: Final = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(24)]
METERS: Final = 10
"""An institution."""
# Meter n of an institution: 0 is the main, 1 to 6 hang below it, 7 to 9 stand alone.
EMPTY: Final = """
TRUNCATE institution, place, meter, consumption_month, consumption_day, tree_scope,
    reporting_relation
RESTART IDENTITY CASCADE
"""
CITY: Final = (
    """
    INSERT INTO institution (code, name)
    SELECT 'I' || i, 'I' || i FROM generate_series(1, %(institutions)s) AS i
    """,
    """
    INSERT INTO building (code, name, institution_id)
    SELECT 'B' || id, code, id FROM institution
    """,
    """
    INSERT INTO room (code, name, building_id)
    SELECT 'R' || id || '-' || n, code, id FROM building, generate_series(0, 3) AS n
    """,
    """
    INSERT INTO place (code, name, measures)
    SELECT 'P' || i || '-' || n, 'P', 'energy'
    FROM generate_series(1, %(institutions)s) AS i, generate_series(0, 9) AS n
    """,
    """
    INSERT INTO meter (code, name, energy, unit, place_id)
    SELECT 'M' || substr(code, 2), code, CASE WHEN code LIKE '%%-9' THEN 'water' ELSE 'electricity'
           END, CASE WHEN code LIKE '%%-9' THEN 'm3' ELSE 'kWh' END, id
    FROM place
    """,
    # Every fiftieth moved to the neighbours on the 11th of the month before the last.
    """
    INSERT INTO place_room
    SELECT p.id, r.id, CASE
        WHEN p.id %% 50 <> 0 THEN tstzrange(NULL, NULL)
        WHEN next = 0 THEN tstzrange(NULL, '2026-11-11 00:00+08')
        ELSE tstzrange('2026-11-11 00:00+08', NULL) END
    FROM place p, generate_series(0, CASE p.id %% 50 WHEN 0 THEN 1 ELSE 0 END) AS next,
    LATERAL (SELECT split_part(substr(p.code, 2), '-', 1)::int AS i) AS own, room r
    WHERE r.code = 'R' || (i + next - 1) %% %(institutions)s + 1 || '-' || p.id %% 4
    """,
    """
    INSERT INTO meter_main
    SELECT m.id, main.id, tstzrange(NULL, NULL)
    FROM meter m JOIN meter main ON main.code = split_part(m.code, '-', 1) || '-0'
    WHERE split_part(m.code, '-', 2) BETWEEN '1' AND '6'
    """,
    # Every twentieth institution has a sub-meter in its neighbour's house.
    """
    INSERT INTO meter_main
    SELECT m.id, main.id, tstzrange(NULL, NULL)
    FROM meter m JOIN meter main
      ON main.code = 'M' || (split_part(substr(m.code, 2), '-', 1)::int - 1) || '-0'
    WHERE m.code LIKE '%%0-7'
    """,
    # Every twentieth building is shared by three.
    """
    WITH shared AS (
        INSERT INTO reporting_relation
            (subject_kind, subject_id, kind, valid, entered_by, entered_at)
        SELECT 'building', id, 'shared', '[,)', 'bench', now() FROM building WHERE id %% 20 = 0
        RETURNING id, subject_id
    )
    INSERT INTO reporting_share
    SELECT shared.id, b.institution_id - n, n + 1
    FROM shared JOIN building b ON b.id = subject_id, generate_series(0, 2) AS n
    """,
    """
    INSERT INTO consumption_month
    SELECT m.id, month, 1000000000 + m.id * 1009 %% 99999, 0,
           extract(epoch FROM month + interval '1 month' - month), 0
    FROM unnest(%(months)s::date[]) AS month, meter m
    """,
    """
    INSERT INTO consumption_day
    SELECT m.id, day, 33000000 + m.id %% 1009, 0, 86400, 0
    FROM generate_series(date '2026-11-01', date '2026-11-30', interval '1 day') AS day, meter m
    WHERE m.place_id %% 50 = 0
    """,
)
LIMIT: Final = "SELECT sum(micro) FROM consumption_month WHERE month = %s"


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians for one size of city, seconds."""

    month: float
    plain: float
    two_years: float
    build: float


def measure(conn: psycopg.Connection, institutions: int, rounds: int) -> Measured:
    """Load a city in place of the one before, and ask for its totals."""
    _load(conn, institutions)
    build = _timed(lambda: scope.ensure(conn, ZONE))
    ours, plain = [], []
    for turn in range(rounds + 1):
        month = MONTHS[-2 - turn % 2]  # the one in which meters moved, and one without
        one = _timed(partial(month_totals, conn, [month], ZONE))
        other = _timed(partial(_plain, conn, month))
        if turn:  # the first warms caches and plans
            ours.append(one)
            plain.append(other)
    years = _timed(lambda: month_totals(conn, MONTHS, ZONE))
    found = Measured(median(ours), median(plain), years, build)
    say(f"totals, {institutions} institutions: {found}")
    return found


def _plain(conn: psycopg.Connection, month: date) -> object:
    return conn.execute(LIMIT, [month]).fetchone()


def _load(conn: psycopg.Connection, institutions: int) -> None:
    conn.execute("SET statement_timeout = 0")
    conn.execute(EMPTY)
    for statement in CITY:
        conn.execute(statement, {"institutions": institutions, "months": MONTHS})
    conn.execute("VACUUM ANALYZE")
    say(f"{institutions * METERS * len(MONTHS)} rows of months are loaded")


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--institutions", type=int, default=2_000, help="of the city")
    parser.add_argument("--rounds", type=int, default=11, help="times each month is asked for")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.institutions, options.rounds = 40, 2


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    with psycopg.connect(database.url, autocommit=True) as conn:
        city = measure(conn, options.institutions, options.rounds)
        tenfold = measure(conn, options.institutions * 10, options.rounds)
    return Report(
        "totals",
        city.month * 1000,
        city.plain * 1000,
        "ms",
        {
            "seconds": rounded(city.month),
            "seconds_at_10x": rounded(tenfold.month),
            "limit_seconds_at_10x": rounded(tenfold.plain),
            "two_years_seconds": rounded(city.two_years),
            "two_years_seconds_at_10x": rounded(tenfold.two_years),
            "build_seconds": rounded(city.build),
            "build_seconds_at_10x": rounded(tenfold.build),
            "institutions": options.institutions,
            "server": database.version(),
        },
    )
