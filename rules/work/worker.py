"""Looks for doubts in what is due."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from metering.gauge.settings import GaugeSettings
from registry.calendar_store import load_calendar
from rules.cases.opening import begin_keeping, confirm, keep
from rules.cases.overdue import escalate
from rules.cases.telling import tell
from rules.derive.fared import Fared
from rules.derive.recompute import bounded, recompute
from rules.kinds.model import Sort
from rules.ruleset.store import versions
from rules.subjects.catalogue import SUBJECTS
from rules.subjects.model import Basis, Believed, Subjects
from rules.subjects.places.modes import Modes
from rules.work import health, learning
from rules.work.settings import RulesSettings
from storage.due import Claim
from storage.due_budget import within
from storage.due_hand import Hand
from storage.due_worker import Computed, DueWorker, Outcome
from storage.times import DAY_US

_AT_ONCE: Final = 500
"""Subjects whose readings are looked for in one go."""

_DEADLINES: Final = timedelta(minutes=1)
"""Deadlines are midnights: looked at so often."""

_SLOW_TIMES: Final = 5
"""A transaction holds so many times more of what takes long: what its looks share is read once."""

_SLOW_LOCK: Final = 0x6A69_6579_6F6E_6740

_log = structlog.get_logger()


class Worker:
    """Computes what is due on one connection; any number of workers may run side by side.

    Attributes:
        episodes: how many were written.
        doubts: how many were opened.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a worker is made of
        self,
        conn: psycopg.Connection[Any],
        settings: RulesSettings,
        gauges: GaugeSettings,
        zone: ZoneInfo,
        now: Callable[[], datetime],
        hand: Hand | None = None,
        believed: Believed | None = None,
    ) -> None:
        """Make a worker.

        Args:
            conn: an autocommit connection of its own.
            settings: how much is done at a time.
            gauges: how long values hold.
            zone: of the site.
            now: the clock, aware: for what is new, and for the pauses after failures.
            hand: notes what it has in hand; None: of what kills it, nobody will know.
            believed: of positions and papers; None: the defaults.
        """
        self._believed = believed or Believed()
        self.episodes = 0
        self.doubts = 0
        self._settings = settings
        self._gauges = gauges
        self._zone = zone
        self._modes = Modes()
        self._now = now
        self._conn = conn
        self._fared: list[Fared] = []
        self._escalated_at: datetime | None = None
        self._quick, self._slow = (
            [
                DueWorker(conn, one.queue, partial(self._compute, one), now, hand)
                for one in SUBJECTS.values()
                if one.slow is slow
            ]
            for slow in (False, True)
        )

    def step(self) -> Outcome:
        """Take what is due of each sort of subjects, and do it.

        Subjects that cannot be computed are noted in ``rules_failure`` and stay due; they hold up
        nobody else. What a rule cannot look at it owes; it holds up no other rule.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        health.due_again(self._conn, self._now())
        outcome = self._worked(self._quick)
        with self._alone() as alone:
            if alone:
                self._settle()
                outcome += self._worked(self._slow)
        self._note()
        self.doubts += confirm(self._conn, self._now(), self._tell)
        self._escalate()
        return outcome

    def _worked(self, workers: Iterable[DueWorker]) -> Outcome:
        done = (worker.step(self._settings.batch) for worker in workers)
        return sum(done, start=Outcome())

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other worker is at what takes long: one must be left for what is new."""
        row = self._conn.execute("SELECT pg_try_advisory_lock(%s)", [_SLOW_LOCK]).fetchone()
        alone = row is not None and bool(row[0])
        try:
            yield alone
        finally:
            if alone and not self._conn.broken:
                self._conn.execute("SELECT pg_advisory_unlock(%s)", [_SLOW_LOCK])

    def _settle(self) -> None:
        """Learn again what is learned of many; what cannot be stays as it was."""
        for one in SUBJECTS.values():
            if one.settle is None:
                continue
            try:
                one.settle(self._conn, partial(self._basis, self._conn, one.sort))
                learning.learned(self._conn, one.sort)
            except psycopg.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, rules go on
                advice = "doubts rest on what was learned before; it is tried again"
                _log.exception("not_learned", sort=one.sort.value, advice=advice)
                learning.failed(self._conn, one.sort, error, self._now())

    def _compute(
        self, subjects: Subjects, conn: psycopg.Connection[Any], taken: Iterator[Claim]
    ) -> Computed:
        begin_keeping(conn, self._now())
        known = self._bounded(conn, subjects, taken)
        times = _SLOW_TIMES if subjects.slow else 1
        claims = within(known, times * self._settings.batch_days * DAY_US)
        done = recompute(conn, subjects, claims, self._basis(conn, subjects.sort))
        health.owe(conn, subjects.sort, claims, done, self._now())
        self._fared.append(done.fared)
        self.episodes += done.episodes
        opened = keep(conn, subjects.sort, done.looks, self._now())
        self._tell(conn, opened)
        self.doubts += len(opened)
        return Computed(claims)

    def _escalate(self) -> None:
        now = self._now()
        if self._escalated_at is None or now - self._escalated_at >= _DEADLINES:
            escalate(self._conn, load_calendar(self._conn), self._zone, now)
            self._escalated_at = now

    def _note(self) -> None:
        while self._fared:
            fared = self._fared.pop()
            health.note(self._conn, fared, self._now())
            for run in fared.runs.values():
                if run.failed:
                    _log.warning(
                        "rule_failed",
                        rule=run.version.rule.code,
                        subjects=len(run.failed),
                        why=next(iter(run.failed.values())),
                        advice="the other rules go on; what it owes is tried again",
                    )

    def _tell(self, conn: psycopg.Connection[Any], opened: Sequence[int]) -> None:
        tell(conn, opened, self._zone, self._now())

    @staticmethod
    def _bounded(
        conn: psycopg.Connection[Any], subjects: Subjects, taken: Iterator[Claim]
    ) -> Iterator[Claim]:
        """Bound changes by what is known of their subjects, no more of them than are taken."""
        while some := list(itertools.islice(taken, _AT_ONCE)):
            yield from bounded(conn, subjects, some)

    def _basis(self, conn: psycopg.Connection[Any], sort: Sort) -> Basis:
        calendar = load_calendar(conn)
        believed = self._believed
        basis = Basis(versions(conn), self._gauges, calendar, self._zone, self._modes, believed)
        return basis.about(sort)
