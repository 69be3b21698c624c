"""Working a queue off: claim, compute, store; a batch is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
import structlog

from storage.due import Claim, Queue

log = structlog.get_logger()


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


@dataclass(frozen=True, slots=True)
class Computed:
    """What was made of claims.

    Attributes:
        claims: computed and stored. Those that stand here no more than among the errors stay due.
        errors: subject → why it could not be computed, although nothing else suffered from it.
    """

    claims: Sequence[Claim]
    errors: Mapping[int, str] = field(default_factory=dict)


Compute = Callable[[psycopg.Connection, Iterator[Claim]], Computed]
"""Takes as many of the claims as one transaction should hold, computes and stores them."""


class DueWorker:
    """Works one queue off on one connection; any number of workers may run side by side.

    Args:
        conn: an autocommit connection of its own.
        queue: what is due.
        compute: does it.
        now: the clock, aware: for the pauses after failures.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        queue: Queue,
        compute: Compute,
        now: Callable[[], datetime],
    ) -> None:
        self._conn = conn
        self._queue = queue
        self._compute = compute
        self._now = now

    def step(self, most: int) -> Outcome:
        """Take the subjects of the oldest due rows, and compute them.

        Subjects that cannot be computed are noted and stay due; they hold up nobody else.

        Args:
            most: how many due rows to look at.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        claimed: list[int] = []
        try:
            return self._transaction(most, claimed)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("due_batch_failed", queue=self._queue.name, subjects=len(claimed))
        # One of them spoiled the transaction of all: one at a time shows which.
        return sum((self._alone() for _ in claimed), Outcome())

    def _alone(self) -> Outcome:
        claimed: list[int] = []
        try:
            return self._transaction(1, claimed)
        except psycopg.OperationalError:
            raise
        except Exception as error:
            log.exception("due_subject_failed", queue=self._queue.name, subjects=claimed)
            self._note_later(dict.fromkeys(claimed, f"{type(error).__name__}: {error}"))
        return Outcome(failed=len(claimed))

    def _note_later(self, errors: Mapping[int, str]) -> None:
        """Note failures behind the rollback that let go of their subjects.

        Whoever took one of them since knows better: it computes it, or notes its own failure.
        """
        now = self._now()
        with self._conn.transaction():
            held = self._queue.hold(self._conn, list(errors))
            kept = {subject: error for subject, error in errors.items() if subject in held}
            self._queue.failed(self._conn, kept, now)
            self._queue.fold(self._conn, self._queue.due_of(self._conn, list(kept)))

    def _transaction(self, most: int, claimed: list[int]) -> Outcome:
        """Do a batch; ``claimed`` is filled with whom it takes."""
        with self._conn.transaction():
            # Months of many subjects take longer than a collector's statement may.
            self._conn.execute("SET LOCAL statement_timeout = 0")
            claims = self._queue.claim(self._conn, most, self._now())
            if not claims:
                return Outcome()
            made = self._compute(self._conn, _noted(claims, claimed))
            self._queue.done(self._conn, made.claims)
            self._queue.failed(self._conn, made.errors, self._now())
            self._queue.fold(self._conn, [one for one in claims if one.subject in made.errors])
        return Outcome(len(made.claims), len(made.errors))


def _noted(claims: Sequence[Claim], claimed: list[int]) -> Iterator[Claim]:
    for one in claims:
        claimed.append(one.subject)
        yield one
