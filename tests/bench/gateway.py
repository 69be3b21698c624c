"""Connected JT/T 808 terminals into the database: how late, how dear, and whether any is lost.

Load generator, collector (the real source, spool, drain and writer) and PostgreSQL share two cores.
The limit: a bare asyncio protocol that only answers, while another process writes as many positions
a second into the same database.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg

from tests.bench import cores
from tests.bench.journal import Fate, Journal, read_journal, stored_positions
from tests.bench.processes import BenchError, Process, role
from tests.bench.report import Report, median, rounded, say
from tests.bench.services import Database, Workshop

CORES: Final = 2
CATCH_UP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """What is sent.

    Attributes:
        rate: positions a second over all terminals.
        warm_up_s: sent first and not measured.
        seconds: measured.
        terminals: all connected at once.
    """

    rate: float
    warm_up_s: float
    seconds: float
    terminals: int


@dataclass(frozen=True, slots=True)
class Came:
    """What became of one run's positions.

    Attributes:
        sent: the load generator's own result.
        fate: what the database says of them.
        ack_p99_ms: sent → 0x8001 received, of the measured time.
        cpu_us: CPU of the whole server process for one position, microseconds.
        rss_mib: most memory it ever held.
    """

    sent: Mapping[str, Any]
    fate: Fate | None
    ack_p99_ms: float
    cpu_us: float
    rss_mib: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--terminals", type=int, default=5_000, help="connected all the time")
    parser.add_argument("--rate", type=float, default=500.0, help="positions a second, all in all")
    parser.add_argument("--seconds", type=float, default=60.0, help="measured in each repetition")
    parser.add_argument("--warm-up", type=float, default=10.0, help="seconds before, not measured")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions")


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.terminals, options.rate, options.rounds = 60, 50.0, 1
    options.seconds, options.warm_up = 3.0, 1.0


def run(options: argparse.Namespace, work: Workshop) -> Report:
    os.sched_setaffinity(0, sorted(cores.every())[:CORES])  # whatever it starts inherits them
    stage = Stage(work.dir, work.database(commit_times=True))
    traffic = Traffic(options.rate, options.warm_up, options.seconds, options.terminals)
    bare: list[Came] = []
    full: list[Came] = []
    for _ in range(options.rounds):
        bare.append(_told("limit", stage.bare(replace(traffic, seconds=options.seconds / 3))))
        full.append(_told("ours", stage.run(traffic)))
    fates = [came.fate for came in full if came.fate is not None]
    return Report(
        "gateway",
        median([came.cpu_us for came in full]),
        median([came.cpu_us for came in bare]),
        "µs",
        {
            "terminals": options.terminals,
            "rate": rounded(median([came.sent["rate"] for came in full])),
            "messages": sum(came.sent["acked"] for came in full),
            "lost": sum(fate.lost for fate in fates),
            "duplicated": sum(fate.duplicated for fate in fates),
            "unacknowledged": sum(came.sent["sent"] - came.sent["acked"] for came in full),
            "disconnected": sum(came.sent["disconnected"] for came in full),
            "cpu_us": rounded(median([came.cpu_us for came in full])),
            "limit_cpu_us": rounded(median([came.cpu_us for came in bare])),
            "ack_p99_ms": rounded(median([came.ack_p99_ms for came in full])),
            "limit_ack_p99_ms": rounded(median([came.ack_p99_ms for came in bare])),
            "committed_p50_ms": rounded(median([fate.committed_p50_ms for fate in fates])),
            "committed_p99_ms": rounded(median([fate.committed_p99_ms for fate in fates])),
            "rss_mib": rounded(max(came.rss_mib for came in full)),
            "limit_rss_mib": rounded(max(came.rss_mib for came in bare)),
            "server": stage.database.version(),
        },
    )


@dataclass(frozen=True, slots=True)
class Stage:
    """Where runs take place, one after the other."""

    work_dir: Path
    database: Database

    def run(self, traffic: Traffic) -> Came:
        """Send the traffic through our collector and account for every position.

        Raises:
            BenchError: positions did not arrive in the database in a generous time.
        """
        self._empty()
        given = {
            "url": self.database.url,
            "spool": str(self.work_dir / "jt808.spool"),
            "state": str(self.work_dir / "jt808"),
            "terminals": traffic.terminals,
        }
        with role("jt808_collector", given, self.work_dir) as collector:
            came, journal, since_us = self._send(traffic, collector, _until_stored)
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            return replace(came, fate=journal.fate(stored_positions(conn), since_us))

    def bare(self, traffic: Traffic) -> Came:
        """Send it to the limit; as many positions a second are written beside it."""
        self._empty()
        loading = {"url": self.database.url, "positions": round(traffic.rate), "readings": 0}
        with (
            role("database_load", loading, self.work_dir),
            role("bare_gateway", {}, self.work_dir) as server,
        ):
            came, _, _ = self._send(traffic, server, lambda server: server.ask("look"))
        return came

    def _send(
        self, traffic: Traffic, server: Process, at_end: Callable[[Process], dict[str, Any]]
    ) -> tuple[Came, Journal, int]:
        """Return also what became of each position, and when the measured time began (µs)."""
        path = self.work_dir / "journal.npz"
        with self._load(traffic, server.ask("look")["port"], path) as load:
            load.answer()  # everybody has logged in
            time.sleep(traffic.warm_up_s)
            since_us, before = time.time_ns() // 1000, server.ask("mark")
            sent = load.answer(traffic.seconds)
            seen = at_end(server)
        journal = read_journal(path)
        measured = journal.since(since_us)
        if not measured.answered:
            raise BenchError("no position of the measured time was answered")
        cpu_us = (seen["cpu_s"] - before["cpu_s"]) / measured.answered * 1e6
        ack_p99_ms = float(np.percentile(measured.ack_ms(), 99))
        return Came(sent, None, ack_p99_ms, cpu_us, seen["rss_mib"]), journal, since_us

    def _load(self, traffic: Traffic, port: int, journal: Path) -> Process:
        """Start the sender; it answers when all have logged in, and at its end."""
        argv = [
            *(sys.executable, "-m", "simulators", "jt808-load"),
            *("--port", str(port), "--terminals", str(traffic.terminals)),
            *("--rate", str(traffic.rate), "--journal", str(journal)),
            *("--seconds", str(traffic.warm_up_s + traffic.seconds)),
        ]
        return Process("jt808-load", argv, self.work_dir)

    def _empty(self) -> None:
        with psycopg.connect(self.database.url, autocommit=True) as conn:
            conn.execute("TRUNCATE position, quarantine, dirty_log, latest_position")
            conn.execute("CHECKPOINT")


def _until_stored(collector: Process) -> dict[str, Any]:
    """Return the collector's counters once no row waits in its spool.

    Raises:
        BenchError: it does not get there.
    """
    until = time.monotonic() + CATCH_UP_S
    while (seen := collector.ask("look"))["waiting"]:
        if time.monotonic() > until:
            raise BenchError(f"{seen['waiting']} rows still wait after {CATCH_UP_S:.0f} s")
        time.sleep(0.1)
    return seen


def _told(who: str, came: Came) -> Came:
    stored = ""
    if came.fate is not None:
        stored = (
            f", committed p99 {came.fate.committed_p99_ms:.1f} ms, lost {came.fate.lost}, "
            f"duplicated {came.fate.duplicated}"
        )
    say(
        f"gateway, {who}: {came.sent['rate']:,.0f}/s, ack p99 {came.ack_p99_ms:.1f} ms, "
        f"{came.cpu_us:.1f} µs a position, {came.rss_mib:.0f} MiB{stored}"
    )
    return came
