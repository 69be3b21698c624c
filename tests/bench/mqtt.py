"""Positions from MQTT into the database: how late, how dear, and whether any is lost.

Broker, load generator, collector (the real source, spool, drain and writer) and PostgreSQL share
all cores. The limit: a paho subscriber that does nothing, while another process writes as many rows
a second into the same database.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg

from tests.bench import positions
from tests.bench.processes import Process
from tests.bench.report import Report, median, rounded, say
from tests.bench.services import Workshop
from tests.bench.vehicles import Came, Idle, Stage, Traffic

LOW_RATE: Final = 1_000
ACK_BOUND_MS: Final = 250.0
COMMIT_BOUND_MS: Final = 500.0
STEADY_S: Final = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=8_000, help="messages a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="measured in each repetition")
    parser.add_argument("--warm-up", type=float, default=5.0, help="seconds before, not measured")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions")
    parser.add_argument("--terminals", type=int, default=4_000)
    parser.add_argument(
        "--outage", type=float, default=10.0, help="s that the database is down; 0: no"
    )
    parser.add_argument(
        "--try", dest="tries", type=int, nargs="*", default=[12_000, 15_000],
        help="higher rates to try, ascending",
    )  # fmt: skip


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.rate, options.seconds, options.warm_up, options.rounds = 500, 2.0, 0.5, 1
    options.terminals, options.outage, options.tries = 50, 1.0, [600]


def run(options: argparse.Namespace, work: Workshop) -> Report:
    stage = Stage.set_up(work)
    traffic = Traffic(options.rate, options.warm_up, options.seconds, options.terminals)
    short = replace(traffic, seconds=options.seconds / 3)
    idle: list[Idle] = []
    full: list[Came] = []
    low: list[Came] = []
    for _ in range(options.rounds):
        idle.append(stage.idle(short))
        full.append(_told("", stage.run(traffic)))
        low.append(_told("", stage.run(replace(short, rate=LOW_RATE))))
    down = _outage(stage, short, options.outage) if options.outage else {}
    tried = [_told("", stage.run(replace(short, rate=rate))) for rate in options.tries]
    every = [*full, *low, *tried]
    return Report(
        "mqtt",
        median([came.ages.p99_ms for came in full]),
        median([one.p99_ms for one in idle]),
        "ms",
        {
            "p99_ms": rounded(median([came.ages.p99_ms for came in full])),
            "ack_p99_ms": rounded(median([came.ack_p99_ms for came in full])),
            "p50_ms": rounded(median([came.ages.p50_ms for came in full])),
            "rate": rounded(median([came.sent["rate"] for came in full])),
            "p99_ms_at_1000": rounded(median([came.ages.p99_ms for came in low])),
            "ack_p99_ms_at_1000": rounded(median([came.ack_p99_ms for came in low])),
            "lost": sum(came.account.lost for came in every) + down.pop("lost", 0),
            "duplicated": sum(came.account.duplicated for came in every)
            + down.pop("duplicated", 0),
            "messages": sum(came.sent["acked"] for came in every) + down.pop("messages", 0),
            "cpu_us": rounded(median([came.cpu_us for came in full])),
            "limit_cpu_us": rounded(median([one.cpu_us for one in idle])),
            "rss_mib": rounded(max(came.seen["rss_mib"] for came in full)),
            **down,
            "sustained_rate": _sustained([full[0], *tried], [options.rate, *options.tries]),
            "server": stage.database.version(),
        },
    )


def _outage(stage: Stage, traffic: Traffic, seconds: float) -> dict[str, Any]:
    """Take the database away in the midst of the load, and give it back."""
    server = stage.database.server
    if server is None:
        say("mqtt: no outage, because the server of DATABASE_URL is not ours to stop")
        return {}
    back_s = 0.0

    def interrupt(_collector: Process) -> None:
        nonlocal back_s
        time.sleep(min(STEADY_S, traffic.warm_up_s))
        server.stop()
        time.sleep(seconds)
        server.start()
        back_s = time.time()

    steady = traffic.warm_up_s + 2 * seconds
    came = stage.run(replace(traffic, seconds=traffic.seconds + steady), interrupt)
    with psycopg.connect(stage.database.url) as conn:
        last_s = positions.last_late_commit(conn, came.since_s, COMMIT_BOUND_MS / 1000)
    catch_up_s = max(0.0, (last_s or back_s) - back_s)
    _told(f"database away {seconds:.0f} s, caught up after {catch_up_s:.1f} s: ", came)
    return {
        "outage_s": seconds,
        "outage_ack_p99_ms": rounded(came.ack_p99_ms),
        "catch_up_s": rounded(catch_up_s),
        "lost": came.account.lost,
        "duplicated": came.account.duplicated,
        "messages": came.sent["acked"],
    }


def _sustained(runs: Sequence[Came], rates: Sequence[int]) -> int:
    """Return the highest rate tried up to which every run kept the bounds; 0 for none."""
    best = 0
    for came, rate in zip(runs, rates, strict=True):
        kept = came.ages.p99_ms <= COMMIT_BOUND_MS and came.ack_p99_ms <= ACK_BOUND_MS
        if not kept or came.account.lost or came.sent["rate"] < 0.98 * rate:
            break
        best = rate
    return best


def _told(what: str, came: Came) -> Came:
    say(
        f"mqtt, {what}{came.sent['rate']:,.0f}/s: committed p99 {came.ages.p99_ms:.1f} ms, ack p99 "
        f"{came.ack_p99_ms:.1f} ms, {came.cpu_us:.1f} µs a message, lost {came.account.lost}, "
        f"duplicated {came.account.duplicated}"
    )
    return came
