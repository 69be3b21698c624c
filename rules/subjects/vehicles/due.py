"""What has to be looked at again of vehicles: what changed of them, gathered, and each new month.

Triggers note what changed (``storage/migrations/0031_rules_vehicles.sql``): trips and stops as they
are computed again, papers, cards, orders, facts, yards, seals, duty, tags, days of the calendar.

What a vehicle's change tells of it is followed as far as it reaches. What is learned of many
(places of stations, the season, what is normal of a class) changes with each of them: for that, all
vehicles are looked at again when a month begins, two months back (docs/rules.md).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.model import Sort
from storage.due import Queue
from storage.times import DAY_US

LOCK: Final = 0x6A69_6579_6F6E_6732
QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7232, near_us=DAY_US, kind=Sort.VEHICLE.value)
GATHER: Final = timedelta(hours=1)
"""A driving vehicle changes every minute; each look reads a year of all of them."""
BACK: Final = timedelta(days=34)
"""So far before a change something may be another: its month; whether orders are kept here."""
AHEAD: Final = timedelta(days=1_500)
"""And behind it: what is used is learned from 18 months, a part lasts four years at most."""
_BEYOND: Final = timedelta(days=35)
"""Nothing is known of later than so far ahead of the clock; orders are made beforehand."""
_MONTHS_BACK: Final = timedelta(days=62)

# By month: one late paper must not make all the time since then due together with what is new.
_FOLLOW: Final[LiteralString] = """
WITH waiting AS (
    SELECT FROM rules_vehicle_change WHERE noted_at <= now() - %(gather)s::interval LIMIT 1
), taken AS (
    DELETE FROM rules_vehicle_change WHERE EXISTS (SELECT FROM waiting)
    RETURNING vehicle_id, ts_from, ts_to
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'vehicle', vehicle_id, min(ts_from) - %(back)s::interval,
       CASE WHEN max(ts_to) = 'infinity' THEN 'infinity'
            ELSE greatest(max(ts_to), least(max(ts_to) + %(ahead)s::interval,
                                            now() + %(beyond)s::interval)) END,
       'changed'
FROM taken GROUP BY vehicle_id, date_trunc('month', ts_from, 'UTC')
"""
_BEGIN_MONTH: Final[LiteralString] = """
INSERT INTO rules_vehicle_month (month) VALUES (date_trunc('month', now() AT TIME ZONE 'UTC'))
ON CONFLICT (one) DO UPDATE SET month = excluded.month
WHERE rules_vehicle_month.month < excluded.month
RETURNING month
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'vehicle', id, coalesce(%(since)s, '-infinity'::timestamptz), 'infinity', %(why)s
FROM vehicle
"""


def follow(conn: psycopg.Connection[Any], gather: timedelta = GATHER) -> int:
    """Turn what changed of vehicles into due rows.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.
        gather: nothing becomes due before something has waited for so long.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
        if row is None or not row[0]:
            return 0
        values = {"gather": gather, "back": BACK, "ahead": AHEAD, "beyond": _BEYOND}
        written = conn.execute(_FOLLOW, values).rowcount
        begun = conn.execute(_BEGIN_MONTH).fetchone()
        if begun is None:
            return written
        since = {"since": begun[0] - _MONTHS_BACK, "why": "a month begins"}
        return written + conn.execute(_ALL, since).rowcount


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every vehicle due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, {"since": None, "why": why}).rowcount
