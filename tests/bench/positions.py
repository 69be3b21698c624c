"""What the database itself says of the positions it holds: ages at commit, losses, doubles.

The age of a row is its transaction's commit time minus the time the sender wrote into the message:
independent of anything our own code believes about itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

AGES = """
SELECT count(*), percentile_disc(array[0.5, 0.99, 1.0]) WITHIN GROUP (ORDER BY age_ms)
FROM (
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - fix_time)::float8 * 1000 AS age_ms
    FROM position WHERE fix_time >= to_timestamp(%(since)s) AND fix_time < to_timestamp(%(until)s)
) AS aged
"""
LAST_LATE = """
SELECT extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8
FROM position
WHERE fix_time >= to_timestamp(%(since)s)
  AND pg_xact_commit_timestamp(xmin) - fix_time > make_interval(secs => %(late)s)
"""
# Message n is number 1 + n / terminals of terminal n % terminals, whose id is one more.
MISSING = """
SELECT n %% %(terminals)s, 1 + n / %(terminals)s
FROM generate_series(0, %(sent)s - 1) AS n
WHERE NOT EXISTS (
    SELECT FROM seen WHERE terminal_id = n %% %(terminals)s + 1 AND seq = 1 + n / %(terminals)s
)
"""
SEEN = "CREATE TEMP TABLE seen AS SELECT terminal_id, seq FROM position"
DOUBLES = "SELECT count(*) - count(DISTINCT (terminal_id, seq)) FROM seen"


@dataclass(frozen=True, slots=True)
class Ages:
    """Publish → committed, milliseconds."""

    rows: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True, slots=True)
class Account:
    """Messages by number: those the broker acknowledged against those in the database.

    Attributes:
        lost: acknowledged to the sender by the broker, and not in the database.
        duplicated: rows beyond the first of a terminal's number.
    """

    lost: int
    duplicated: int


def ages(conn: psycopg.Connection, since_s: float, until_s: float) -> Ages:
    """Return the ages of positions whose messages were sent in [since, until), Unix seconds.

    Raises:
        ValueError: there is none.
    """
    row = conn.execute(AGES, {"since": since_s, "until": until_s}).fetchone()
    if row is None or not row[0]:
        raise ValueError("no position of the measured time is in the database")
    return Ages(row[0], *row[1])


def last_late_commit(conn: psycopg.Connection, since_s: float, late_s: float) -> float | None:
    """Return when the last position older than ``late_s`` was committed (Unix seconds), if any."""
    asked = {"since": since_s, "late": late_s}
    (at,) = conn.execute(LAST_LATE, asked).fetchone() or (None,)
    return None if at is None else float(at)


def account(conn: psycopg.Connection, sent: Mapping[str, Any], terminals: int) -> Account:
    """Compare what the load generator says with what is stored.

    Args:
        conn: an autocommit connection to a database that holds this run's positions only.
        sent: the load generator's result.
        terminals: over how many terminals it went.
    """
    forgiven = {(int(code[-5:]), seq) for code, seq in sent["unacknowledged"]}
    conn.execute(SEEN)
    conn.execute("CREATE INDEX ON seen (terminal_id, seq)")
    conn.execute("ANALYZE seen")
    missing = conn.execute(MISSING, {"terminals": terminals, "sent": sent["sent"]}).fetchall()
    (doubles,) = conn.execute(DOUBLES).fetchone() or (0,)
    conn.execute("DROP TABLE seen")
    return Account(sum(number not in forgiven for number in missing), int(doubles))
