"""Metrics of the spool and of the drain behind it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from collector.drain_stats import DrainStats
from collector.lag import BOUNDS_MS
from collector.spool_model import SpoolStats
from jieyong.metrics.families import counter, gauge, histogram, items, known


def spool_metrics(stats: SpoolStats, now_us: int) -> Iterator[Metric]:
    """Yield how the spool stands.

    Args:
        stats: taken just now.
        now_us: Unix microseconds.
    """
    age_s = 0.0 if stats.oldest_us is None else max(0, now_us - stats.oldest_us) / 1e6
    yield gauge("jieyong_spool_rows", "Rows that wait for the database.", (), known(stats.rows))
    yield gauge("jieyong_spool_bytes", "Bytes that wait for the database.", (), known(stats.bytes))
    yield gauge(
        "jieyong_spool_oldest_age_seconds",
        "Age of the oldest row that waits; 0 when none does.",
        (),
        known(age_s),
    )
    yield counter(
        "jieyong_spool_tally_rows",
        "Rows by kind and fate over the life of the spool's file, restarts included.",
        ("kind", "fate"),
        (((kind, fate), rows) for (kind, fate), rows in items(stats.tally)),
    )
    yield counter(
        "jieyong_spool_refused_rows",
        "Rows the spool turned away since the start: they are not kept anywhere.",
        ("reason",),
        (((reason,), rows) for reason, rows in items(stats.refused)),
    )
    yield counter("jieyong_spool_commits", "Commits to the spool.", (), known(stats.commits))
    yield gauge(
        "jieyong_spool_damaged",
        "1 when a damaged spool was moved aside at the start of this process.",
        (),
        known(float(stats.damaged is not None)),
    )


def drain_metrics(stats: DrainStats) -> Iterator[Metric]:
    """Yield what the drain has done since the start."""
    for name, text, counts in (
        ("delivered", "Rows the database has, those it had already included.", stats.delivered),
        ("rejected", "Rows the database will never take; kept in quarantine.", stats.rejected),
        ("duplicate", "Rows the database had already, with the same value.", stats.duplicates),
        ("conflict", "Rows whose key the database had with another value.", stats.conflicts),
    ):
        yield counter(
            f"jieyong_{name}_rows",
            text,
            ("kind",),
            (((kind,), rows) for kind, rows in items(counts)),
        )
    yield counter("jieyong_drain_commits", "Commits to the database.", (), known(stats.commits))
    yield counter(
        "jieyong_drain_failures",
        "Attempts to write to the database that failed; their rows are kept.",
        ("cause",),
        (((cause,), number) for cause, number in items(stats.failures)),
    )
    yield gauge(
        "jieyong_database_up",
        "1 when the last attempt reached the database, 0 when not; absent before the first.",
        (),
        known(None if stats.db_up is None else float(stats.db_up)),
    )
    yield gauge(
        "jieyong_last_commit_timestamp_seconds",
        "When rows were last committed to the database; absent before the first.",
        (),
        known(None if stats.last_commit_us is None else stats.last_commit_us / 1e6),
    )
    yield histogram(
        "jieyong_commit_lag_seconds",
        "Rows by the time from accepted (on the spool's disk) to committed in the database.",
        (),
        [((), [edge / 1000 for edge in BOUNDS_MS], stats.lag.counts, stats.lag.sum_ms / 1000)],
    )
