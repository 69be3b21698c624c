"""Tells a running source which terminals the registry knows: none needs a restart to be let in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

import psycopg
import structlog

log = structlog.get_logger()

Terminals = Mapping[str, int]
_STOP_S: Final = 5.0


class TerminalWatch:
    """Looks again and again, on a connection of its own; tells only of changes.

    Args:
        connect: opens an autocommit connection.
        load: reads the terminals of now.
        tell: takes them; called from a thread of ours.
        known: what the source knows at first.
        every_s: pause between two looks, seconds.

    Attributes:
        changes: how often the terminals were others than before.
        failures: looks that failed since the start.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        load: Callable[[psycopg.Connection], Terminals],
        tell: Callable[[Terminals], None],
        known: Terminals,
        every_s: float,
    ) -> None:
        self.changes = 0
        self.failures = 0
        self._connect = connect
        self._load = load
        self._tell = tell
        self._known = dict(known)
        self._every_s = every_s
        self._connection: psycopg.Connection | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="terminals", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End; gives up on a database that stands still."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopping.wait(self._every_s):
            self._turn()
        self._close()

    def _turn(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            found = dict(self._load(self._connection))
            if found != self._known:
                self._tell(found)
                log.info("terminals_changed", terminals=len(found), before=len(self._known))
                self._known = found
                self.changes += 1
        except Exception as error:  # noqa: BLE001 - what is known still holds; the next turn looks
            self.failures += 1
            log.debug("terminals_not_read", error=str(error))
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
