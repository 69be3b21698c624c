"""What could not be computed: kept, visible, tried again with growing pauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg

from metering.derive import arrays
from metering.derive.due import DueKind

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)

_FAILED = """
INSERT INTO metering_failure AS known
    (kind, subject, error, failures, first_at, last_at, retry_at)
SELECT %(kind)s, subject, error, 1, %(now)s, %(now)s, %(now)s + %(first)s
FROM unnest(%(subjects)s::int[], %(errors)s::text[]) AS failed (subject, error)
WHERE EXISTS (
    SELECT FROM metering_due AS due WHERE due.kind = %(kind)s AND due.subject = failed.subject
)
ON CONFLICT (kind, subject) DO UPDATE
SET error = excluded.error, failures = known.failures + 1, last_at = excluded.last_at,
    retry_at = excluded.last_at
        + least(%(longest)s, %(first)s * power(2, least(known.failures, 20)))
"""
_CURED = "DELETE FROM metering_failure WHERE kind = %s AND subject = ANY(%s::int[])"


def failed(
    conn: psycopg.Connection, kind: DueKind, errors: Mapping[int, str], now: datetime
) -> None:
    """Note why subjects could not be computed; the pause doubles each time.

    What is not due any more was computed by somebody else meanwhile: of that nothing is noted.

    Args:
        conn: in a transaction that holds the subjects' locks.
        kind: meters or points.
        errors: id → what happened and what to do.
        now: the time.
    """
    if errors:
        values = {
            "kind": kind.value,
            "subjects": list(errors),
            "errors": list(errors.values()),
            "now": now,
            "first": FIRST_PAUSE,
            "longest": LONGEST_PAUSE,
        }
        conn.execute(_FAILED, values)


def cured(conn: psycopg.Connection, kind: DueKind, subjects: Sequence[int]) -> None:
    """Forget the failures of what has been computed."""
    conn.execute(_CURED, [kind.value, arrays.ids(subjects)])
