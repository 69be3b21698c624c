"""Short ways to make metric families out of plain counters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

K = TypeVar("K")

Samples = Iterable[tuple[Sequence[str], float]]
"""Label values → number."""


def counter(name: str, text: str, labels: Sequence[str], samples: Samples) -> CounterMetricFamily:
    """Make a counter; ``_total`` is added to the name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def gauge(name: str, text: str, labels: Sequence[str], samples: Samples) -> GaugeMetricFamily:
    """Make a gauge; what is not known has no sample: it is never a zero."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def known(number: float | None) -> Samples:
    """Return the one sample of a gauge without labels, or none when it is not known."""
    return () if number is None else (((), number),)


def histogram(
    name: str,
    text: str,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], Sequence[float], Sequence[int], float]],
) -> HistogramMetricFamily:
    """Make a histogram.

    Args:
        name: with its unit at the end.
        text: what it says.
        labels: their names.
        samples: label values, upper edges, counts per bucket (one more than edges: what is above),
            sum of all observations.
    """
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, edges, counts, total in samples:
        names = [*(str(float(edge)) for edge in edges), "+Inf"]
        # A copy first: the counts go on while we add them up.
        sums = accumulate(list(counts))
        family.add_metric(values, list(zip(names, map(float, sums), strict=True)), total)
    return family


def items(counts: Mapping[K, int]) -> list[tuple[K, int]]:
    """Copy a counter that another thread may be adding keys to."""
    # One call into C: it cannot be interrupted by the thread that writes.
    return list(counts.items())
