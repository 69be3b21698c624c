"""The poller: what a poll costs, how many it makes on one core, and whom a dead meter harms.

The real source, spool, drain and writer into PostgreSQL, against simulated meters on 1,000 ports;
every point of every poll is stored. The limit: asyncio sockets on uvloop that send the same
requests to the same meters and throw the answers away.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from storage.records import ReadingFlag
from tests.bench import cores
from tests.bench.meters import (
    DTSD1352,
    ONE_BLOCK,
    Crowd,
    Meters,
    RegisterMap,
    Window,
    bare_poller,
    farm,
    finish,
    poller,
    windows,
)  # fmt: skip
from tests.bench.processes import Process
from tests.bench.report import Report, median, rounded, say
from tests.bench.services import Database, Workshop

HELD_RATE: Final = 5_000
LATENCY_MS: Final = 20.0
DEAD: Final = 0.05

COUNT: Final = "SELECT count(*) FROM reading"
LATE: Final = """
SELECT count(*) FROM reading WHERE flags & %(late)s <> 0 AND point_id %% %(points)s = 1
"""
WHOLE: Final = """
SELECT count(*) FROM (
    SELECT FROM reading
    WHERE ts >= to_timestamp(%(first)s) AND ts < to_timestamp(%(end)s)
      AND (point_id - 1) / %(points)s = ANY(%(healthy)s)
    GROUP BY (point_id - 1) / %(points)s, ts HAVING count(*) = %(points)s
) AS whole
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--meters", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3, help="windows measured of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before the first")
    parser.add_argument(
        "--demand",
        type=int,
        nargs="+",
        default=[11_000, 20_000],
        help="polls/s asked for when looking for the maximum, the highest last",
    )
    parser.add_argument("--interval", type=int, default=10, help="s, of the run with dead meters")
    parser.add_argument("--slots", type=int, default=3, help="of the run with dead meters")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.meters, options.rounds, options.seconds, options.warm_up = 100, 1, 0.5, 0.5
    options.demand, options.interval, options.slots = [1_000], 3, 1


def run(options: argparse.Namespace, work: Workshop) -> Report:
    bench = _Bench(options, work, work.database())
    one_block = bench.contest(RegisterMap.read(ONE_BLOCK))
    real = bench.contest(RegisterMap.read(DTSD1352))
    return Report(
        "polling",
        one_block.pop("stored_per_s"),
        one_block.pop("limit_per_s"),
        "polls/s",
        {
            **one_block,
            "healthy_slots_lost": bench.slots_lost(1) + bench.slots_lost(10),
            **{f"dtsd1352_{name}": value for name, value in real.items()},
            "meters": options.meters,
            "server": bench.database.version(),
        },
    )


