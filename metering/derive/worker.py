"""Computes the consumption, gauges and states that are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg

from metering.derive import meters
from metering.derive.compute import Rules
from metering.derive.due import QUEUES, DueKind
from metering.derive.profiles import Resolutions
from metering.derive.rollup import Window
from metering.derive.settings import MeteringSettings
from storage.due import Claim
from storage.due_budget import within
from storage.due_hand import Hand
from storage.due_worker import Computed, DueWorker, Outcome
from storage.times import DAY_US


@dataclass(frozen=True, slots=True)
class Parts:
    """What computes the rest of what is due, in the transaction of the claims.

    Attributes:
        points: gauges and states.
        virtual: meters with a formula. It is told which quarter hours of physical meters were
            replaced, and which virtual meters are due themselves.
    """

    points: Callable[[psycopg.Connection, Sequence[Claim]], None]
    virtual: Callable[[psycopg.Connection, Sequence[Window]], None]


class Worker:
    """Computes what is due on one connection; any number of workers may run side by side.

    Attributes:
        done: subjects computed and stored.
        failed: times that a subject could not be computed.
        quarters: rows of quarter hours written for physical meters.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a worker is made of
        self,
        conn: psycopg.Connection,
        settings: MeteringSettings,
        zone: ZoneInfo,
        parts: Parts,
        now: Callable[[], datetime],
        hand: Hand | None = None,
    ) -> None:
        """Make a worker.

        Args:
            conn: an autocommit connection of its own.
            settings: what is believed, and how much is done at a time.
            zone: of days and months.
            parts: what computes virtual meters and points.
            now: the clock, aware: for what is new, and for the pauses after failures.
            hand: notes what it has in hand; None: of what kills it, nobody will know.
        """
        self.done = 0
        self.failed = 0
        self.quarters = 0
        self._settings = settings
        self._rules = Rules(settings.policy(), zone)
        self._parts = parts
        self._resolutions = Resolutions()
        self._workers = (
            DueWorker(conn, QUEUES[DueKind.METER], self._meters, now, hand),
            DueWorker(conn, QUEUES[DueKind.POINT], self._points, now, hand),
        )

    def step(self) -> Outcome:
        """Take what is due and its turn now, meters and points, and do it.

        Subjects that cannot be computed are noted in ``metering_failure`` and stay due; they hold
        up nobody else.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        batch = self._settings.batch
        outcome = sum((worker.step(batch) for worker in self._workers), Outcome())
        self.done += outcome.done
        self.failed += outcome.failed
        return outcome

    def _points(self, conn: psycopg.Connection, taken: Iterator[Claim]) -> Computed:
        claims = self._within(taken)
        self._parts.points(conn, claims)
        return Computed(claims)

    def _meters(self, conn: psycopg.Connection, taken: Iterator[Claim]) -> Computed:
        claims = self._within(taken)
        outcome = meters.recompute(conn, claims, self._rules, self._resolutions)
        self.quarters += outcome.quarters
        moved = outcome.windows + outcome.virtual
        if moved:
            self._parts.virtual(conn, moved)
        good = [one for one in claims if one.subject not in outcome.errors]
        return Computed(good, outcome.errors)

    def _within(self, taken: Iterator[Claim]) -> list[Claim]:
        return within(taken, self._settings.batch_days * DAY_US)
