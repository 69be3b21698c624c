"""Queues of what has to be computed again: marked by who changes something, claimed by workers.

A queue is two tables. The first holds rows (id, subject, ts_from, ts_to, why, added_at): what
changed of whom, and in which time. The second holds subjects that could not be computed. Two
workers never hold the same subject: each of its rows is somebody's until a transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
from psycopg import sql

from storage import arrays
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)

_MARK: Final = """
INSERT INTO {due} ({columns}, ts_from, ts_to, why) VALUES ({values}, %s, %s, %s)
"""
# None of these statements ever waits for another worker: rows that somebody holds stay due. A pause
# longer than any comes from a clock that ran ahead.
_PICK: Final = """
WITH picked AS MATERIALIZED (
    SELECT due.{subject} AS subject FROM {due} AS due
    WHERE {due_kind} AND NOT EXISTS (
        SELECT FROM {failure} AS failed
        WHERE {failed_kind} AND failed.{subject} = due.{subject}
          AND failed.retry_at > %(now)s AND failed.retry_at <= %(now)s + %(longest)s
    )
    ORDER BY due.id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), subjects AS MATERIALIZED (
    SELECT DISTINCT subject FROM picked
)
SELECT subject FROM subjects WHERE pg_try_advisory_xact_lock(%(lock)s, subject)
"""
_ROWS: Final = """
SELECT due.id, due.{subject}, greatest(ts_from, '1900-01-01Z'), least(ts_to, '2900-01-01Z')
FROM {due} AS due WHERE {due_kind} AND due.{subject} = ANY(%s::int[])
ORDER BY due.{subject}, ts_from, due.id FOR UPDATE SKIP LOCKED
"""
_FOLD: Final = """
WITH gone AS (
    DELETE FROM {due} WHERE id = ANY(%(rows)s::int8[]) RETURNING {subject} AS subject, added_at
), since AS (
    SELECT subject, min(added_at) AS added_at FROM gone GROUP BY subject
)
INSERT INTO {due} ({columns}, ts_from, ts_to, why, added_at)
SELECT {listed}, ts_from, ts_to, 'failed before', added_at
FROM unnest(%(subjects)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS span (subject, ts_from, ts_to)
JOIN since USING (subject)
"""
_HOLD: Final = """
SELECT subject FROM unnest(%s::int[]) AS subject WHERE pg_try_advisory_xact_lock(%s, subject)
"""
_DONE: Final = "DELETE FROM {due} WHERE id = ANY(%s::int8[])"
_FAILED: Final = """
INSERT INTO {failure} AS known ({columns}, error, failures, first_at, last_at, retry_at)
SELECT {listed}, error, 1, %(now)s, %(now)s, %(now)s::timestamptz + %(first)s
FROM unnest(%(subjects)s::int[], %(errors)s::text[]) AS fresh (subject, error)
WHERE EXISTS (SELECT FROM {due} AS due WHERE {due_kind} AND due.{subject} = fresh.subject)
ON CONFLICT ({columns}) DO UPDATE
SET error = excluded.error, failures = known.failures + 1, last_at = excluded.last_at,
    retry_at = excluded.last_at
        + least(%(longest)s, %(first)s * power(2, least(known.failures, 20)))
"""
_CURED: Final = """
DELETE FROM {failure} AS failed WHERE {failed_kind} AND failed.{subject} = ANY(%s::int[])
"""
_WAITING: Final = """
SELECT count(*),
    min(due.added_at) FILTER (
        WHERE failed.retry_at IS NULL OR failed.retry_at <= %(now)s
           OR failed.retry_at > %(now)s + %(longest)s),
    (SELECT count(*) FROM {failure} AS failed WHERE {failed_kind})
FROM {due} AS due
LEFT JOIN {failure} AS failed ON {failed_kind} AND failed.{subject} = due.{subject}
WHERE {due_kind}
"""


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
    """

    rows: int
    oldest_at: datetime | None
    failing: int


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
        column, word = sql.Identifier(subject), sql.Literal(kind)
        parts: dict[str, sql.Composable] = {
            "due": sql.Identifier(f"{tables}_due"),
            "failure": sql.Identifier(f"{tables}_failure"),
            "subject": column,
            "columns": column,
            "values": sql.SQL("%s"),
            "listed": sql.SQL("subject"),
            "due_kind": sql.SQL("true"),
            "failed_kind": sql.SQL("true"),
        }
        if kind is not None:
            parts |= {
                "columns": sql.SQL("kind, {}").format(column),
                "values": sql.SQL("{}, %s").format(word),
                "listed": sql.SQL("{}, subject").format(word),
                "due_kind": sql.SQL("due.kind = {}").format(word),
                "failed_kind": sql.SQL("failed.kind = {}").format(word),
            }
        texts = (_MARK, _PICK, _ROWS, _DONE, _FAILED, _CURED, _FOLD, _WAITING)
        made = [sql.SQL(text).format(**parts) for text in texts]
        self._mark, self._pick, self._rows, self._done = made[:4]
        self._failed, self._cured, self._fold, self._waiting = made[4:]

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
        conn.execute(self._mark, [subject, begin, end, why])

    def claim(self, conn: psycopg.Connection, most: int, now: datetime) -> list[Claim]:
        """Take the subjects of the oldest due rows that nobody else holds.

        What the due rows speak of is visible to the statements that follow.

        Args:
            conn: in the transaction that will store the results, at READ COMMITTED.
            most: how many due rows to look at.
            now: subjects that failed are left alone until their time has come.
        """
        values = {"most": most, "now": now, "longest": LONGEST_PAUSE, "lock": self._lock}
        subjects = [subject for (subject,) in conn.execute(self._pick, values).fetchall()]
        return self.due_of(conn, subjects)

    def due_of(self, conn: psycopg.Connection, subjects: Sequence[int]) -> list[Claim]:
        """Return what is due of subjects that are ours, but for rows that somebody else holds."""
        if not subjects:
            return []
        rows: dict[int, list[tuple[int, Span]]] = {}
        found = conn.execute(self._rows, [arrays.ids(subjects)]).fetchall()
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

    def hold(self, conn: psycopg.Connection, subjects: Sequence[int]) -> set[int]:
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
        conn.execute(self._fold, values)

    def done(self, conn: psycopg.Connection, claims: Iterable[Claim]) -> None:
        """Delete the due rows of what is computed, in the transaction of the results."""
        claims = list(claims)
        conn.execute(self._done, [arrays.ids(row for one in claims for row in one.rows)])
        conn.execute(self._cured, [arrays.ids(one.subject for one in claims)])

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
            conn.execute(self._failed, values)

    def waiting(self, conn: psycopg.Connection, now: datetime) -> Waiting:
        """Return what waits; who failed rests until its time has come, and does not count."""
        ((rows, oldest_at, failing),) = conn.execute(
            self._waiting, {"now": now, "longest": LONGEST_PAUSE}
        ).fetchall()
        return Waiting(rows, oldest_at, failing)


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
