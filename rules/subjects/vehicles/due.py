"""What has to be looked at again of vehicles: what changed of them, gathered.

Triggers note what changed (``storage/migrations/0031_rules_vehicles.sql``, ``0037``, ``0041``):
trips, stops and the ways of days as they are computed again, papers, cards, orders, facts, yards,
seals, duty, tags, days of the calendar.

What a vehicle's change tells of it is followed as far as it reaches. What is learned of many
(places of stations, the season, what is normal of a class) is said to be stale from then on, and
learned again (:mod:`rules.subjects.vehicles.settling`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.model import Sort
from rules.subjects.vehicles.kept import LOCK
from storage.due import Queue
from storage.times import DAY_US

QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7232, near_us=DAY_US, kind=Sort.VEHICLE.value)
GATHER: Final = timedelta(hours=1)
"""A driving vehicle changes every minute; each look reads a year and a half of it."""
BACK: Final = timedelta(days=34)
"""So far before papers something may be another: whether orders are kept; what is paid back."""
AHEAD: Final = timedelta(days=1_500)
"""And behind them: what is used is learned from 18 months, a part lasts four years at most."""
_WAYS_BACK: Final = timedelta(days=4)
"""So far before a way: fillings and invoices of the days before are held against it."""
UNFOLLOWED: Final = timedelta(days=1)
"""What has waited for so long nobody follows for now."""
AT_ONCE: Final = 500_000
"""Changes joined in one transaction."""
_BEYOND: Final = timedelta(days=35)
"""Nothing is known of later than so far ahead of the clock; orders are made beforehand."""
_WAYS_BEYOND: Final = timedelta(days=2)
"""Nobody drove later than that."""
_LEARNED_BACK: Final = timedelta(days=75)
"""So far before papers what is learned may be another: prices are looked for 41 days around, and
what is paid back was bought 31 days before at most."""
_LEARNED_WAYS_BACK: Final = timedelta(days=2)
"""And before a way: months are of the site's zone."""

# What is new together, what is late by month: it must not make all the time since then due.
_FOLLOW: Final[LiteralString] = """
WITH waiting AS (
    SELECT FROM rules_vehicle_change WHERE noted_at <= now() - %(gather)s::interval
    UNION ALL
    SELECT FROM rules_vehicle_paper WHERE noted_at <= now() - %(gather)s::interval
    LIMIT 1
), taken AS (
    DELETE FROM rules_vehicle_change WHERE EXISTS (SELECT FROM waiting)
    RETURNING vehicle_id, ts_from, ts_to, ways
), papers AS (
    DELETE FROM rules_vehicle_paper WHERE EXISTS (SELECT FROM waiting) RETURNING since
), changed AS (
    SELECT least((SELECT min(since) FROM papers) - %(learned_back)s::interval,
                 (SELECT min(ts_from) FROM taken WHERE ways) - %(learned_ways_back)s::interval
           ) AS since
), stale AS (
    UPDATE rules_vehicle_learned SET stale = true FROM changed
    WHERE NOT stale AND (month + interval '1 month') AT TIME ZONE 'UTC' > changed.since
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'vehicle', vehicle_id,
       min(ts_from - CASE WHEN ways THEN %(ways_back)s ELSE %(back)s END),
       max(greatest(ts_to, least(
           ts_to + %(ahead)s::interval,
           now() + CASE WHEN ways THEN %(ways_beyond)s ELSE %(beyond)s END))),
       'changed'
FROM taken
GROUP BY vehicle_id, least(date_trunc('month', ts_from, 'UTC'), now() - interval '35 days')
"""
# By vehicle, month and what tells of it, as `_FOLLOW` takes them: it makes the same due.
_GATHERED: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM rules_vehicle_change WHERE id IN (
        SELECT id FROM rules_vehicle_change
        WHERE id <= %(upto)s AND noted_at <= now() - %(waiting)s::interval
        ORDER BY id LIMIT %(most)s
    ) RETURNING vehicle_id, ts_from, ts_to, ways, noted_at
), joined AS (
    INSERT INTO rules_vehicle_change (vehicle_id, ts_from, ts_to, ways, noted_at)
    SELECT vehicle_id, min(ts_from), max(ts_to), ways, min(noted_at)
    FROM taken GROUP BY vehicle_id, date_trunc('month', ts_from, 'UTC'), ways
)
SELECT count(*) FROM taken
"""
_LAST: Final = "SELECT coalesce(max(id), 0) FROM rules_vehicle_change"
_GATHERED_PAPERS: Final[LiteralString] = """
WITH taken AS (
    DELETE FROM rules_vehicle_paper WHERE noted_at <= now() - %(waiting)s::interval
    RETURNING since, noted_at
)
INSERT INTO rules_vehicle_paper (since, noted_at)
SELECT min(since), min(noted_at) FROM taken HAVING count(*) > 0
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT 'vehicle', id, '-infinity', 'infinity', %s FROM vehicle
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
        if not _alone(conn):
            return 0
        conn.execute("SET LOCAL statement_timeout = 0")  # months may wait
        values = {
            "gather": gather,
            "back": BACK,
            "ahead": AHEAD,
            "beyond": _BEYOND,
            "ways_back": _WAYS_BACK,
            "ways_beyond": _WAYS_BEYOND,
            "learned_back": _LEARNED_BACK,
            "learned_ways_back": _LEARNED_WAYS_BACK,
        }
        return conn.execute(_FOLLOW, values).rowcount


def gather(conn: psycopg.Connection[Any]) -> None:
    """Join what changed of vehicles and nobody follows, so that it does not grow with every trip.

    Once a day is enough, and whoever writes trips does it: rules may have no worker for months.
    What is due once somebody follows is the same.

    Args:
        conn: an autocommit connection.
    """
    ((upto,),) = conn.execute(_LAST).fetchall()
    values = {"waiting": UNFOLLOWED, "upto": upto, "most": AT_ONCE}
    taken = AT_ONCE
    while taken == AT_ONCE:
        with conn.transaction():
            if not _alone(conn):
                return
            conn.execute("SET LOCAL statement_timeout = 0")
            conn.execute(_GATHERED_PAPERS, values)
            ((taken,),) = conn.execute(_GATHERED, values).fetchall()


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every vehicle due, in the transaction that changes what everything rests on."""
    conn.execute("DELETE FROM rules_vehicle_learned")
    return conn.execute(_ALL, [why]).rowcount


def _alone(conn: psycopg.Connection[Any]) -> bool:
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
    return row is not None and bool(row[0])
