"""Metrics of metering: what waits, and what the workers have done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.metrics_core import Metric

from jieyong.metrics.families import counter, gauge, known
from jieyong.workers.tally import Done
from metering.derive.backlog import Backlog


def metering_metrics(done: Done, waiting: Backlog | None, now: datetime) -> Iterator[Metric]:
    """Yield how metering stands.

    Args:
        done: by the workers since their start.
        waiting: what waits for them; None: not known.
        now: the time, aware.
    """
    yield from _waiting(waiting, now)
    yield gauge(
        "jieyong_metering_workers",
        "Workers by whether they have their connection to the database.",
        ("state",),
        ((("connected",), done.connected), (("away",), done.workers - done.connected)),
    )
    yield counter(
        "jieyong_metering_subjects",
        "Meters and points that were computed, and times that one could not be.",
        ("outcome",),
        ((("done",), done.done), (("failed",), done.failed)),
    )
    yield counter(
        "jieyong_metering_quarters",
        "Quarter hours of consumption written for physical meters.",
        (),
        known(done.quarters),
    )
    yield gauge(
        "jieyong_metering_last_success_timestamp_seconds",
        "When something was last computed and stored; absent before the first.",
        (),
        known(None if done.last_success_us is None else done.last_success_us / 1e6),
    )


def _waiting(waiting: Backlog | None, now: datetime) -> Iterator[Metric]:
    rows = {} if waiting is None else waiting.rows
    yield gauge(
        "jieyong_metering_due_rows",
        "Rows that say what has to be computed.",
        ("kind",),
        (((kind,), count) for kind, count in rows.items()),
    )
    yield gauge(
        "jieyong_metering_due_oldest_age_seconds",
        "Age of the oldest change that could be computed now; 0 when none waits.",
        (),
        known(None if waiting is None else waiting.age_s(now)),
    )
    yield gauge(
        "jieyong_metering_failing_subjects",
        "Meters and points that could not be computed the last time.",
        (),
        known(None if waiting is None else waiting.failing),
    )
