"""Which devices have to be looked at again: what is heard of them is told by whole hours.

A reading changes what is known of its device only when it is the first one of an hour. So a device
that is polled every minute is looked at once an hour.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.model import Sort
from rules.subjects.asked import inputs
from storage import dirty
from storage.due import NEW_FOR, Queue
from storage.times import DAY_US

CONSUMER: Final = "rules device"
LOCK: Final = 0x6A69_6579_6F6E_670B
QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7202, near_us=DAY_US, kind=Sort.DEVICE.value)

# By week: what comes late must not make all the time since then due.
_TOUCHED: Final[LiteralString] = """
WITH touched AS MATERIALIZED (
    SELECT point.device_id, week, fresh, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject
    JOIN point ON point.id = subject,
         LATERAL (SELECT date_trunc('week', ts_from, 'UTC') AS week,
                         ts_from >= logged_at - %(new_for)s::interval AS fresh) AS age
    WHERE kind = 'reading'
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY point.device_id, week, fresh
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'device', device_id, since, until, 'readings' FROM touched
WHERE date_trunc('hour', since, 'UTC') <> date_trunc('hour', until, 'UTC') OR NOT EXISTS (
    SELECT FROM point
    CROSS JOIN LATERAL (
        SELECT FROM reading
        WHERE point_id = point.id AND ts >= date_trunc('hour', touched.since, 'UTC')
          AND ts < touched.since AND value IS NOT NULL
        LIMIT 1
    ) AS earlier
    WHERE point.device_id = touched.device_id
)
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'device', device_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM device_place
"""


def follow(conn: psycopg.Connection[Any]) -> int:
    """Turn what the dirty log says into due rows; see :func:`rules.subjects.catalogue.follow`."""
    return dirty.follow(conn, CONSUMER, LOCK, _write)


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every device due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why]).rowcount if inputs(conn, Sort.DEVICE) else 0


def _write(conn: psycopg.Connection[Any], window: dirty.Window) -> int:
    if window.anew:
        return mark_all(conn, "everything anew")
    if not inputs(conn, Sort.DEVICE):
        return 0
    values = {"since": window.since, "upto": window.upto, "new_for": NEW_FOR}
    return conn.execute(_TOUCHED, values).rowcount
