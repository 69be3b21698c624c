"""Writing rows of which some are there already: through a temporary table.

The first value of a key wins. The same value again is a no-op; another value of a reading is kept
beside it, in ``reading_conflict``. Only rows that are new are logged as dirty.
"""

from __future__ import annotations

from typing import Final

import psycopg

from storage.records import COLUMNS, Kind

STAGE: Final[dict[Kind, str]] = {
    kind: f"CREATE TEMP TABLE IF NOT EXISTS incoming_{kind} (LIKE {kind}) ON COMMIT DELETE ROWS"
    for kind in Kind
}
"""The temporary table of each kind; it stays with the session and empties at the commit."""

# In the order of arrival: a temporary table is read from its first page.
_INSERT = """
    INSERT INTO {kind} ({columns}) SELECT {columns} FROM incoming_{kind} ON CONFLICT DO NOTHING
"""
_INSERT_LOGGED = """
WITH fresh AS ({insert} RETURNING {subject} AS subject, {time} AS ts), logged AS (
    INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
    SELECT '{kind}', array_agg(DISTINCT subject ORDER BY subject), min(ts), max(ts)
    FROM fresh GROUP BY date_trunc('hour', ts, 'UTC')
)
SELECT count(*) FROM fresh
"""
_BOUNDS = "SELECT min(ts), max(ts) FROM incoming_reading"
# LIMIT keeps this a look-up by key for each row; a join might read a whole table or chunk.
_CONFLICTS = """
INSERT INTO reading_conflict ({columns})
SELECT {columns} FROM incoming_reading i CROSS JOIN LATERAL (
    SELECT r.value AS first_value FROM reading r
    WHERE r.point_id = i.point_id AND r.ts = i.ts AND r.ts BETWEEN %(oldest)s AND %(newest)s
    LIMIT 1
) AS stored
WHERE first_value IS DISTINCT FROM value
ON CONFLICT DO NOTHING
"""
_SUBJECT: Final = {Kind.READING: ("point_id", "ts"), Kind.POSITION: ("terminal_id", "fix_time")}


def _insert_statement(kind: Kind) -> str:
    insert = _INSERT.format(kind=kind, columns=", ".join(COLUMNS[kind]))
    if kind not in _SUBJECT:
        return insert
    subject, time = _SUBJECT[kind]
    return _INSERT_LOGGED.format(kind=kind, insert=insert.strip(), subject=subject, time=time)


INSERT: Final = {kind: _insert_statement(kind) for kind in Kind}
CONFLICTS: Final = _CONFLICTS.format(columns=", ".join(COLUMNS[Kind.READING]))


def move(cursor: psycopg.Cursor, kind: Kind, rows: int) -> tuple[int, int]:
    """Move the staged rows of one kind to where they belong, within the caller's transaction.

    Args:
        cursor: of the transaction that staged them.
        kind: which.
        rows: how many were staged.

    Returns:
        How many rows were new, and how many new conflicts were recorded.
    """
    cursor.execute(INSERT[kind])
    inserted = cursor.rowcount
    if kind in _SUBJECT:
        row = cursor.fetchone()
        inserted = 0 if row is None else row[0]
    if kind is not Kind.READING or inserted == rows:
        return inserted, 0
    return inserted, _record_conflicts(cursor)


def _record_conflicts(cursor: psycopg.Cursor) -> int:
    bounds = cursor.execute(_BOUNDS).fetchone()
    oldest, newest = bounds or (None, None)
    # Planned with these values: TimescaleDB then leaves out other chunks once, not for each row.
    cursor.execute(CONFLICTS, {"oldest": oldest, "newest": newest}, prepare=False)
    return cursor.rowcount
