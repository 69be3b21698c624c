"""What the database itself says of the positions it holds: ages at commit, losses, doubles.

The age of a row is its transaction's commit time minus the time the sender wrote into the message:
independent of anything our own code believes about itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

AGES = """
SELECT count(*), percentile_disc(array[0.5, 0.99, 1.0]) WITHIN GROUP (ORDER BY age_ms)
FROM (
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - fix_time)::float8 * 1000 AS age_ms
    FROM position WHERE fix_time >= to_timestamp(%s) AND fix_time < to_timestamp(%s)
) AS aged
"""
LAST_LATE = """
SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8
FROM position
WHERE fix_time >= to_timestamp(%s)
  AND pg_xact_commit_timestamp(xmin) - fix_time > make_interval(secs => %s)
"""
NUMBERS = """
SELECT t.code, count(*), count(DISTINCT p.seq), min(p.seq), max(p.seq)
FROM position p JOIN terminal t ON t.id = p.terminal_id GROUP BY t.code
"""


@dataclass(frozen=True, slots=True)
class Ages:
    """Publish → committed, milliseconds."""

    rows: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


def ages(conn: psycopg.Connection, since_s: float, until_s: float) -> Ages:
    """Return the ages of positions whose messages were sent in [since, until), Unix seconds.

    Raises:
        ValueError: there is none.
    """
    row = conn.execute(AGES, (since_s, until_s)).fetchone()
    if row is None or not row[0]:
        raise ValueError("no position of the measured time is in the database")
    return Ages(row[0], *row[1])


def last_late_commit(conn: psycopg.Connection, since_s: float, late_s: float) -> float | None:
    """Return when the last position older than ``late_s`` was committed (Unix seconds), if any."""
    (at,) = conn.execute(LAST_LATE, (since_s, late_s)).fetchone() or (None,)
    return None if at is None else float(at)
