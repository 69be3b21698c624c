"""Which institutions have to be looked at again: whoever reports what changed, for whomever.

Months are what is looked at, and to find out who reports what takes seconds. While a month goes on,
readings add to it with every quarter hour, and nobody asks before it is over: what is new makes an
institution due only when the month is over everywhere, what comes late always. What is missing
becomes so without anything new: when a month begins all institutions are due from then on, and a
look tells of all of the months until the next one begins.
"""

from __future__ import annotations

from typing import Final, LiteralString

import psycopg

from metering.derive.rollup import CHANGED
from rules.kinds.missing import CADENCES
from rules.kinds.model import Sort
from rules.subjects.asked import inputs
from rules.subjects.meters.due import WEATHER
from rules.subjects.model import Conn
from storage import dirty
from storage.due import NEW_FOR, Queue
from storage.times import DAY_US

CONSUMER: Final = "rules institution"
LOCK: Final = 0x6A69_6579_6F6E_6731
QUEUE: Final = Queue(
    "rules", "subject", lock=0x6A69_7231, near_us=31 * DAY_US, kind=Sort.INSTITUTION.value
)
REPORT: Final = "report"
"""Kind of the dirty log: something of what institutions report, but for meters, was entered."""

# Temperatures of a month that goes on nobody asks for; those of earlier ones change what was to be
# expected. Who holds an account or a meter, and who reports for them: relations are of few, and of
# one hop, for those in a ring or a chain are resolved to whom they lead in the end by whoever
# computes.
_TOUCHED: Final[LiteralString] = """
WITH RECURSIVE counted AS MATERIALIZED (
    SELECT subject, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject
    WHERE kind = %(consumption)s
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
      AND (ts_from < logged_at - %(new_for)s::interval
           OR tstzrange(ts_from, ts_to, '[]') && tstzrange(
               date_trunc('month', ts_to, 'UTC') + interval '24 hours',
               date_trunc('month', ts_to, 'UTC') + interval '25 hours'))
    GROUP BY subject, date_trunc('month', ts_from, 'UTC')
), touched AS (
    SELECT holder_id AS institution, counted.since, counted.until
    FROM counted JOIN tree_scope ON meter_id = subject AND level = 'institution' AND holder_id > 0
    UNION ALL
    SELECT institution_id, counted.since, counted.until
    FROM counted
    JOIN utility_account_meter AS behind ON behind.meter_id = subject
    JOIN utility_account_institution AS bound USING (account_id)
    UNION ALL
    SELECT subject, '-infinity', 'infinity'
    FROM dirty_log, unnest(subjects) AS subject
    WHERE kind = %(report)s
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    UNION ALL
    SELECT institution.id, min(ts_from), max(ts_to)
    FROM dirty_log CROSS JOIN institution
    WHERE dirty_log.kind = %(weather)s AND ts_from < date_trunc('month', logged_at, 'UTC')
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY institution.id, date_trunc('month', ts_from, 'UTC')
), reached AS (
    SELECT institution, since, until FROM touched
    UNION
    SELECT share.institution_id, reached.since, reached.until
    FROM reached
    JOIN reporting_relation AS relation
        ON relation.subject_kind = 'institution' AND relation.subject_id = reached.institution
    JOIN reporting_share AS share ON share.relation_id = relation.id
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'institution', institution, min(since), max(until), 'reported' FROM reached
GROUP BY institution, date_trunc('month', since, 'UTC')
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'institution', id, '-infinity', 'infinity', %s FROM institution
"""


THIS_MONTH: Final[LiteralString] = "date_trunc('month', now() AT TIME ZONE 'UTC')::date"
_BEGIN_MONTH: Final[LiteralString] = f"""
INSERT INTO rules_report_month (month, first) SELECT {THIS_MONTH}, {THIS_MONTH}
WHERE NOT EXISTS (SELECT FROM rules_report_month WHERE month >= {THIS_MONTH})
ON CONFLICT (one) DO UPDATE SET month = excluded.month
WHERE rules_report_month.month < excluded.month
RETURNING month
"""  # noqa: S608 - our own text
_MONTH_BEGAN: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'institution', id, %(month)s::timestamp AT TIME ZONE 'UTC',
       %(month)s::timestamp AT TIME ZONE 'UTC', 'a month begins'
FROM institution
"""


def follow(conn: Conn) -> int:
    """Turn what was reported anew into due rows; see :class:`rules.subjects.model.Subjects`.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    return dirty.follow(conn, CONSUMER, LOCK, _write) + begin_month(conn)


def begin_month(conn: Conn) -> int:
    """Note the month that has begun, and make due what is missing of those before it.

    Returns:
        How many due rows were written; 0 unless a month has begun since it was last asked.
    """
    with conn.transaction():
        begun = conn.execute(_BEGIN_MONTH).fetchone()
        asked = inputs(conn, Sort.INSTITUTION) & {one.layer for one in CADENCES}
        if begun is None or not asked:
            return 0
        return conn.execute(_MONTH_BEGAN, {"month": begun[0]}).rowcount


def mark_all(conn: psycopg.Connection, why: str) -> int:
    """Make every institution due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why]).rowcount if inputs(conn, Sort.INSTITUTION) else 0


def _write(conn: psycopg.Connection, window: dirty.Window) -> int:
    if window.anew:
        return mark_all(conn, "everything anew")
    if not inputs(conn, Sort.INSTITUTION):
        return 0
    values = {
        "since": window.since,
        "upto": window.upto,
        "consumption": CHANGED,
        "report": REPORT,
        "weather": WEATHER,
        "new_for": NEW_FOR,
    }
    return conn.execute(_TOUCHED, values).rowcount
