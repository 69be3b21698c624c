"""Looks at vehicles and institutions at the size of a city: CPU time of Python and the server.

4,000 vehicles with a year and a half of ways and papers, 600 institutions with two years of bills
and days. Ours: a day of all vehicles, as every day brings it, with what is learned of all of them
learned again; the limit: the server's and Python's time to copy the trips and stops out that a look
at all of them may rest on. Beside it all vehicles from nothing, one paper of one vehicle, all
institutions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final

import psycopg

from metering.gauge.settings import GaugeSettings
from registry.audit import Act
from rules.ruleset.reading import read_rule_set
from rules.ruleset.store import load
from rules.subjects import catalogue
from rules.subjects.institutions.subjects import INSTITUTIONS
from rules.subjects.vehicles import due
from rules.subjects.vehicles.subjects import VEHICLES
from rules.work.settings import RulesSettings
from rules.work.worker import Worker
from tests.bench import fleet_books, reported, services
from tests.bench.metering import ZONE
from tests.bench.processes import BenchError
from tests.bench.report import Report, rounded, say
from tests.bench.rules import ROOT

_QUOTA: Final = """
INSERT INTO quota (institution_id, energy, year, kind, per, value, unit, source, issued,
    entered_by, entered_at)
SELECT id, 'electricity', year, 'constraint', 'total', 365000, 'kWh', 'bench', '2025-01-01',
       'bench', now()
FROM institution, generate_series(2025, 2026) AS year
"""
_PAPER: Final = """
INSERT INTO fleet_spending (kind, consumer_id, card, at, timed, product, quantity, unit, fen,
    merchant, key, content, entered_by, entered_at)
VALUES ('filling', 7, 'C7', now() - interval '9 days', true, 'petrol', 31000, 'ml', 24000,
    '加油站3', 'one', '', 'bench', now())
"""
_TRACKS: Final = "COPY (SELECT * FROM {} WHERE vehicle_id > 0) TO STDOUT (FORMAT binary)"
_DAYS: Final = 548


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vehicles", type=int, default=4_000, help="of the fleet")
    parser.add_argument("--institutions", type=int, default=600, help="of the city")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.vehicles, options.institutions = 30, 6


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()

    def cpu_s() -> float:
        return time.process_time() + (database.cpu_seconds() or 0.0)

    last = _working_day(datetime.now(ZONE).date() - timedelta(days=4), -1)
    with psycopg.connect(database.url, autocommit=True) as conn:
        _furnish(conn, options, last)
        taken: dict[str, float] = {}
        for name, begin in (
            ("all_cpu_seconds", lambda: VEHICLES.mark_all(conn, "bench")),
            ("day_cpu_seconds", lambda: _day(conn, last)),
            ("paper_cpu_seconds", lambda: _paper(conn)),
            ("institutions_cpu_seconds", lambda: INSTITUTIONS.mark_all(conn, "bench")),
        ):
            taken[name] = _looked(conn, begin, cpu_s)
            say(f"rule_sorts: {name} {taken[name]:.1f}")
        before = cpu_s()
        for table in ("trip", "vehicle_stop"):
            with conn.cursor().copy(_TRACKS.format(table).encode()) as copy:
                for _ in copy:
                    pass
        limit = cpu_s() - before
    return Report(
        "rule_sorts",
        taken["day_cpu_seconds"],
        limit,
        "s",
        {
            **{name: rounded(seconds) for name, seconds in taken.items()},
            "vehicles": options.vehicles,
            "institutions": options.institutions,
            "server": database.version(),
        },
    )


def _furnish(conn: psycopg.Connection, options: argparse.Namespace, last: date) -> None:
    conn.execute("SET session_replication_role = replica")
    for statement in (*reported.CITY, _QUOTA):
        conn.execute(statement.encode(), {"institutions": options.institutions})
    first = last - timedelta(days=_DAYS)
    fleet_books.furnish(conn, options.vehicles, first, last)
    text = (ROOT / "rules" / "sets" / "default.yaml").read_text("utf-8")
    since = datetime.combine(first, datetime.min.time(), UTC)
    load(conn, Act("bench", since), read_rule_set(text, "default.yaml", ZONE))
    catalogue.follow(conn)
    conn.execute("TRUNCATE rules_due, rules_vehicle_change, rules_vehicle_paper")
    conn.execute("VACUUM ANALYZE")
    say(f"rule_sorts: {options.vehicles} vehicles and {options.institutions} institutions")


def _day(conn: psycopg.Connection, last: date) -> None:
    day = _working_day(last + timedelta(days=1), 1)
    fleet_books.drive(conn, day, day, last)
    # What is learned of all was learned the day before.
    conn.execute("UPDATE rules_vehicle_learned SET learned_at = learned_at - interval '1 day'")
    due.follow(conn, timedelta(0))


def _paper(conn: psycopg.Connection) -> None:
    conn.execute(_PAPER)
    due.follow(conn, timedelta(0))


def _looked(
    conn: psycopg.Connection, begin: Callable[[], object], cpu_s: Callable[[], float]
) -> float:
    """Return the CPU time of looking at what something makes due; making it is not counted."""
    begin()
    before = cpu_s()
    worker = Worker(conn, RulesSettings(), GaugeSettings(), ZONE, lambda: datetime.now(UTC))
    while (outcome := worker.step()).done:
        if outcome.failed:
            raise BenchError("not every subject was looked at; see rules_failure")
    return cpu_s() - before


def _working_day(day: date, step: int) -> date:
    """Return a day on which is driven: it, or the next one before or behind it that is."""
    while day.weekday() >= 5:
        day += timedelta(days=step)
    return day
