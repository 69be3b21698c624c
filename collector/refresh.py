"""Keeps `latest` fresh beside the drain, on a connection of its own.

Not in the drain's turns: a look-up of some thousand subjects would hold up the rows behind it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import psycopg
import structlog

log = structlog.get_logger()

_REST: Final = 9
"""A refresh is followed by so many times its own length of rest: a tenth of the time at most."""


class LatestRefresher:
    """Calls a refresh again and again; of several collectors one does the work.

    Args:
        connect: opens an autocommit connection.
        refresh: :func:`storage.latest.refresh`.
        every_s: least pause between two calls, seconds; longer when a call takes long.

    Attributes:
        refreshed: rows written since the start.
        failures: calls that failed since the start.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        refresh: Callable[[psycopg.Connection], int],
        every_s: float,
    ) -> None:
        self.refreshed = 0
        self.failures = 0
        self._connect = connect
        self._refresh = refresh
        self._every_s = every_s
        self._connection: psycopg.Connection | None = None
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="latest", daemon=True)

    def start(self) -> None:
        """Begin to refresh."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> bool:
        """Refresh a last time, so that what was drained shows, and end; tell whether it ended.

        Gives up after ``within_s``, when the database stands still or much is to be done: the next
        start goes on where the last commit stood.
        """
        self._stopping.set()
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = self._every_s
        while not self._stopping.wait(pause):
            began = time.monotonic()
            self._turn()
            # When everything changes every second, the newest rows must not cost the raw ones
            # their place in the database.
            pause = max(self._every_s, (time.monotonic() - began) * _REST)
        self._turn()
        self._close()

    def _turn(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            self.refreshed += self._refresh(self._connection)
        except Exception as error:  # noqa: BLE001 - derived data: the next turn does it
            self.failures += 1
            if not self._failing:
                log.warning("latest_not_refreshed", error=str(error), advice="it is tried again")
            self._failing = True
            self._close()
            return
        self._failing = False

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
