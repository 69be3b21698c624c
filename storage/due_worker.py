"""Working a queue off: claim, compute, store; a batch is one transaction."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import psycopg
import structlog

from storage.due import Claim, Lane, Queue
from storage.due_hand import Hand

ALONE_AT_ONCE: Final = 50
"""So many of those that a worker died of are tried in one turn, in a transaction each."""

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

    Its turns go round: what is new, the backlog, those of which a worker died. Who has nothing to
    do lets the next one have its turn. So what is new waits for two turns of others at most.

    Args:
        conn: an autocommit connection of its own.
        queue: what is due.
        compute: does it.
        now: the clock, aware: for what is new, and for the pauses after failures.
        hand: notes what the worker has in hand; None: of what kills it, nobody will know.
    """

    def __init__(
        self,
        conn: psycopg.Connection,
        queue: Queue,
        compute: Compute,
        now: Callable[[], datetime],
        hand: Hand | None = None,
    ) -> None:
        self._conn = conn
        self._queue = queue
        self._compute = compute
        self._now = now
        self._hand = hand
        self._turns = deque((self._new, self._backlog, self._suspects))

    def step(self, most: int) -> Outcome:
        """Take what is due and its turn now, and compute it.

        Subjects that cannot be computed are noted and stay due; they hold up nobody else.

        Args:
            most: how many due rows to look at.

        Raises:
            psycopg.OperationalError: the database is away, or was in the way: nothing is lost,
                call again.
        """
        if self._hand is not None:
            self._note_deaths()
        turns = list(self._turns)
        self._turns.rotate(-1)
        for turn in turns:
            outcome = turn(most)
            if outcome != Outcome():
                return outcome
        return Outcome()

    def _note_deaths(self) -> None:
        with self._conn.transaction():
            noted = self._queue.died(self._conn, self._now())
        if noted:
            advice = "a worker was killed, or cut off, in the middle of them; they are tried alone"
            log.warning("due_left_behind", queue=self._queue.name, subjects=noted, advice=advice)

    def _new(self, most: int) -> Outcome:
        return self._batch(lambda: self._queue.claim(self._conn, most, self._now(), Lane.NEW))

    def _backlog(self, most: int) -> Outcome:
        return self._batch(lambda: self._queue.claim(self._conn, most, self._now(), Lane.BACKLOG))

    def _suspects(self, most: int) -> Outcome:
        at_once = min(most, ALONE_AT_ONCE)
        return self._each_alone(self._queue.suspects(self._conn, at_once, self._now()))

    def _batch(self, claim: Callable[[], list[Claim]]) -> Outcome:
        claimed: list[int] = []
        try:
            return self._transaction(claim, claimed)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("due_batch_failed", queue=self._queue.name, subjects=len(claimed))
        # One of them spoiled the transaction of all: one at a time shows which.
        return self._each_alone(claimed)

    def _each_alone(self, subjects: Sequence[int]) -> Outcome:
        return sum((self._alone(subject) for subject in subjects), Outcome())

    def _alone(self, subject: int) -> Outcome:
        def claim() -> list[Claim]:
            return self._queue.due_of(self._conn, self._queue.hold(self._conn, [subject]))

        claimed: list[int] = []
        try:
            return self._transaction(claim, claimed)
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
            held = self._queue.hold(self._conn, errors)
            kept = {subject: error for subject, error in errors.items() if subject in held}
            self._queue.failed(self._conn, kept, now)
            self._queue.fold(self._conn, self._queue.due_of(self._conn, kept))

    def _transaction(self, claim: Callable[[], list[Claim]], claimed: list[int]) -> Outcome:
        """Do a batch; ``claimed`` is filled with whom it takes."""
        with self._conn.transaction():
            # Months of many subjects take longer than a collector's statement may.
            self._conn.execute("SET LOCAL statement_timeout = 0")
            claims = claim()
            if not claims:
                return Outcome()
            with self._noted(claims):
                made = self._compute(self._conn, _taken(claims, claimed))
                self._queue.done(self._conn, made.claims)
                self._queue.failed(self._conn, made.errors, self._now())
                self._queue.fold(self._conn, [one for one in claims if one.subject in made.errors])
        return Outcome(len(made.claims), len(made.errors))

    def _noted(self, claims: Sequence[Claim]) -> contextlib.AbstractContextManager[None]:
        if self._hand is None:
            return contextlib.nullcontext()
        return self._hand.holding(self._conn, self._queue.name, [one.subject for one in claims])


def _taken(claims: Sequence[Claim], claimed: list[int]) -> Iterator[Claim]:
    for one in claims:
        claimed.append(one.subject)
        yield one
