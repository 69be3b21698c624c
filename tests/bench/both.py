"""Both sources at once: 8,000 positions a second and 5,000 polls a second into one database.

Each source is a collector process of its own, as in production; broker, loads and PostgreSQL share
all cores with them. The limit: a subscriber that does nothing, beside a poller that throws its
answers away and a process that writes as many rows a second into the same database.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from storage.records import ReadingFlag
from tests.bench.meters import ONE_BLOCK, Crowd, Meters, RegisterMap, bare_poller, farm, finish
from tests.bench.meters import poller as start_poller
from tests.bench.processes import Process
from tests.bench.report import Report, median, rounded, say
from tests.bench.services import Workshop
from tests.bench.vehicles import Came, Idle, Stage, Traffic

INTERVAL_S: Final = 1
UNITS: Final = 5
MARGIN_S: Final = 3.0
"""Traffic goes on beyond the window, so that its last slot meets the same load."""

# One point stands for its poll.
POLLS: Final = """
SELECT count(*), count(*) FILTER (WHERE flags & %(late)s = 0),
       percentile_disc(0.99) WITHIN GROUP (ORDER BY
           extract(epoch FROM pg_xact_commit_timestamp(xmin) - observed_at)::float8 * 1000),
       percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY
           extract(epoch FROM observed_at - ts)::float8 * 1000)
FROM reading
WHERE ts >= to_timestamp(%(since)s) AND ts < to_timestamp(%(until)s)
  AND point_id %% %(points)s = 1
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=int, default=8_000, help="positions a second")
    parser.add_argument("--ports", type=int, default=1_000, help="with five meters each, once a s")
    parser.add_argument("--seconds", type=int, default=30, help="measured in each repetition")
    parser.add_argument("--warm-up", type=float, default=8.0, help="seconds before, not measured")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions")
    parser.add_argument("--terminals", type=int, default=4_000)


def hurry(options: argparse.Namespace) -> None:
    """Make it small: enough to see that everything works."""
    options.rate, options.ports, options.seconds, options.warm_up = 300, 10, 2, 2.0
    options.rounds, options.terminals = 1, 50


@dataclass(frozen=True, slots=True)
class Polls:
    """What became of the slots of one window.

    Attributes:
        stored: slots whose readings are in the database.
        on_time: of these, polled no later than half an interval after their turn.
        committed_p99_ms: reply → committed.
        reply_ms: slot → reply, at the median, the 99th percentile, and the longest.
    """

    stored: int
    on_time: int
    committed_p99_ms: float
    reply_ms: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Round:
    """One repetition.

    Attributes:
        came: the positions.
        polls: the slots.
        cores: what each process used, in cores.
    """

    came: Came
    polls: Polls
    cores: dict[str, float]


def run(options: argparse.Namespace, work: Workshop) -> Report:
    stage = Stage.set_up(work)
    traffic = Traffic(options.rate, options.warm_up, options.seconds + MARGIN_S, options.terminals)
    idle: list[Idle] = []
    rounds: list[Round] = []
    with farm(work.dir, RegisterMap.read(ONE_BLOCK), Crowd(options.ports, UNITS)) as meters:
        for _ in range(options.rounds):
            idle.append(_idle(stage, meters, traffic))
            rounds.append(_round(stage, meters, traffic, options.seconds))
    slots = len(meters.devices) * options.seconds // INTERVAL_S * len(rounds)
    return Report(
        "both",
        median([one.came.ages.p99_ms for one in rounds]),
        median([one.p99_ms for one in idle]),
        "ms",
        {
            "p99_ms": rounded(median([one.came.ages.p99_ms for one in rounds])),
            "ack_p99_ms": rounded(median([one.came.ack_p99_ms for one in rounds])),
            "readings_p99_ms": rounded(median([one.polls.committed_p99_ms for one in rounds])),
            "polls_per_s": len(meters.devices) // INTERVAL_S,
            "polls_on_time": round(sum(one.polls.on_time for one in rounds) / slots, 5),
            "polls_lost": slots - sum(one.polls.stored for one in rounds),
            **{
                f"slot_reply_{name}_ms": rounded(median([one.polls.reply_ms[i] for one in rounds]))
                for i, name in enumerate(("p50", "p99", "max"))
            },
            "lost": sum(one.came.account.lost for one in rounds),
            "duplicated": sum(one.came.account.duplicated for one in rounds),
            "cores": {
                name: round(median([one.cores[name] for one in rounds]), 3)
                for name in rounds[0].cores
            },
            "server": stage.database.version(),
        },
    )


def _idle(stage: Stage, meters: Meters, traffic: Traffic) -> Idle:
    rate = len(meters.devices) // INTERVAL_S
    with bare_poller(meters, rate, stage.work_dir):
        return stage.idle(traffic, readings=rate * meters.map.points)


def _round(stage: Stage, meters: Meters, traffic: Traffic, seconds: int) -> Round:
    since_s = 0
    cores: dict[str, float] = {}
    with start_poller(meters, INTERVAL_S, stage.database, stage.work_dir) as polling:

        def watch(collector: Process) -> None:
            nonlocal since_s
            since_s = math.ceil(time.time())
            time.sleep(since_s - time.time())
            before = _cpu(stage, meters, polling, collector)
            time.sleep(seconds)
            after = _cpu(stage, meters, polling, collector)
            cores.update({name: (after[name] - before[name]) / seconds for name in after})

        came = stage.run(traffic, watch)
        last = finish(polling)
    polls = _polls(stage, meters, since_s, since_s + seconds)
    say(
        f"both: positions p99 {came.ages.p99_ms:.0f} ms, ack p99 {came.ack_p99_ms:.0f} ms, readings"
        f" p99 {polls.committed_p99_ms:.0f} ms, {polls.on_time} of {len(meters.devices) * seconds}"
        f" polls on time, the last {polls.reply_ms[2]:.0f} ms after its slot, missed since the"
        f" start {last['missed']}"
    )
    return Round(came, polls, cores)


def _polls(stage: Stage, meters: Meters, since_s: int, until_s: int) -> Polls:
    asked = {
        "since": since_s,
        "until": until_s,
        "late": int(ReadingFlag.LATE_SLOT),
        "points": meters.map.points,
    }
    with psycopg.connect(stage.database.url) as conn:
        row = conn.execute(POLLS, asked).fetchone()
    assert row is not None
    stored, on_time, committed, replies = row
    return Polls(stored, on_time, committed, tuple(replies))


def _cpu(stage: Stage, meters: Meters, polling: Process, collector: Process) -> dict[str, Any]:
    """CPU seconds so far, by who used them."""
    used = {
        "poller": polling.cpu_seconds(),
        "mqtt_collector": collector.cpu_seconds(),
        "mosquitto": stage.broker.cpu_seconds(),
        "meters": meters.process.cpu_seconds(),
    }
    server = stage.database.cpu_seconds()
    return used if server is None else used | {"postgresql": server}
