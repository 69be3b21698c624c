"""What a whole city reports from its bills, against the plain sums of the same rows.

A city: every institution has an account of electricity, read on the 25th, whose bills straddle the
months and are shared out by the days of its meter, and an account of water with a bill each month
and a meter; every second one buys petrol, every tenth one is reported by its neighbour. Two years
of bills and days are loaded. Ours is ``reported`` for one month, from the question to the figures
in Python; the limit adds up the month's rows in the database, and knows no shares, relations or
reasons.
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

from metering.bills.reporting import reported
from metering.tree import scope
from tests.bench import services
from tests.bench.report import Report, median, rounded, say

ZONE: Final = "Asia/Shanghai"
YEAR: Final = (date(2026, 1, 1), date(2027, 1, 1))
MONTHS: Final = ((date(2026, 6, 1), date(2026, 7, 1)), (date(2026, 11, 1), date(2026, 12, 1)))
CITY: Final = (
    """
    INSERT INTO institution (code, name)
    SELECT 'I' || i, 'I' || i FROM generate_series(1, %(institutions)s) AS i
    """,
    "INSERT INTO building (code, name, institution_id) SELECT 'B' || id, code, id FROM institution",
    "INSERT INTO room (code, name, building_id) SELECT 'R' || id, code, id FROM building",
    """
    INSERT INTO place (code, name, measures)
    SELECT kind || id, 'P', kind FROM institution, unnest(ARRAY['electricity', 'water']) AS kind
    """,
    """
    INSERT INTO place_room (place_id, room_id, valid)
    SELECT p.id, r.id, '[,)' FROM place p
    JOIN room r ON r.code = 'R' || replace(replace(p.code, 'electricity', ''), 'water', '')
    """,
    """
    INSERT INTO meter (code, name, energy, unit, place_id)
    SELECT code, code, measures, CASE measures WHEN 'water' THEN 'm3' ELSE 'kWh' END, id FROM place
    """,
    """
    INSERT INTO utility_account (code, number, supplier, energy, unit, reading_day)
    SELECT code, code, energy, energy, unit, CASE energy WHEN 'water' THEN 1 ELSE 25 END FROM meter
    """,
    """
    INSERT INTO utility_account_institution
        (account_id, institution_id, valid, entered_by, entered_at)
    SELECT a.id, b.institution_id, '[2024-01-01,)', 'bench', now()
    FROM utility_account a JOIN place p ON p.code = a.code JOIN place_room pr ON pr.place_id = p.id
    JOIN room r ON r.id = pr.room_id JOIN building b ON b.id = r.building_id
    """,
    """
    INSERT INTO utility_account_meter (account_id, meter_id, valid, entered_by, entered_at)
    SELECT a.id, m.id, '[2024-01-01,)', 'bench', now()
    FROM utility_account a JOIN meter m ON m.code = a.code
    """,
    """
    INSERT INTO bill (account_id, period, status, quantity, unit, amount, entered_by, entered_at)
    SELECT a.id, daterange(month::date + a.reading_day - 1,
               (month + interval '1 month')::date + a.reading_day - 1),
           'settled', 30000 + a.id %% 997, a.unit, 24000.50, 'bench', now()
    FROM utility_account a,
        generate_series(timestamp '2024-12-01', '2026-12-01', interval '1 month') AS month
    """,
    """
    INSERT INTO purchase (institution_id, energy, bought_on, quantity, unit, amount, consumer,
        entered_by, entered_at)
    SELECT id, 'petrol', month::date + 9, 120, 'L', 960, 'vehicle', 'bench', now()
    FROM institution,
        generate_series(timestamp '2025-01-01', '2026-12-01', interval '1 month') AS month
    WHERE id %% 2 = 0
    """,
    """
    WITH behalf AS (
        INSERT INTO reporting_relation
            (subject_kind, subject_id, kind, valid, entered_by, entered_at)
        SELECT 'institution', id, 'on_behalf', '[,)', 'bench', now() FROM institution
        WHERE id %% 10 = 0
        RETURNING id, subject_id
    )
    INSERT INTO reporting_share SELECT id, subject_id - 1, 1 FROM behalf
    """,
    """
    INSERT INTO consumption_day
    SELECT m.id, day, 1000000000 + m.id * 1009 %% 9973, 0, 86400, 0
    FROM meter m, generate_series(date '2024-12-01', date '2027-01-31', interval '1 day') AS day
    """,
    """
    INSERT INTO consumption_month
    SELECT meter_id, date_trunc('month', day), sum(micro), 0, sum(covered_s), 0
    FROM consumption_day GROUP BY 1, 2
    """,
)
LIMIT: Final = (
    """
    SELECT account_id, sum(quantity), sum(amount) FROM bill
    WHERE withdrawn_at IS NULL AND period && daterange(%(first)s, %(end)s) GROUP BY account_id
    """,
    """
    SELECT meter_id, sum(micro) FROM consumption_day
    WHERE day >= %(first)s AND day < %(end)s GROUP BY meter_id
    """,
    """
    SELECT institution_id, energy, sum(quantity), sum(amount) FROM purchase
    WHERE withdrawn_at IS NULL AND bought_on >= %(first)s AND bought_on < %(end)s GROUP BY 1, 2
    """,
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians, seconds."""

    month: float
    plain: float
    year: float


def measure(conn: psycopg.Connection, institutions: int, rounds: int) -> Measured:
    """Load a city, and ask what it reports."""
    load(conn, institutions)
    ours, plain = [], []
    for turn in range(rounds + 1):
        month = MONTHS[turn % 2]
        one = _timed(partial(reported, conn, month, ZONE))
        other = _timed(partial(_plain, conn, month))
        if turn:  # the first warms caches and plans
            ours.append(one)
            plain.append(other)
    year = median([_timed(partial(reported, conn, YEAR, ZONE)) for _ in range(3)])
    found = Measured(median(ours), median(plain), year)
    say(f"reported, {institutions} institutions: {found}")
    return found


def _plain(conn: psycopg.Connection, month: tuple[date, date]) -> None:
    for statement in LIMIT:
        conn.execute(statement, {"first": month[0], "end": month[1]}).fetchall()


def load(conn: psycopg.Connection, institutions: int) -> None:
    conn.execute("SET statement_timeout = 0")
    for statement in CITY:
        conn.execute(statement, {"institutions": institutions})
    conn.execute("VACUUM ANALYZE")
    scope.ensure(conn, ZoneInfo(ZONE))
    say(f"{institutions} institutions and two years of their bills and days are loaded")


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--institutions", type=int, default=2_000, help="of the city")
    parser.add_argument("--rounds", type=int, default=11, help="times a month is asked for")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.institutions, options.rounds = 40, 2


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    with psycopg.connect(database.url, autocommit=True) as conn:
        found = measure(conn, options.institutions, options.rounds)
        parts = sum(len(one.parts) for one in reported(conn, MONTHS[0], ZONE))
    return Report(
        "reported",
        found.month * 1000,
        found.plain * 1000,
        "ms",
        {
            "year_seconds": rounded(found.year),
            "institutions": options.institutions,
            "parts": parts,
            "server": database.version(),
        },
    )
