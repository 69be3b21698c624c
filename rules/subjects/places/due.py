"""What has to be looked at again: from the dirty log, and from rules that changed.

A due row names a place and the time in which something of it changed. How far that reaches is for
the worker to find out.
"""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg
import structlog

from rules.kinds.model import Input, Sort
from rules.subjects.asked import inputs
from storage import dirty
from storage.due import NEW_FOR, Queue
from storage.times import DAY_US

CONSUMER: Final = "rules"
LOCK: Final = 0x6A69_6579_6F6E_6741
QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7201, near_us=DAY_US, kind=Sort.PLACE.value)

_log = structlog.get_logger()

# A point speaks of the place where its device hangs; a sensor of people, of all in the room. Places
# are looked up for devices: most have several points.
_INSERT: Final[LiteralString] = """
, spoke AS MATERIALIZED (
    SELECT device_id, week, fresh, min(since) AS since, max(until) AS until,
           bool_or(point.name = ANY(%(beside)s::text[])) AS beside
    FROM touched
    JOIN point ON point.id = touched.subject AND point.name = ANY(%(names)s::text[])
    GROUP BY device_id, week, fresh
), seen AS MATERIALIZED (
    SELECT bound.place_id, spoke.since, spoke.until, week, fresh, beside
    FROM spoke
    JOIN device_place AS bound ON bound.device_id = spoke.device_id
        AND tstzrange(spoke.since, spoke.until, '[]') && bound.valid
), near AS (
    SELECT place_id, since, until, week, fresh FROM seen
    UNION ALL
    SELECT other.place_id, since, until, week, fresh FROM seen
    JOIN place_room AS own ON own.place_id = seen.place_id
    JOIN place_room AS other ON other.room_id = own.room_id AND other.place_id <> own.place_id
    WHERE seen.beside
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'place', place_id, min(since), max(until), %(why)s FROM near GROUP BY place_id, week, fresh
"""
# By week: what comes late must not make all the time since then due.
_TOUCHED: Final[LiteralString] = """
WITH touched AS MATERIALIZED (
    SELECT subject, week, fresh, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject, date_trunc('week', ts_from, 'UTC') AS week,
         LATERAL (SELECT ts_from >= logged_at - %(new_for)s::interval AS fresh) AS age
    WHERE kind = 'reading'
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY subject, week, fresh
)
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'place', bound.place_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM device_place AS bound
JOIN point ON point.device_id = bound.device_id AND point.name = ANY(%s::text[])
"""
BESIDE: Final = [Input.OCCUPANCY.value]
"""What one device of a room can tell for all of it."""


def follow(conn: psycopg.Connection[Any]) -> int:
    """Turn what the dirty log says into due rows, until nothing is left of it.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    return dirty.follow(conn, CONSUMER, LOCK, _write)


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every place due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why, _names(conn)]).rowcount


def _names(conn: psycopg.Connection[Any]) -> list[str]:
    """Return the points that some rule cannot do without; what others say changes no doubt."""
    return sorted(inputs(conn, Sort.PLACE))


def _write(conn: psycopg.Connection[Any], window: dirty.Window) -> int:
    if window.anew:
        written = mark_all(conn, "everything anew")
        _log.info("rules_look_at_everything_anew", due=written)
        return written
    values = {
        "since": window.since,
        "upto": window.upto,
        "why": "readings",
        "new_for": NEW_FOR,
        "names": _names(conn),
        "beside": BESIDE,
    }
    return conn.execute(_TOUCHED + _INSERT, values).rowcount
