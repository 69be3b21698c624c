"""Which meters have to be looked at again.

Those that metering counted anew, their mains, and what stands behind the same main: the others tell
of it too.
"""

from __future__ import annotations

from typing import Final, LiteralString

import psycopg

from metering.derive.rollup import CHANGED
from rules.kinds.model import Sort
from rules.subjects.asked import inputs
from rules.subjects.model import Conn
from storage import dirty
from storage.due import NEW_FOR, Queue
from storage.times import DAY_US

CONSUMER: Final = "rules meter"
LOCK: Final = 0x6A69_6579_6F6E_6730
QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7230, near_us=DAY_US, kind=Sort.METER.value)
WEATHER: Final = "weather"
"""Kind of the dirty log: an outdoor temperature was entered. What is of today needs no mark: the
next quarter hour of each meter looks at the last days again."""

# By week: what comes late must not make all the time since then due. A virtual meter says for
# itself that it was computed anew.
_TOUCHED: Final[LiteralString] = """
WITH touched AS MATERIALIZED (
    SELECT subject, week, fresh, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject, date_trunc('week', ts_from, 'UTC') AS week,
         LATERAL (SELECT ts_from >= logged_at - %(new_for)s::interval AS fresh) AS age
    WHERE kind = %(kind)s
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY subject, week, fresh
), weather AS MATERIALIZED (
    SELECT date_trunc('week', ts_from, 'UTC') AS week, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log
    WHERE kind = %(weather)s AND ts_from < logged_at - %(new_for)s::interval
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY 1
), main AS MATERIALIZED (
    SELECT main_id, week, fresh, min(since) AS since, max(until) AS until FROM touched
    JOIN meter_main ON (meter_id = subject OR main_id = subject)
        AND valid && tstzrange(since, until, '[]')
    GROUP BY main_id, week, fresh
), near AS (
    SELECT subject, since, until, week, fresh FROM touched
    UNION ALL
    SELECT id, since, until, week, false FROM weather CROSS JOIN meter
    UNION ALL
    SELECT main_id, since, until, week, fresh FROM main
    UNION ALL
    SELECT meter_id, since, until, week, fresh FROM main
    JOIN meter_main USING (main_id) WHERE valid && tstzrange(since, until, '[]')
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'meter', subject, min(since), max(until), 'consumption' FROM near
GROUP BY subject, week, fresh
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'meter', id, '-infinity', 'infinity', %s FROM meter
"""


def follow(conn: Conn) -> int:
    """Turn what metering computed anew into due rows; see :class:`rules.subjects.model.Subjects`.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    return dirty.follow(conn, CONSUMER, LOCK, _write)


def mark_all(conn: psycopg.Connection, why: str) -> int:
    """Make every meter due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why]).rowcount if inputs(conn, Sort.METER) else 0


def _write(conn: psycopg.Connection, window: dirty.Window) -> int:
    if window.anew:
        return mark_all(conn, "everything anew")
    if not inputs(conn, Sort.METER):
        return 0
    values = {
        "since": window.since,
        "upto": window.upto,
        "kind": CHANGED,
        "weather": WEATHER,
        "new_for": NEW_FOR,
    }
    return conn.execute(_TOUCHED, values).rowcount
