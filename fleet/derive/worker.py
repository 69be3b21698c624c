"""Computes the trips that are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive.compute import recompute
from fleet.derive.due import QUEUE
from fleet.derive.settings import TripSettings
from storage.due import Claim
from storage.due_hand import Hand
from storage.due_worker import Computed, DueWorker, Outcome


class Worker:
    """Computes what is due on one connection; any number of workers may run side by side.

    Attributes:
        done: vehicles computed and stored.
        failed: times that a vehicle could not be computed.
        fixes: fixes looked at.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        settings: TripSettings,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        hand: Hand | None = None,
    ) -> None:
        """Make a worker.

        Args:
            conn: an autocommit connection of its own.
            settings: what is believed, and how much is done at a time.
            zone: of days.
            now: the clock, aware: for what is new, and for the pauses after failures.
            hand: notes what it has in hand; None: of what kills it, nobody will know.
        """
        self.done = 0
        self.failed = 0
        self.fixes = 0
        self._settings = settings
        self._rules = settings.rules()
        self._zone = zone
        self._worker = DueWorker(conn, QUEUE, self._compute, now, hand)

    def step(self) -> Outcome:
        """Take what is due and its turn now, and do it.

        Vehicles that cannot be computed are noted in ``fleet_failure`` and stay due; they hold up
        nobody else.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        outcome = self._worker.step(self._settings.batch)
        self.done += outcome.done
        self.failed += outcome.failed
        return outcome

    def _compute(self, conn: psycopg.Connection, claims: Iterator[Claim]) -> Computed:
        fixes, computed = 0, list[Claim]()
        for one in claims:
            fixes += recompute(conn, one.subject, one.spans, self._rules, self._zone)
            computed.append(one)
            # The others stay due. Years of all vehicles must not be one transaction.
            if fixes >= self._settings.batch_fixes:
                break
        self.fixes += fixes
        return Computed(computed)
