"""A whole city's reports, compiled and audited, against the figures that they are made of.

The city is that of ``reported``. Ours is ``compile_reports`` for a month and for a quarter, from
the question to drafts and findings in the database, in a process of its own whose memory is
measured; the limit asks for the figures of the same months, and makes nothing of them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from datetime import UTC, datetime
from multiprocessing.queues import SimpleQueue
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from jieyong import logs
from metering.bills.reporting import reported
from reporting.audit.reading import load_rules
from reporting.draft import sources
from reporting.draft.period import period_of
from reporting.draft.run import Statistics, compile_reports
from reporting.forms.reading import load_editions
from tests.bench import services
from tests.bench.report import Report, median, rounded, say
from tests.bench.reported import ZONE, load

NOW: Final = datetime(2027, 1, 5, tzinfo=UTC)
MONTHS: Final = ("2026-06", "2026-11", "2026-09")
QUARTER: Final = "2026Q2"
_MIB: Final = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--institutions", type=int, default=2_000, help="of the city")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.institutions = 40


def run(options: argparse.Namespace, work: services.Workshop) -> Report:
    database = work.database()
    with psycopg.connect(database.url, autocommit=True) as conn:
        load(conn, options.institutions)
        limit = median([_figures(conn, code) for code in MONTHS])
    months = [_compiled(database.url, code) for code in MONTHS]
    quarter, _, _ = _compiled(database.url, QUARTER)
    with psycopg.connect(database.url) as conn:
        row = conn.execute("SELECT count(*) FROM report_finding").fetchone()
    return Report(
        "reporting",
        median([seconds for seconds, _, _ in months]),
        limit,
        "s",
        {
            "seconds": rounded(median([seconds for seconds, _, _ in months])),
            "seconds_quarter": rounded(quarter),
            "rss_mib": max(rss for _, rss, _ in months),
            "reports": months[0][2],
            "findings": row[0] if row else 0,
            "server": database.version(),
        },
    )


def _figures(conn: psycopg.Connection, code: str) -> float:
    """How long it takes to ask for the figures of a month and of the same one a year before."""
    period = period_of(code)
    began = time.perf_counter()
    for one in (period, period.year_before()):
        reported(conn, (one.first, one.end), ZONE)
    return time.perf_counter() - began


def _compiled(url: str, code: str) -> tuple[float, int, int]:
    context = multiprocessing.get_context("spawn")
    told: SimpleQueue[tuple[float, int, int]] = context.SimpleQueue()
    process = context.Process(target=compile_one, args=(url, code, told))
    process.start()
    found = told.get()
    process.join()
    say(f"reporting: {code}, {found[2]} reports in {found[0]:.2f} s, at most {found[1]} MiB")
    return found


def compile_one(url: str, code: str, told: SimpleQueue[tuple[float, int, int]]) -> None:
    """Compile a period in a process of its own, and tell seconds, MiB and how many reports."""
    logs.configure("warning")
    editions = load_editions()
    rules = load_rules({line.code for edition in editions for line in edition.lines()})
    statistics = Statistics(editions, rules, ZoneInfo(ZONE))
    with psycopg.connect(url, autocommit=True) as conn:
        began = time.perf_counter()
        period = period_of(code)
        codes = sources.reporters(conn, period, statistics.zone)
        found = compile_reports(conn, period, codes, statistics, NOW)
        seconds = time.perf_counter() - began
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // _MIB
    told.put((seconds, most, len(found)))
