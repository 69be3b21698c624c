"""The part both collectors share, composed of the real things: spool, drain, writer, ``latest``."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.acceptor import Acceptor
from collector.drain import Drain, DrainThread
from collector.intake import Accept
from collector.refresh import LatestRefresher
from collector.settings import SpoolSettings
from collector.spool import Spool
from storage import latest
from storage.connection import connect
from storage.settings import DatabaseSettings
from storage.writer import BulkWriter
from tests.bench.roles import asking


@dataclass(frozen=True, slots=True)
class Intake:
    """What a source hands its rows to.

    Attributes:
        accept: the spool's door.
    """

    accept: Accept
    spool: Spool
    drain: Drain

    def figures(self) -> dict[str, Any]:
        """Return rows waiting, delivered and refused, and what this process has used."""
        spool, drained = self.spool.stats(), self.drain.stats
        return {
            "waiting": spool.rows,
            "waiting_bytes": spool.bytes,
            "delivered": sum(drained.delivered.values()),
            "duplicates": sum(drained.duplicates.values()),
            "rejected": sum(drained.rejected.values()),
            "refused": sum(spool.refused.values()),
            "commits": drained.commits,
            **asking.usage(),
        }


@contextmanager
def opened(given: Mapping[str, Any]) -> Iterator[Intake]:
    """Open the spool ``given["spool"]`` and drain it into ``given["url"]``."""
    database, settings = DatabaseSettings(), SpoolSettings()
    spool = Spool(Path(given["spool"]), settings)
    writer = BulkWriter(given["url"], database)
    drain = Drain(spool, writer.write, settings, now_us=now_us)
    thread = DrainThread(drain, spool)
    refresher = LatestRefresher(
        functools.partial(connect, given["url"], database, "latest"),
        latest.refresh,
        settings.latest_s,
    )
    thread.start()
    refresher.start()
    try:
        with Acceptor(spool) as acceptor:
            yield Intake(acceptor.accept, spool, drain)
    finally:
        thread.stop(settings.stop_s)
        refresher.stop()
        writer.close()
        spool.close()


def now_us() -> int:
    """Return the time, microseconds since 1970."""
    return time.time_ns() // 1000