class _Bench:
    def __init__(self, options: argparse.Namespace, work: Workshop, database: Database) -> None:
        self.database = database
        self._options = options
        self._work = work

    def contest(self, register_map: RegisterMap) -> dict[str, Any]:
        """Ours and the limit against meters of one kind: held at a rate, and at the maximum."""
        options, crowd = self._options, Crowd(self._options.meters)
        requests = len(register_map.blocks)
        say(f"polling, {options.meters} meters of {requests} requests a poll")
        with farm(self._work.dir, register_map, crowd) as meters:
            bare_held = self._bare(meters, HELD_RATE, None)
            held = self._held(meters)
            with self._one_core(meters):
                bare_most = self._bare(meters, None, cores.first())
                asked = [self._most(meters, demand) for demand in options.demand]
        best = max(asked, key=lambda most: most["stored_per_s"])
        return {
            **held,
            **asked[-1],
            "stored_per_s": best["stored_per_s"],
            "stored_overloaded_per_s": asked[-1]["stored_per_s"],
            "max_rows_refused": sum(most["max_rows_refused"] for most in asked),
            "max_rows_lost": sum(most["max_rows_lost"] for most in asked),
            "limit_cpu_s_per_1000": rounded(median([one.cpu_s_per_1000 for one in bare_held])),
            "limit_per_s": rounded(median([one.rate("polls") for one in bare_most])),
            "requests_per_poll": requests,
        }

    def slots_lost(self, units: int) -> int:
        """Slots of healthy meters that are not whole in the database, with dead ones between."""
        options = self._options
        crowd = Crowd(max(1, options.meters // units), units, LATENCY_MS, DEAD)
        self._empty()
        with (
            farm(self._work.dir, RegisterMap.read(DTSD1352), crowd) as meters,
            poller(meters, options.interval, self.database, self._work.dir) as polling,
        ):
            first = math.ceil(time.time() / options.interval) * options.interval
            end = first + options.slots * options.interval
            time.sleep(end - time.time())
            finish(polling)
        healthy = [n for n, meter in enumerate(meters.devices) if not meter["dead"]]
        expected: int = len(healthy) * options.slots
        whole = self._count(WHOLE, first=first, end=end, points=meters.map.points, healthy=healthy)
        say(f"polling, dead meters between, {units} a port: {whole} of {expected} slots are whole")
        return expected - whole

    def _bare(
        self, meters: Meters, rate: int | None, where: Collection[int] | None
    ) -> list[Window]:
        with bare_poller(meters, rate, self._work.dir, where) as polling:
            found = self._windows(polling)
        say(f"polling, limit: {found[-1].rate('polls'):,.0f} polls/s")
        return found

    def _held(self, meters: Meters) -> dict[str, Any]:
        """Ours at a fixed rate: what a poll costs."""
        self._empty()
        interval_s = self._options.meters / HELD_RATE
        with poller(meters, interval_s, self.database, self._work.dir) as polling:
            found = self._windows(polling)
            last = finish(polling)
        cost = median([window.cpu_s_per_1000 for window in found])
        late = self._count(LATE, late=int(ReadingFlag.LATE_SLOT), points=meters.map.points)
        missed = sum(last["missed"].values())
        say(f"polling, held: {cost:.4f} CPU-s per 1,000 polls; slots missed {missed}, late {late}")
        return {
            "cpu_s_per_1000": rounded(cost),
            "rss_mib": rounded(last["rss_mib"]),
            "held_per_s": rounded(median([window.rate("polls") for window in found])),
            "held_missed": missed,
            "held_late": late,
            "held_rows_lost": self._rows_lost(last, meters),
        }

    def _most(self, meters: Meters, demand: int) -> dict[str, Any]:
        """Ours on one core, asked for so many polls a second."""
        self._empty()
        interval_s = self._options.meters / demand
        where = cores.first()
        with poller(meters, interval_s, self.database, self._work.dir, where) as polling:
            found = self._windows(polling)
            last = finish(polling)
        points = meters.map.points
        stored = median([window.rate("delivered") for window in found]) / points
        accepted = median(
            [window.rate("polls") - window.rate("refused_rows") / points for window in found]
        )
        say(f"polling, asked for {demand:,}/s: {accepted:,.0f} accepted, {stored:,.0f} stored")
        return {
            "stored_per_s": rounded(min(accepted, stored)),
            "accepted_per_s": rounded(accepted),
            "max_cpu_s_per_1000": rounded(median([window.cpu_s_per_1000 for window in found])),
            "max_rss_mib": rounded(last["rss_mib"]),
            "max_rows_refused": last["refused_rows"],
            "max_rows_lost": self._rows_lost(last, meters),
        }

    @contextmanager
    def _one_core(self, meters: Meters) -> Iterator[None]:
        """Keep meters and database off the core of the poller."""
        meters.process.pin(cores.others())
        self.database.pin(cores.others())
        try:
            yield
        finally:
            meters.process.pin(cores.every())
            self.database.pin(cores.every())

    def _windows(self, polling: Process) -> list[Window]:
        time.sleep(self._options.warm_up)
        return windows(polling, self._options.rounds, self._options.seconds)

    def _rows_lost(self, last: Mapping[str, Any], meters: Meters) -> int:
        """Rows of whole polls that are neither refused and counted nor in the database."""
        return int(last["polls"] * meters.map.points - last["refused_rows"] - self._count(COUNT))

    def _count(self, query: str, **asked: object) -> int:
        with psycopg.connect(self.database.url) as conn:
            (count,) = conn.execute(query, asked or None).fetchone() or (0,)
        return int(count)

    def _empty(self) -> None:
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            conn.execute("TRUNCATE reading, dirty_log, latest_reading")
            conn.execute("CHECKPOINT")
