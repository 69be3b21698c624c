"""Keeps the newest reading of each point and the newest position of each terminal.

A consumer of the dirty log: it looks the newest row up in the raw tables, so neither a replay nor
disorder can put an old value in front, and throwing the tables away costs one refresh.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import structlog

from storage import dirty

CONSUMER: Final = "latest"
LOCK: Final = 0x6A69_6579_6F6E_6704
MOST_ENTRIES: Final = 500
"""A step's part of the log: at ten thousand subjects each it takes seconds, not minutes."""

_log = structlog.get_logger()

# Who has a newer row already needs no look-up: late data, which is found in many chunks, is mostly
# of that sort.
_TOUCHED = """
WITH touched AS (
    SELECT subject, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject
    WHERE kind = %(kind)s
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
      AND ts_from >= %(begin)s AND ts_from < %(end)s
    GROUP BY subject
), subjects AS (
    SELECT subject, since FROM touched LEFT JOIN latest_{kind} ON {subject} = subject
    WHERE {time} IS NULL OR {time} <= until
)
"""
# Ids are dense, so trying each is one short index descent; stepping from id to id in the raw table
# walks every chunk at each step, and SELECT DISTINCT reads every row.
_ALL = """
WITH subjects AS (
    SELECT subject, %(begin)s::timestamptz AS since FROM generate_series(
        (SELECT min({subject}) FROM {table}), (SELECT max({subject}) FROM {table})
    ) AS subject
)
"""
_READINGS = """
INSERT INTO latest_reading (point_id, ts, value, flags, observed_at)
SELECT newest.* FROM subjects CROSS JOIN LATERAL (
    SELECT point_id, ts, value, flags, observed_at FROM reading
    WHERE point_id = subject AND ts >= since AND ts >= %(begin)s ORDER BY ts DESC LIMIT 1
) AS newest
ON CONFLICT (point_id) DO UPDATE
SET ts = excluded.ts, value = excluded.value, flags = excluded.flags,
    observed_at = excluded.observed_at
WHERE latest_reading.ts < excluded.ts
"""
# Of several at the same time always the same one, whatever came first.
_POSITIONS = """
INSERT INTO latest_position
    (terminal_id, fix_time, lat, lon, speed_kmh, course_deg, acc, flags, received_at)
SELECT newest.* FROM subjects CROSS JOIN LATERAL (
    SELECT terminal_id, fix_time, lat, lon, speed_kmh, course_deg, acc, flags, received_at
    FROM position
    WHERE terminal_id = subject AND fix_time >= since AND fix_time >= %(begin)s
    ORDER BY fix_time DESC, content_hash DESC LIMIT 1
) AS newest
ON CONFLICT (terminal_id) DO UPDATE
SET fix_time = excluded.fix_time, lat = excluded.lat, lon = excluded.lon,
    speed_kmh = excluded.speed_kmh, course_deg = excluded.course_deg, acc = excluded.acc,
    flags = excluded.flags, received_at = excluded.received_at
WHERE latest_position.fix_time <= excluded.fix_time
"""
_SPAN = """
SELECT kind, min(ts_from), max(ts_to) FROM dirty_log
WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8 AND kind = ANY(%s) GROUP BY kind
"""
_RECENT: Final = timedelta(hours=2)
_EVER: Final = datetime(1, 1, 2, tzinfo=UTC)

REFRESH: Final = {
    "reading": _TOUCHED.format(kind="reading", subject="point_id", time="ts") + _READINGS,
    "position": _TOUCHED.format(kind="position", subject="terminal_id", time="fix_time")
    + _POSITIONS,
}
"""Per kind: from the dirty log's rows of (kind, since <= xid < upto, begin <= ts_from < end)."""
REBUILD: Final = {
    "reading": _ALL.format(subject="point_id", table="reading") + _READINGS,
    "position": _ALL.format(subject="terminal_id", table="position") + _POSITIONS,
}
"""Per kind: from all raw rows since begin."""


def refresh(conn: psycopg.Connection) -> int:
    """Bring both tables up to what was committed; purge the dirty log after it.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.

    Returns:
        How many rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    written = dirty.follow(conn, CONSUMER, LOCK, _write, MOST_ENTRIES)
    dirty.purge(conn)
    return written


def _write(conn: psycopg.Connection, window: dirty.Window) -> int:
    return _rebuild(conn) if window.anew else _follow(conn, window)


def _follow(conn: psycopg.Connection, window: dirty.Window) -> int:
    written = 0
    spans = conn.execute(_SPAN, [window.since, window.upto, list(REFRESH)]).fetchall()
    for kind, oldest, newest in spans:
        recent = max(oldest, newest - _RECENT)
        written += _look_up(conn, kind, window, (recent, newest + _RECENT))
        if oldest < recent:
            written += _look_up(conn, kind, window, (oldest, recent))
    return written


def _look_up(
    conn: psycopg.Connection, kind: str, window: dirty.Window, span: tuple[datetime, datetime]
) -> int:
    begin, end = span
    values = {"kind": kind, "since": window.since, "upto": window.upto, "begin": begin, "end": end}
    # Planned with these values: TimescaleDB then leaves out older chunks once, and not for each
    # subject (with 150 chunks sixty times faster).
    return conn.execute(REFRESH[kind], values, prepare=False).rowcount


def _rebuild(conn: psycopg.Connection) -> int:
    _log.info("latest values are looked up anew: there is no mark of an earlier run")
    written = 0
    for kind, query in REBUILD.items():
        conn.execute(f"DELETE FROM latest_{kind}")  # noqa: S608 - a key of ours
        written += conn.execute(query, {"begin": _EVER}).rowcount
    return written
