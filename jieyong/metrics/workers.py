"""Metrics of those who compute what is due: what waits, and what the workers have done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client.metrics_core import Metric

from jieyong.metrics.families import counter, gauge, known
from jieyong.workers.tally import Done
from storage.backlog import Backlog


@dataclass(frozen=True, slots=True)
class Nouns:
    """What is computed, for the names of metrics and what they say.

    Attributes:
        room: begin of the names.
        subjects: of what is computed.
        who: the same in words.
        amount: of what is counted besides.
        counted: the same in words.
        done: what is done with subjects, in words.
        aside: which of them are set aside, in words.
    """

    room: str
    subjects: str
    who: str
    amount: str
    counted: str
    done: str = "computed"
    aside: str = "that workers died of again and again"


METERING: Final = Nouns(
    "metering",
    "subjects",
    "Meters and points",
    "quarters",
    "Quarter hours of consumption written for physical meters.",
)
FLEET: Final = Nouns(
    "fleet", "vehicles", "Vehicles", "fixes", "Fixes looked at to compute trips, each time counted."
)
RULES: Final = Nouns(
    "rules",
    "places",
    "Places",
    "doubts",
    "Doubts opened: episodes that had stood long enough.",
)
NOTIFY: Final = Nouns(
    "notify",
    "messages",
    "Messages",
    "notes",
    "Notes in messages that were sent.",
    "sent",
    "that were tried in vain too often",
)


def worker_metrics(
    of: Nouns, done: Done, waiting: Backlog | None, now: datetime
) -> Iterator[Metric]:
    """Yield how workers stand.

    Args:
        of: whose workers.
        done: by them since their start.
        waiting: what waits for them; None: not known.
        now: the time, aware.
    """
    yield from _waiting(of, waiting, now)
    yield gauge(
        f"jieyong_{of.room}_workers",
        "Workers by whether they have their connection to the database.",
        ("state",),
        ((("connected",), done.connected), (("away",), done.workers - done.connected)),
    )
    yield counter(
        f"jieyong_{of.room}_{of.subjects}",
        f"{of.who} that were {of.done}, and times that one could not be.",
        ("outcome",),
        ((("done",), done.done), (("failed",), done.failed)),
    )
    yield counter(f"jieyong_{of.room}_{of.amount}", of.counted, (), known(done.amount))
    yield gauge(
        f"jieyong_{of.room}_last_success_timestamp_seconds",
        f"When something was last {of.done} and stored; absent before the first.",
        (),
        known(None if done.last_success_us is None else done.last_success_us / 1e6),
    )


def _waiting(of: Nouns, waiting: Backlog | None, now: datetime) -> Iterator[Metric]:
    rows = {} if waiting is None else waiting.rows
    yield gauge(
        f"jieyong_{of.room}_due_rows",
        f"Rows that say what has to be {of.done}.",
        ("kind",),
        (((kind,), count) for kind, count in rows.items()),
    )
    yield gauge(
        f"jieyong_{of.room}_due_oldest_age_seconds",
        f"Age of the oldest that could be {of.done} now; 0 when none waits.",
        (),
        known(None if waiting is None else waiting.age_s(now)),
    )
    yield gauge(
        f"jieyong_{of.room}_failing_{of.subjects}",
        f"{of.who} that could not be {of.done} the last time.",
        (),
        known(None if waiting is None else waiting.failing),
    )
    yield gauge(
        f"jieyong_{of.room}_set_aside_{of.subjects}",
        f"{of.who} {of.aside}: not tried until somebody asks for them.",
        (),
        known(None if waiting is None else waiting.set_aside),
    )
