"""Publishing what terminals of JT/T 808 sent: a second spool behind the drain."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import structlog
from prometheus_client.metrics_core import Metric

from collector.delivery import Write
from collector.drain import Drain, DrainThread
from collector.fanout.open_terminals import OpenTerminals
from collector.fanout.publisher import Publisher
from collector.fanout.stats import FanoutStats
from collector.fanout.tee import forked
from collector.spool import Spool
from jieyong.metrics.fanout import fanout_metrics
from jieyong.settings import Settings
from storage.connection import connect

log = structlog.get_logger()


class Fanout:
    """Use as a context manager around the drain of the database, which it outlives.

    Args:
        settings: of everything.
        conninfo: of the database, which knows whose positions may be published.
        directory: the collector's, for the spool.
        now_us: the clock, Unix microseconds.

    Raises:
        SpoolBusyError: another collector runs on the same directory.
    """

    def __init__(
        self, settings: Settings, conninfo: str, directory: Path, now_us: Callable[[], int]
    ) -> None:
        self.stats = FanoutStats()
        self._stop_s = settings.spool.stop_s
        self._now_us = now_us
        self._spool = Spool(directory / "fanout.db", settings.spool)
        terminals = OpenTerminals(
            lambda: connect(conninfo, settings.database, "fanout"), time.monotonic
        )
        self._publisher = Publisher(settings.mqtt, settings.fanout, terminals, self.stats)
        drain = Drain(
            self._spool, self._publisher.write, settings.spool, now_us=now_us, target="broker"
        )
        self._thread = DrainThread(drain, self._spool)

    def fork(self, write: Write) -> Write:
        """Return what writes, and then spools what is to be published."""
        return forked(write, self._spool, self.stats, time.monotonic)

    def metrics(self) -> Iterator[Metric]:
        """Yield how it stands."""
        return fanout_metrics(self.stats, self._spool.stats(), self._now_us())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if not self._thread.stop(self._stop_s):
            log.warning("positions_left_in_fanout", path=str(self._spool.path))
        self._publisher.close()
        self._spool.close()
