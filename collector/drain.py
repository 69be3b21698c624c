"""The drain: from the spool into the database, in order, joined into large writes."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from collector.delivery import Delivery, Write
from collector.drain_stats import DrainStats
from collector.settings import SpoolSettings
from collector.spool import Spool
from collector.spool_model import Stored
from storage.writer import Outcome, StorageUnavailable

log = structlog.get_logger()

_IDLE_S: Final = 0.5
_FIRST_RETRY_S: Final = 0.1


class Drain:
    """Empties a spool into the database; :meth:`turn` does one write.

    The turns carry no clock and no thread of their own: :class:`DrainThread` runs them.

    Args:
        spool: where batches come from.
        write: commits batches in one transaction.
        settings: how much is joined, and how long to wait after a failure.
        now_us: the clock, Unix microseconds.
        target: where they go, for the log.
    """

    def __init__(
        self,
        spool: Spool,
        write: Write,
        settings: SpoolSettings,
        *,
        now_us: Callable[[], int],
        target: str = "database",
    ) -> None:
        self.stats = DrainStats()
        self._spool = spool
        self._write = write
        self._settings = settings
        self._now_us = now_us
        self._target = target
        self._delivery: Delivery | None = None
        self._failures = 0

    def turn(self) -> float | None:
        """Write once; return seconds to wait, or None when the spool is empty."""
        try:
            if self._delivery is None:
                taken = self._spool.take(self._settings.drain_rows, self._settings.drain_bytes)
                if not taken:
                    return None
                self._delivery = Delivery(taken, self._committed)
            settlement = self._delivery.run(self._write)
            self._spool.settle(settlement)
        except StorageUnavailable as error:
            return self._failed(f"{self._target}_away", error)
        except sqlite3.Error as error:
            return self._failed("spool_unreadable", error)
        except Exception as error:  # a bug must not end the only way into the database
            log.exception("drain_failed")
            return self._failed("drain_failed", error)
        self.stats.count(settlement)
        self._delivery = None
        # A large write means that more waits: joining would gain nothing, pausing would lose time.
        full = settlement.rows * 2 >= self._settings.drain_rows
        return 0.0 if full else self._settings.drain_ms / 1000

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def _committed(self, group: Sequence[Stored], outcome: Outcome) -> None:
        now_us = self._now_us()
        for stored in group:
            self.stats.lag.add(now_us - stored.received_us, stored.batch.rows)
        self.stats.commit(outcome, now_us)
        if self._failures:
            event = f"{self._target}_back"
            log.warning(event, failures=self._failures)
        self._failures = 0

    def _failed(self, event: str, error: Exception) -> float:
        self._failures += 1
        self.stats.failed(event)
        pause = min(_FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 16), self._settings.retry_max_s)
        if self._failures == 1:
            log.error(event, error=str(error), advice="rows are kept in the spool", retry_s=pause)
        return pause


class DrainThread:
    """Runs a drain's turns until it is stopped.

    Args:
        drain: what to run.
        spool: wakes the drain when something arrives.
    """

    def __init__(self, drain: Drain, spool: Spool) -> None:
        self._drain = drain
        self._spool = spool
        self._stopping = threading.Event()
        self._deadline = float("inf")
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    def start(self) -> None:
        """Begin to drain."""
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """Drain what is there and end; tell whether the spool is empty.

        Gives up after ``within_s``, and at once when the database is away: what is left stays in
        the spool for the next start.
        """
        self._deadline = time.monotonic() + within_s
        self._stopping.set()
        self._spool.wake()
        # A write in progress is bounded by the writer's own timeouts.
        self._thread.join()
        return self._spool.stats().rows == 0

    def _run(self) -> None:
        while True:
            pause = self._drain.turn()
            if self._stopping.is_set():
                if pause is None or self._drain.failing or time.monotonic() >= self._deadline:
                    return
            elif pause is None:
                self._spool.wait(_IDLE_S)
            else:
                self._stopping.wait(pause)
