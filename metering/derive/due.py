"""What has to be computed again: from the dirty log, and from facts that were entered.

A due row names a meter (its consumption) or a point (a gauge or a state), and the time in which
something changed. How far the change reaches is for the worker to find out.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Final

import psycopg
import structlog

from storage import dirty
from storage.due import NEW_FOR, Queue
from storage.times import DAY_US

CONSUMER: Final = "metering"
LOCK: Final = 0x6A69_6579_6F6E_6705
MOST_ENTRIES: Final = 500
"""A step's part of the dirty log: at ten thousand subjects each it takes seconds."""

_log = structlog.get_logger()


class DueKind(enum.StrEnum):
    """What a due row names."""

    METER = "meter"
    POINT = "point"


# Within a day the surroundings are the same.
QUEUES: Final = {
    kind: Queue("metering", "subject", lock=lock, near_us=DAY_US, kind=kind.value)
    for kind, lock in ((DueKind.METER, 0x6A69_6D01), (DueKind.POINT, 0x6A69_6D02))
}
# A reading may lie outside the time in which its device hung at a place: then it is nobody's
# consumption. The bounds are inclusive: a reading at the end of a binding can be the final one.
_COUNTERS = """
SELECT 'meter', meter.id, min(touched.since), max(touched.until), %(why)s
FROM touched
JOIN point ON point.id = touched.subject AND point.class = 'counter'
JOIN device_place ON device_place.device_id = point.device_id
    AND tstzrange(touched.since, touched.until, '[]') && device_place.valid
JOIN meter ON meter.place_id = device_place.place_id
WHERE point.id = (
    SELECT own.id FROM point AS own
    WHERE own.device_id = point.device_id AND own.class = 'counter'
      AND own.name = coalesce(meter.register, own.name)
    ORDER BY own.id LIMIT 1
)
GROUP BY meter.id, touched.week, touched.fresh
"""
_POINTS = """
SELECT 'point', point.id, touched.since, touched.until, %(why)s
FROM touched JOIN point ON point.id = touched.subject AND point.class IN ('gauge', 'state')
"""
_INSERT = (
    f"INSERT INTO metering_due (kind, subject, ts_from, ts_to, why) {_COUNTERS} UNION ALL {_POINTS}"
)
# By week: what comes late must not make all the time since then due. What is new by itself: older
# readings of the same week would take it with them into the backlog.
_TOUCHED = """
WITH touched AS MATERIALIZED (
    SELECT subject, week, fresh, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject, date_trunc('week', ts_from, 'UTC') AS week,
         LATERAL (SELECT ts_from >= logged_at - %(new_for)s::interval AS fresh) AS age
    WHERE kind = 'reading'
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY subject, week, fresh
)
"""
# Two index descents a point; a GROUP BY would read every raw row there is.
_EVERYTHING = """
WITH touched AS MATERIALIZED (
    SELECT point.id AS subject, 'epoch'::timestamptz AS week,
           false AS fresh, oldest.ts AS since, newest.ts AS until
    FROM point
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1
    ) AS newest
)
"""
FOLLOW: Final = _TOUCHED + _INSERT
"""From the dirty log's rows of since <= xid < upto."""
FOLLOW_ANEW: Final = _EVERYTHING + _INSERT
"""From everything that has readings."""


def mark(  # noqa: PLR0913, PLR0917 - one argument for each column
    conn: psycopg.Connection,
    kind: DueKind,
    subject: int,
    ts_from: datetime,
    ts_to: datetime | None,
    why: str,
) -> None:
    """Say that something changed, in the transaction that changes it.

    Args:
        conn: in that transaction.
        kind: meter or point.
        subject: its id.
        ts_from: the earliest time at which a fact or reading differs from before, aware.
        ts_to: the latest, inclusive; None: it matters for ever.
        why: what changed, for people who look into the table.

    Raises:
        ValueError: a time has no zone.
    """
    QUEUES[kind].mark(conn, subject, ts_from, ts_to, why)


def follow(conn: psycopg.Connection) -> int:
    """Turn what the dirty log says into due rows, until nothing is left of it.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    return dirty.follow(conn, CONSUMER, LOCK, _write, MOST_ENTRIES)


def _write(conn: psycopg.Connection, window: dirty.Window) -> int:
    if window.anew:
        written = conn.execute(FOLLOW_ANEW, {"why": "everything anew"}).rowcount
        _log.info("metering_computes_everything_anew", due=written)
        return written
    values = {
        "since": window.since,
        "upto": window.upto,
        "why": "readings",
        "new_for": NEW_FOR,
    }
    return conn.execute(FOLLOW, values).rowcount
