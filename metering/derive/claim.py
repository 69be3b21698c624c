"""Taking due work so that no two workers ever hold the same meter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg

from metering.derive import arrays
from metering.derive.due import DueKind
from metering.derive.failures import LONGEST_PAUSE
from metering.derive.times import DAY_US, us_of

LOCK_CLASS: Final = {DueKind.METER: 0x6A69_6D01, DueKind.POINT: 0x6A69_6D02}
"""First key of a subject's advisory lock; the second is its id."""

NEAR_US: Final = DAY_US
"""Changes so near to each other are computed in one go: their surroundings are the same."""

# Neither statement ever waits for another worker: rows that somebody holds stay due. A pause longer
# than any comes from a clock that ran ahead.
_PICK = """
WITH picked AS MATERIALIZED (
    SELECT subject FROM metering_due
    WHERE kind = %(kind)s AND NOT EXISTS (
        SELECT FROM metering_failure AS failed
        WHERE failed.kind = metering_due.kind AND failed.subject = metering_due.subject
          AND failed.retry_at > %(now)s AND failed.retry_at <= %(now)s + %(longest)s
    )
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), subjects AS MATERIALIZED (
    SELECT DISTINCT subject FROM picked
)
SELECT subject FROM subjects WHERE pg_try_advisory_xact_lock(%(lock)s, subject)
"""
_ROWS = """
SELECT id, subject, greatest(ts_from, '1900-01-01Z'), least(ts_to, '2900-01-01Z')
FROM metering_due WHERE kind = %s AND subject = ANY(%s::int[])
ORDER BY subject, ts_from, id FOR UPDATE SKIP LOCKED
"""
_HOLD = """
SELECT subject FROM unnest(%s::int[]) AS subject WHERE pg_try_advisory_xact_lock(%s, subject)
"""
_FOLD = """
WITH gone AS (
    DELETE FROM metering_due WHERE id = ANY(%(rows)s::int8[]) RETURNING subject, added_at
), since AS (
    SELECT subject, min(added_at) AS added_at FROM gone GROUP BY subject
)
INSERT INTO metering_due (kind, subject, ts_from, ts_to, why, added_at)
SELECT %(kind)s, subject, ts_from, ts_to, 'failed before', added_at
FROM unnest(%(subjects)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
    AS span (subject, ts_from, ts_to)
JOIN since USING (subject)
"""
_DONE = "DELETE FROM metering_due WHERE id = ANY(%s::int8[])"


@dataclass(frozen=True, slots=True)
class Span:
    """Time in which something changed, both ends included, µs UTC."""

    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A subject that is ours until the transaction ends.

    Attributes:
        subject: id of the meter or point.
        spans: where it changed: ascending, apart from each other.
        rows: ids of the due rows that say so.
    """

    subject: int
    spans: tuple[Span, ...]
    rows: tuple[int, ...]


def claim(conn: psycopg.Connection, kind: DueKind, most: int, now: datetime) -> list[Claim]:
    """Take the subjects of the oldest due rows that nobody else holds.

    What the due rows speak of is visible to the statements that follow.

    Args:
        conn: in the transaction that will store the results, at READ COMMITTED.
        kind: meters or points.
        most: how many due rows to look at.
        now: subjects that failed are left alone until their time has come.
    """
    values = {
        "kind": kind.value,
        "most": most,
        "now": now,
        "longest": LONGEST_PAUSE,
        "lock": LOCK_CLASS[kind],
    }
    subjects = [subject for (subject,) in conn.execute(_PICK, values).fetchall()]
    return due_of(conn, kind, subjects)


def due_of(conn: psycopg.Connection, kind: DueKind, subjects: Sequence[int]) -> list[Claim]:
    """Return what is due of subjects that are ours, but for rows that somebody else looks at."""
    if not subjects:
        return []
    rows: dict[int, list[tuple[int, Span]]] = {}
    for row, subject, ts_from, ts_to in conn.execute(
        _ROWS, [kind.value, arrays.ids(subjects)]
    ).fetchall():
        rows.setdefault(subject, []).append((row, Span(us_of(ts_from), us_of(ts_to))))
    return [
        Claim(subject, merged(span for _, span in found), tuple(row for row, _ in found))
        for subject, found in rows.items()
    ]


def hold(conn: psycopg.Connection, kind: DueKind, subjects: Sequence[int]) -> set[int]:
    """Lock those of some subjects that nobody else holds, until the transaction ends."""
    rows = conn.execute(_HOLD, [arrays.ids(subjects), LOCK_CLASS[kind]])
    return {subject for (subject,) in rows}


def fold(conn: psycopg.Connection, kind: DueKind, claims: Iterable[Claim]) -> None:
    """Keep what could not be computed due, in a row for each span.

    Else a subject that fails for months has a row for every reading of them, and every look for
    work reads them all.

    Args:
        conn: in the transaction of the claims.
        kind: meters or points.
        claims: subjects that failed.
    """
    many = [one for one in claims if len(one.rows) > len(one.spans)]
    if not many:
        return
    spans = [(one.subject, span) for one in many for span in one.spans]
    values = {
        "kind": kind.value,
        "rows": arrays.ids([row for one in many for row in one.rows]),
        "subjects": arrays.ids([subject for subject, _ in spans]),
        "froms": arrays.times([span.from_us for _, span in spans]),
        "tos": arrays.times([span.to_us for _, span in spans]),
    }
    conn.execute(_FOLD, values)


def done(conn: psycopg.Connection, claims: Iterable[Claim]) -> None:
    """Delete the due rows of what is computed, in the transaction of the results."""
    conn.execute(_DONE, [arrays.ids([row for one in claims for row in one.rows])])


def merged(spans: Iterable[Span], near_us: int = NEAR_US) -> tuple[Span, ...]:
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


def within(claims: Sequence[Claim], budget_us: int) -> list[Claim]:
    """Return as many claims, from the first on, as a transaction should compute; at least one.

    Args:
        claims: what could be computed.
        budget_us: time of all spans together.
    """
    kept: list[Claim] = []
    left = budget_us
    for one in claims:
        left -= sum(min(span.to_us - span.from_us, 3_650 * DAY_US) + DAY_US for span in one.spans)
        if kept and left < 0:
            break
        kept.append(one)
    return kept
