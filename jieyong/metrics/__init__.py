"""Prometheus metrics, read from plain counters when somebody asks: the hot paths pay nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

Part = Callable[[], Iterable[Metric]]
"""Yields the metrics of one part; called from the HTTP thread while the part works."""


class Exporter(Collector):
    """Offers the metrics of some parts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)

    def collect(self) -> Iterable[Metric]:
        """Ask every part."""
        for part in self._parts:
            yield from part()


def make_registry(*parts: Part) -> CollectorRegistry:
    """Return a registry with these parts and the figures of the process itself."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exporter(parts))
    ProcessCollector(registry=registry)
    return registry
