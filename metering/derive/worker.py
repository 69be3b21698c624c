"""Computes what is due: claims, computes, stores; a batch is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
import structlog

from metering.derive import failures, meters
from metering.derive.claim import Claim, claim, done, due_of, fold, hold, within
from metering.derive.compute import Rules
from metering.derive.due import DueKind
from metering.derive.profiles import Resolutions
from metering.derive.rollup import Window
from metering.derive.settings import MeteringSettings
from metering.derive.times import DAY_US

log = structlog.get_logger()


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some subjects.

    Attributes:
        done: computed and stored.
        failed: could not be computed, and stay due.
    """

    done: int = 0
    failed: int = 0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.done + other.done, self.failed + other.failed)


class Worker:
    """Computes what is due on one connection; any number of workers may run side by side.

    Attributes:
        done: subjects computed and stored.
        failed: times that a subject could not be computed.
        quarters: rows of quarter hours written for physical meters.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        settings: MeteringSettings,
        zone: ZoneInfo,
        parts: Parts,
        now: Callable[[], datetime],
    ) -> None:
        """Make a worker.

        Args:
            conn: an autocommit connection of its own.
            settings: what is believed, and how much is done at a time.
            zone: of days and months.
            parts: what computes virtual meters and points.
            now: the clock, aware: for the pauses after failures.
        """
        self.done = 0
        self.failed = 0
        self.quarters = 0
        self._conn = conn
        self._settings = settings
        self._rules = Rules(settings.policy(), zone)
        self._parts = parts
        self._now = now
        self._resolutions = Resolutions()

    def step(self) -> Outcome:
        """Take the oldest work that is due, meters and points, and do it.

        Subjects that cannot be computed are noted in ``metering_failure`` and stay due; they hold
        up nobody else.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        outcome = self._batch(DueKind.METER) + self._batch(DueKind.POINT)
        self.done += outcome.done
        self.failed += outcome.failed
        return outcome

    def _batch(self, kind: DueKind) -> Outcome:
        claimed: list[int] = []
        try:
            return self._transaction(kind, self._settings.batch, claimed)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("metering_batch_failed", kind=kind.value, subjects=len(claimed))
        # One of them spoiled the transaction of all: one at a time shows which.
        return sum((self._alone(kind) for _ in claimed), Outcome())

    def _alone(self, kind: DueKind) -> Outcome:
        claimed: list[int] = []
        try:
            return self._transaction(kind, 1, claimed)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.exception("metering_subject_failed", kind=kind.value, subjects=claimed)
            self._note_later(kind, dict.fromkeys(claimed, f"{type(error).__name__}: {error}"))
        return Outcome(failed=len(claimed))

    def _note_later(self, kind: DueKind, errors: Mapping[int, str]) -> None:
        """Note failures behind the rollback that let go of their subjects.

        Whoever took one of them since knows better: it computes it, or notes its own failure.
        """
        now = self._now()
        with self._conn.transaction():
            held = hold(self._conn, kind, list(errors))
            kept = {subject: error for subject, error in errors.items() if subject in held}
            failures.failed(self._conn, kind, kept, now)
            fold(self._conn, kind, due_of(self._conn, kind, list(kept)))

    def _transaction(self, kind: DueKind, most: int, claimed: list[int]) -> Outcome:
        """Do a batch; ``claimed`` is filled with whom it holds."""
        with self._conn.transaction():
            # Months of many meters take longer than a collector's statement may.
            self._conn.execute("SET LOCAL statement_timeout = 0")
            found = claim(self._conn, kind, most, self._now())
            claims = within(found, self._settings.batch_days * DAY_US)
            claimed += [one.subject for one in claims]
            if not claims:
                return Outcome()
            errors = self._compute(kind, claims)
            good = [one for one in claims if one.subject not in errors]
            done(self._conn, good)
            failures.cured(self._conn, kind, [one.subject for one in good])
            failures.failed(self._conn, kind, errors, self._now())
            fold(self._conn, kind, [one for one in claims if one.subject in errors])
        return Outcome(len(good), len(errors))

    def _compute(self, kind: DueKind, claims: Sequence[Claim]) -> Mapping[int, str]:
        if kind is DueKind.POINT:
            self._parts.points(self._conn, claims)
            return {}
        outcome = meters.recompute(self._conn, claims, self._rules, self._resolutions)
        self.quarters += outcome.quarters
        moved = outcome.windows + outcome.virtual
        if moved:
            self._parts.virtual(self._conn, moved)
        return outcome.errors
