"""The poller: what a poll costs, how many it makes on one core, and whom a dead meter harms.

The real source, spool, drain and writer into PostgreSQL, against simulated meters on 1,000 ports;
every point of every poll is stored. The limit: asyncio sockets on uvloop that send the same
requests to the same meters and throw the answers away.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from collector.modbus.plan import NOTHING, plan
from collector.profile import load_profile
from tests.bench import cores
from tests.bench.meters import Meters, farm
from tests.bench.processes import ROOT, Process, role
from tests.bench.report import Report, median, rounded, say
from tests.bench.services import Database, Workshop

PROFILE = ROOT / "collector" / "profiles" / "acrel-dtsd1352.yaml"
HELD_RATE = 5_000
LATENCY_MS = 20.0
DEAD = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """What happened between two looks at a poller."""

    seconds: float
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def gained(self, name: str) -> float:
        """How much a counter grew."""
        return float(self.after[name] - self.before[name])

    def rate(self, name: str) -> float:
        """How much a counter grew a second."""
        return self.gained(name) / self.seconds

    @property
    def cpu_s_per_1000(self) -> float:
        """CPU seconds per 1,000 polls."""
        return self.gained("cpu_s") / self.gained("polls") * 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--meters", type=int, default=1_000)
    parser.add_argument("--profile", type=Path, default=PROFILE, help="register map of every meter")
    parser.add_argument("--rounds", type=int, default=3, help="windows measured of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a window")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before the first")
    parser.add_argument(
        "--demand", type=int, default=20_000, help="polls/s asked for when looking for the maximum"
    )
    parser.add_argument("--interval", type=int, default=10, help="s, of the run with dead meters")
    parser.add_argument("--slots", type=int, default=3, help="of the run with dead meters")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.meters, options.rounds, options.seconds, options.warm_up = 100, 1, 1.0, 1.0
    options.demand, options.interval, options.slots = 1_000, 3, 1


def run(options: argparse.Namespace, work: Workshop) -> Report:
    bench = _Bench(options, work, work.database())
    with farm(work.dir, "meters", options.profile, ports=options.meters) as meters:
        bare_held, bare_most = bench.bare(meters, HELD_RATE), bench.bare(meters, None)
        held = bench.held(meters)
        most = bench.most(meters)
    limit = median([window.rate("polls") for window in bare_most])
    bare_cost = median([window.cpu_s_per_1000 for window in bare_held])
    return Report(
        "polling",
        most.pop("polls_per_s"),
        limit,
        "polls/s",
        {
            **held,
            "limit_cpu_s_per_1000": rounded(bare_cost),
            **most,
            **bench.slots_lost(units=1),
            **bench.slots_lost(units=10),
            "meters": options.meters,
            "points": len(bench.profile.points),
            "requests_per_poll": len(bench.blocks),
            "server": bench.database.version(),
        },
    )


class _Bench:
    def __init__(self, options: argparse.Namespace, work: Workshop, database: Database) -> None:
        self.database = database
        self.profile = load_profile(options.profile)
        blocks = plan(self.profile, tuple(self.profile.points), NOTHING)
        self.blocks = [(block.span.first, block.span.end - block.span.first) for block in blocks]
        self._options = options
        self._work = work
        self._runs = 0

    def bare(self, meters: Meters, rate: int | None) -> list[Window]:
        """The limit: at a rate, or as fast as it can."""
        given = {"ready": str(meters.ready), "blocks": self.blocks, "rate": rate}
        with role("bare_poller", given, self._work.dir, cores.first()) as poller:
            windows = self._windows(poller)
        say(f"polling, limit: {windows[-1].rate('polls'):,.0f} polls/s")
        return windows

    def held(self, meters: Meters) -> dict[str, Any]:
        """Ours at a fixed rate: what a poll costs."""
        interval_s = self._options.meters / HELD_RATE
        with self._poller(meters, interval_s) as poller:
            windows = self._windows(poller)
            last = self._finish(poller)
        costs = [window.cpu_s_per_1000 for window in windows]
        missed = sum(last["missed"].values())
        say(f"polling, held: {median(costs):.4f} CPU-s per 1,000 polls, {missed} slots missed")
        return {
            "cpu_s_per_1000": rounded(median(costs)),
            "rss_mib": rounded(last["rss_mib"]),
            "held_polls_per_s": rounded(median([window.rate("polls") for window in windows])),
            "held_slots_missed": missed,
            "held_rows_lost": self._rows_lost(last),
        }

    def most(self, meters: Meters) -> dict[str, Any]:
        """Ours asked for more than it can do, on one core, all others on the rest."""
        interval_s = self._options.meters / self._options.demand
        meters.process.pin(cores.others())
        self.database.pin(cores.others())
        try:
            with self._poller(meters, interval_s, pinned=True) as poller:
                windows = self._windows(poller)
                last = self._finish(poller)
        finally:
            meters.process.pin(cores.every())
            self.database.pin(cores.every())
        points = len(self.profile.points)
        stored = median([window.rate("delivered") for window in windows]) / points
        polled = median([window.rate("polls") for window in windows])
        say(f"polling, maximum: {polled:,.0f} polls/s made, {stored:,.0f} stored")
        return {
            "polls_per_s": min(polled, stored),
            "max_polled_per_s": rounded(polled),
            "max_cpu_s_per_1000": rounded(median([w.cpu_s_per_1000 for w in windows])),
            "max_rss_mib": rounded(last["rss_mib"]),
            "max_rows_lost": self._rows_lost(last),
        }

    def slots_lost(self, units: int) -> dict[str, Any]:
        """Slots of healthy meters that are not whole in the database, with dead ones between."""
        options = self._options
        ports = max(1, options.meters // units)
        with (
            farm(
                self._work.dir, f"meters-{units}", options.profile, ports=ports, units=units,
                latency_ms=LATENCY_MS, dead=DEAD,
            ) as meters,
            self._poller(meters, options.interval) as poller,
        ):  # fmt: skip
            first = math.ceil(time.time() / options.interval) * options.interval
            end = first + options.slots * options.interval
            time.sleep(end - time.time())
            self._finish(poller)
            healthy = [n for n, meter in enumerate(meters.devices) if not meter["dead"]]
            whole = self._whole_slots(healthy, first, end)
        expected = len(healthy) * options.slots
        say(f"polling, {units} a port: {whole} of {expected} healthy slots are whole")
        name = "healthy_slots_lost" if units == 1 else f"healthy_slots_lost_{units}_a_port"
        return {name: expected - whole, f"{name}_of": expected}

    def _poller(self, meters: Meters, interval_s: float, *, pinned: bool = False) -> Process:
        self._empty()
        self._runs += 1
        given = {
            "url": self.database.url,
            "spool": str(self._work.dir / f"polling-{self._runs}.spool"),
            "ready": str(meters.ready),
            "profile": str(self._options.profile),
            "interval_s": interval_s,
            "timeout_ms": 1_000,
            "settings": {},
        }
        where = cores.first() if pinned else None
        return role("modbus_collector", given, self._work.dir, where)

    def _windows(self, poller: Process) -> list[Window]:
        time.sleep(self._options.warm_up)
        windows = []
        at, seen = time.perf_counter(), poller.ask("look")
        for _ in range(self._options.rounds):
            time.sleep(self._options.seconds)
            now, look = time.perf_counter(), poller.ask("look")
            windows.append(Window(now - at, seen, look))
            at, seen = now, look
        return windows

    def _finish(self, poller: Process) -> dict[str, Any]:
        """Stop polling and wait until all that was accepted is in the database."""
        poller.ask("stop polling")
        last = poller.ask("look")
        while last["running"] or last["waiting"]:
            time.sleep(0.1)
            last = poller.ask("look")
        return last

    def _rows_lost(self, last: Mapping[str, Any]) -> int:
        """Rows of whole polls that are not in the database."""
        with psycopg.connect(self.database.url) as conn:
            (stored,) = conn.execute("SELECT count(*) FROM reading").fetchone() or (0,)
        return int(last["polls"]) * len(self.profile.points) - int(stored)

    def _whole_slots(self, healthy: list[int], first: float, end: float) -> int:
        query = """
            SELECT count(*) FROM (
                SELECT FROM reading
                WHERE ts >= to_timestamp(%(first)s) AND ts < to_timestamp(%(end)s)
                  AND (point_id - 1) / %(points)s = ANY(%(healthy)s)
                GROUP BY (point_id - 1) / %(points)s, ts HAVING count(*) = %(points)s
            ) AS whole
        """
        points = len(self.profile.points)
        asked = {"first": first, "end": end, "points": points, "healthy": healthy}
        with psycopg.connect(self.database.url) as conn:
            (whole,) = conn.execute(query, asked).fetchone() or (0,)
        return int(whole)

    def _empty(self) -> None:
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            conn.execute("TRUNCATE reading, dirty_log, latest_reading")
            conn.execute("CHECKPOINT")
