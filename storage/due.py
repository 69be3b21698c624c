"""Queues of what has to be computed again: marked by who changes something, claimed by workers.

A queue is two tables. The first holds rows (id, subject, ts_from, ts_to, why, added_at): what
changed of whom, and in which time. The second holds subjects that could not be computed. Two
workers never hold the same subject: each of its rows is somebody's until a transaction ends.

Claims take turns (:class:`Lane`), so that what is new does not wait behind years that came at once,
and those years are not kept waiting for ever by what is new.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg

from storage import arrays
from storage.due_hand import orphans
from storage.due_sql import statements
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)
NEW_FOR: Final = timedelta(days=1)
"""What changed of this time up to now is new; all else is backlog."""
_HOLD: Final = """
SELECT subject FROM unnest(%s::int[]) AS subject WHERE pg_try_advisory_xact_lock(%s, subject)
"""


class Lane(enum.Enum):
    """Whose turn it is.

    What is new goes by the time that changed, the newest first, and takes only what is new of a
    subject; the backlog goes by the order in which it was marked, and takes all of a subject. In
    which order a subject's changes are computed makes no difference: each is computed from what is
    known by now, as far as it reaches.
    """

    NEW = enum.auto()
    BACKLOG = enum.auto()


@dataclass(frozen=True, slots=True)
class Span:
    """Time in which something changed, both ends included, µs UTC."""

    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A subject that is ours until the transaction ends.

    Attributes:
        subject: its id.
        spans: where it changed: ascending, apart from each other.
        rows: ids of the due rows that say so.
    """

    subject: int
    spans: tuple[Span, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a queue.

    Attributes:
        rows: due rows.
        oldest_at: since when the oldest waits that could be computed now; None: there is none.
        failing: subjects that could not be computed the last time.
        set_aside: those of them that are not tried any more.
    """

    rows: int
    oldest_at: datetime | None
    failing: int
    set_aside: int


class Queue:
    """What is due of subjects of one sort.

    Attributes:
        name: for the log.
    """

    def __init__(
        self, tables: str, subject: str, *, lock: int, near_us: int, kind: str | None = None
    ) -> None:
        """Name a queue.

        Args:
            tables: begin of the names of its tables, which end in ``_due`` and ``_failure``.
            subject: the column of both that names the subject, an ``int``.
            lock: first key of a subject's advisory lock; the second is its id.
            near_us: changes so near to each other are computed in one go.
            kind: what the rows of this queue have in the column ``kind``; None: there is none.
        """
        self.name = tables if kind is None else f"{tables} {kind}"
        self._lock = lock
        self._near_us = near_us
        self._sql = statements(tables, subject, kind)

    def mark(
        self,
        conn: psycopg.Connection,
        subject: int,
        ts_from: datetime | None,
        ts_to: datetime | None,
        why: str,
    ) -> None:
        """Say that something changed, in the transaction that changes it.

        Args:
            conn: in that transaction.
            subject: of whom.
            ts_from: the earliest time at which anything differs from before, aware; None: it
                matters since ever.
            ts_to: the latest, included; None: it matters for ever.
            why: what changed, for people who look into the table.

        Raises:
            ValueError: a time has no zone.
        """
        for at in (ts_from, ts_to):
            if at is not None and at.tzinfo is None:
                raise ValueError(f"{at} has no zone: pass an aware datetime, for example in UTC")
        begin, end = ts_from or at_us(ALWAYS_US), ts_to or at_us(NEVER_US)
        conn.execute(self._sql.mark, [subject, begin, end, why])

    def claim(
        self, conn: psycopg.Connection, most: int, now: datetime, lane: Lane = Lane.BACKLOG
    ) -> list[Claim]:
        """Take subjects that nobody else holds.

        What the due rows speak of is visible to the statements that follow. Subjects that failed
        are left alone until their time has come, and those that a worker died of altogether: see
        :meth:`suspects`.

        Args:
            conn: in the transaction that will store the results, at READ COMMITTED.
            most: how many due rows to look at.
            now: the time, aware.
            lane: which due rows come first.
        """
        since = now - NEW_FOR if lane is Lane.NEW else None
        values = {
            "most": most,
            "now": now,
            "longest": LONGEST_PAUSE,
            "lock": self._lock,
            "since": since,
        }
        pick = self._sql.newest if lane is Lane.NEW else self._sql.oldest
        subjects = [subject for (subject,) in conn.execute(pick, values).fetchall()]
        return self._due_of(conn, subjects, since)

    def suspects(self, conn: psycopg.Connection, most: int, now: datetime) -> list[int]:
        """Return subjects of which a worker died, and that are to be tried again, each alone.

        Args:
            conn: of any kind.
            most: how many at most.
            now: the time, aware.
        """
        values = {"most": most, "now": now, "longest": LONGEST_PAUSE}
        return [subject for (subject,) in conn.execute(self._sql.suspects, values)]

    def due_of(self, conn: psycopg.Connection, subjects: Iterable[int]) -> list[Claim]:
        """Return what is due of subjects that are ours, but for rows that somebody else holds."""
        return self._due_of(conn, list(subjects), None)

    def _due_of(
        self, conn: psycopg.Connection, subjects: Sequence[int], since: datetime | None
    ) -> list[Claim]:
        if not subjects:
            return []
        rows: dict[int, list[tuple[int, Span]]] = {}
        found = conn.execute(self._sql.rows, [arrays.ids(subjects), since]).fetchall()
        for row, subject, ts_from, ts_to in found:
            rows.setdefault(subject, []).append((row, Span(us_of(ts_from), us_of(ts_to))))
        return [
            Claim(
                subject,
                merged((span for _, span in mine), self._near_us),
                tuple(row for row, _ in mine),
            )
            for subject, mine in rows.items()
        ]

    def hold(self, conn: psycopg.Connection, subjects: Iterable[int]) -> set[int]:
        """Lock those of some subjects that nobody else holds, until the transaction ends."""
        rows = conn.execute(_HOLD, [arrays.ids(subjects), self._lock])
        return {subject for (subject,) in rows}

    def fold(self, conn: psycopg.Connection, claims: Iterable[Claim]) -> None:
        """Keep what could not be computed due, in a row for each span.

        Else a subject that fails for months has a row for everything that came of it, and every
        look for work reads them all.

        Args:
            conn: in the transaction of the claims.
            claims: subjects that failed.
        """
        many = [one for one in claims if len(one.rows) > len(one.spans)]
        if not many:
            return
        spans = [(one.subject, span) for one in many for span in one.spans]
        values = {
            "rows": arrays.ids(row for one in many for row in one.rows),
            "subjects": arrays.ids(subject for subject, _ in spans),
            "froms": arrays.times([span.from_us for _, span in spans]),
            "tos": arrays.times([span.to_us for _, span in spans]),
        }
        conn.execute(self._sql.fold, values)

    def done(self, conn: psycopg.Connection, claims: Iterable[Claim]) -> None:
        """Delete the due rows of what is computed, in the transaction of the results."""
        claims = list(claims)
        conn.execute(self._sql.done, [arrays.ids(row for one in claims for row in one.rows)])
        conn.execute(self._sql.cured, [arrays.ids(one.subject for one in claims)])

    def failed(self, conn: psycopg.Connection, errors: Mapping[int, str], now: datetime) -> None:
        """Note why subjects could not be computed; the pause before the next try doubles.

        What is not due any more was computed by somebody else meanwhile: of that nothing is noted.

        Args:
            conn: in a transaction that holds the subjects' locks.
            errors: subject → what happened and what to do.
            now: the time.
        """
        if errors:
            values = {
                "subjects": list(errors),
                "errors": list(errors.values()),
                "now": now,
                "first": FIRST_PAUSE,
                "longest": LONGEST_PAUSE,
            }
            conn.execute(self._sql.failed, values)

    def died(self, conn: psycopg.Connection, now: datetime) -> int:
        """Note what workers had in hand that were killed, or cut off, in the middle of it.

        Of a batch all are noted, and are tried alone from then on: so the one that kills is found.
        After :data:`storage.due_sql.MOST_DEATHS` in a row it is set aside until :meth:`pardon`.

        Args:
            conn: in a transaction of its own.
            now: the time, aware.

        Returns:
            How many were noted.
        """
        noted = 0
        for subjects in orphans(conn, self.name, self._lock):
            # What somebody took up since is in his hand now.
            values = {
                "subjects": arrays.ids(self.hold(conn, subjects)),
                "now": now,
                "first": FIRST_PAUSE,
                "longest": LONGEST_PAUSE,
            }
            noted += conn.execute(self._sql.died, values).rowcount
        grown = [subject for (subject,) in conn.execute(self._sql.grown)]
        self.fold(conn, self.due_of(conn, self.hold(conn, grown)))
        return noted

    def pardon(self, conn: psycopg.Connection, subject: int | None, now: datetime) -> None:
        """Have what was set aside tried once more, alone.

        Args:
            conn: in the transaction that marks it.
            subject: which; None: all.
            now: the time, aware.
        """
        conn.execute(self._sql.pardon, {"subject": subject, "now": now})

    def waiting(self, conn: psycopg.Connection, now: datetime) -> Waiting:
        """Return what waits; who failed rests until its time has come, and does not count."""
        ((rows, oldest_at, failing, set_aside),) = conn.execute(
            self._sql.waiting, {"now": now, "longest": LONGEST_PAUSE}
        ).fetchall()
        return Waiting(rows, oldest_at, failing, set_aside)


def merged(spans: Iterable[Span], near_us: int) -> tuple[Span, ...]:
    """Join spans that overlap or lie near each other.

    Args:
        spans: by their begin.
        near_us: a gap that does not part them.
    """
    joined: list[Span] = []
    for span in spans:
        if joined and span.from_us <= joined[-1].to_us + near_us:
            last = joined.pop()
            joined.append(Span(last.from_us, max(last.to_us, span.to_us)))
        else:
            joined.append(span)
    return tuple(joined)
