"""Which terminals have to be looked at again: those whose clock, hour by hour, tells otherwise.

The dirty log says of which hours something came, a trigger of what was refused
(``storage/migrations/0034_rules_clocks_answers.sql``). That is gathered until an hour is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.model import Sort
from rules.subjects.terminals.stored import judge
from storage import dirty
from storage.due import Queue
from storage.times import DAY_US

CONSUMER: Final = "rules terminal"
LOCK: Final = 0x6A69_6579_6F6E_6742
QUEUE: Final = Queue(
    "rules", "subject", lock=0x6A69_720B, near_us=7 * DAY_US, kind=Sort.TERMINAL.value
)
GATHER: Final = timedelta(hours=1)
"""A live terminal sends all the time, and an hour is judged as a whole."""
_ANEW_HOURS: Final = 7 * 24
"""So far back clocks are judged where nobody followed the log before: more would take long."""

_NOTE: Final[LiteralString] = """
INSERT INTO terminal_clock_change (terminal_id, hour)
SELECT DISTINCT subject, hour
FROM dirty_log, unnest(subjects) AS subject,
     LATERAL generate_series(date_trunc('hour', ts_from, 'UTC'), ts_to, interval '1 hour') AS hour
WHERE kind = 'position' AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_NOTE_ALL: Final[LiteralString] = """
INSERT INTO terminal_clock_change (terminal_id, hour, noted_at)
SELECT id, hour, '-infinity'
FROM terminal
CROSS JOIN generate_series(date_trunc('hour', now(), 'UTC') - %s * interval '1 hour', now(),
                           interval '1 hour') AS hour
WHERE EXISTS (
    SELECT FROM position
    WHERE terminal_id = terminal.id AND fix_time >= hour AND fix_time < hour + interval '1 hour'
    OFFSET 0
)
ON CONFLICT DO NOTHING
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'terminal', terminal_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM terminal_clock
"""


def follow(conn: psycopg.Connection[Any], gather: timedelta = GATHER) -> int:
    """Turn what came of terminals into due rows; see :class:`rules.subjects.model.Subjects`.

    Args:
        conn: an autocommit connection.
        gather: an hour is judged no sooner after something came of it.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    dirty.follow(conn, CONSUMER, LOCK, _note)
    written, more = 0, True
    while more:
        with conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
            if row is None or not row[0]:
                return written
            count, more = judge(conn, gather)
            written += count
    return written


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every terminal due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why]).rowcount


def _note(conn: psycopg.Connection[Any], window: dirty.Window) -> int:
    if window.anew:
        conn.execute(_NOTE_ALL, [_ANEW_HOURS])
        return 0
    conn.execute(_NOTE, {"since": window.since, "upto": window.upto})
    return 0
