"""Metrics of the fan-out."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from collector.fanout.stats import FanoutStats
from collector.spool_model import SpoolStats
from jieyong.metrics.families import counter, gauge, known


def fanout_metrics(stats: FanoutStats, spool: SpoolStats, now_us: int) -> Iterator[Metric]:
    """Yield what was published, and what waits.

    Args:
        stats: counters.
        spool: of what is to be published, taken just now.
        now_us: Unix microseconds.
    """
    for name, text, number in (
        ("published", "Positions that the broker has acknowledged.", stats.published),
        ("withheld", "Positions of sensitive or unknown vehicles, not published.", stats.withheld),
        ("dropped", "Positions that found no room to wait; they are stored.", stats.dropped),
    ):
        yield counter(f"jieyong_fanout_{name}_positions", text, (), known(number))
    yield gauge("jieyong_fanout_rows", "Positions that wait for the broker.", (), known(spool.rows))
    age_s = 0.0 if spool.oldest_us is None else max(0, now_us - spool.oldest_us) / 1e6
    yield gauge(
        "jieyong_fanout_oldest_age_seconds",
        "Age of the oldest position that waits; 0 when none does.",
        (),
        known(age_s),
    )
