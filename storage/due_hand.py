"""What workers have in hand, written down where their death does not undo it.

A worker that is killed in the middle of a batch leaves everything due, and no trace in the
transaction that ends with it. So it says beforehand, on a second connection, whom it takes; the
transaction of the results takes that back. What is left belongs to a worker that came to no end:
nobody holds its subjects any more.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

import psycopg

from storage import arrays

_TAKE: Final = "INSERT INTO due_in_hand (queue, subjects) VALUES (%s, %s::int[]) RETURNING id"
_DROP: Final = "DELETE FROM due_in_hand WHERE id = %s"
# A worker at work holds all its subjects; the DELETE looks again whether it came to its end since.
_ORPHANS: Final = """
WITH left_behind AS MATERIALIZED (
    SELECT id FROM due_in_hand WHERE queue = %s AND pg_try_advisory_xact_lock(%s, subjects[1])
)
DELETE FROM due_in_hand AS hand USING left_behind WHERE hand.id = left_behind.id
RETURNING hand.subjects
"""


class Hand:
    """A worker's hand.

    Args:
        notes: an autocommit connection other than that of the work.
    """

    def __init__(self, notes: psycopg.Connection) -> None:
        self._notes = notes
        # A note outlives the worker, not the server: there is no need to wait for the disk.
        notes.execute("SET synchronous_commit = off")

    @contextlib.contextmanager
    def holding(
        self, conn: psycopg.Connection, queue: str, subjects: Iterable[int]
    ) -> Iterator[None]:
        """Note whom a worker takes, for as long as it lives and is not done.

        Args:
            conn: in the transaction that holds the subjects, and is committed right after.
            queue: whose they are.
            subjects: at least one.
        """
        row = self._notes.execute(_TAKE, [queue, arrays.ids(subjects)]).fetchone()
        try:
            yield
        except BaseException:
            # Before the rollback, which lets go of them: this worker lives.
            with contextlib.suppress(psycopg.Error):
                self._notes.execute(_DROP, row)
            raise
        conn.execute(_DROP, row)


def orphans(conn: psycopg.Connection, queue: str, lock: int) -> list[list[int]]:
    """Return, once, what workers had in hand that came to no end.

    Args:
        conn: in the transaction that makes something of it.
        queue: whose subjects.
        lock: first key of their advisory locks.
    """
    return [subjects for (subjects,) in conn.execute(_ORPHANS, [queue, lock]).fetchall()]
