"""Which devices and buses have to be looked at again: what is heard is told by whole hours.

A reading changes what is known of its device only when it is the first one of an hour, of its bus
when it is the first one there, and of all that is polled when it is the first one anywhere. So a
device that is polled every minute is looked at once an hour. What is silent beside it is looked at
with its bus: whose silence that is, the others tell. One that spoke in that hour or in the one
before is heard of as long as they are, and nothing changes for it
(:func:`rules.subjects.devices.beside.beside_devices`).
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
BUS_QUEUE: Final = Queue("rules", "subject", lock=0x6A69_7207, near_us=DAY_US, kind=Sort.BUS.value)
SITE_QUEUE: Final = Queue(
    "rules", "subject", lock=0x6A69_7208, near_us=DAY_US, kind=Sort.SITE.value
)
_SORTS: Final = (Sort.DEVICE, Sort.BUS, Sort.SITE)

# By hour, and in the end by week: what comes late must not make all the time since then due.
_TOUCHED: Final[LiteralString] = """
WITH touched AS MATERIALIZED (
    SELECT point.device_id, hour, fresh,
           min(greatest(ts_from, hour)) AS since,
           max(least(ts_to, hour + interval '1 hour' - interval '1 microsecond')) AS until
    FROM dirty_log, unnest(subjects) AS subject
    JOIN point ON point.id = subject,
         LATERAL generate_series(date_trunc('hour', ts_from, 'UTC'), ts_to, interval '1 hour')
             AS hour,
         LATERAL (SELECT hour >= logged_at - %(new_for)s::interval AS fresh) AS age
    WHERE kind = 'reading'
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY point.device_id, hour, fresh
), first_of_device AS MATERIALIZED (
    SELECT touched.*, device.bus_id FROM touched JOIN device ON device.id = touched.device_id
    WHERE NOT EXISTS (
        SELECT FROM point CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE point_id = point.id AND ts >= hour AND ts < since AND value IS NOT NULL LIMIT 1
        ) AS earlier
        WHERE point.device_id = touched.device_id
    )
), first_of_bus AS MATERIALIZED (
    SELECT * FROM (
        SELECT bus_id, hour, fresh, min(since) AS since, max(until) AS until
        FROM first_of_device GROUP BY bus_id, hour, fresh
    ) AS one
    WHERE NOT EXISTS (
        SELECT FROM device JOIN point ON point.device_id = device.id CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE point_id = point.id AND ts >= hour AND ts < since AND value IS NOT NULL LIMIT 1
        ) AS earlier
        WHERE device.bus_id = one.bus_id OFFSET 0
    )
), first_of_all AS MATERIALIZED (
    SELECT * FROM (
        SELECT hour, fresh, min(since) AS since, max(until) AS until
        FROM first_of_bus GROUP BY hour, fresh
    ) AS one
    WHERE NOT EXISTS (
        SELECT FROM point CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE point_id = point.id AND ts >= hour AND ts < since AND value IS NOT NULL LIMIT 1
        ) AS earlier
        OFFSET 0
    )
), silent_bus AS MATERIALIZED (
    SELECT bus.id AS bus_id, hour, fresh, since, until FROM first_of_all CROSS JOIN bus
    WHERE NOT EXISTS (
        SELECT FROM first_of_bus AS spoke
        WHERE spoke.bus_id = bus.id AND spoke.hour = first_of_all.hour
    ) AND EXISTS (
        SELECT FROM device JOIN device_place AS bound ON bound.device_id = device.id
        WHERE device.bus_id = bus.id AND bound.valid && tstzrange(hour, NULL)
    ) AND NOT EXISTS (
        SELECT FROM device JOIN point ON point.device_id = device.id CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE point_id = point.id AND ts >= hour - interval '1 hour'
              AND ts < hour + interval '1 hour' AND value IS NOT NULL LIMIT 1
        ) AS near
        WHERE device.bus_id = bus.id OFFSET 0
    )
), beside AS (
    SELECT * FROM first_of_bus UNION ALL SELECT bus_id, hour, fresh, since, until FROM silent_bus
), silent_device AS (
    SELECT device.id AS device_id, hour, fresh, since, until
    FROM beside JOIN device ON device.bus_id = beside.bus_id
    WHERE NOT EXISTS (
        SELECT FROM touched
        WHERE touched.device_id = device.id AND touched.hour = beside.hour
    ) AND EXISTS (
        SELECT FROM device_place AS bound
        WHERE bound.device_id = device.id AND bound.valid && tstzrange(hour, NULL)
    ) AND NOT EXISTS (
        SELECT FROM point CROSS JOIN LATERAL (
            SELECT FROM reading
            WHERE point_id = point.id AND ts >= hour - interval '1 hour'
              AND ts < hour + interval '1 hour' AND value IS NOT NULL LIMIT 1
        ) AS near
        WHERE point.device_id = device.id
    )
), due AS (
    SELECT 'device' AS kind, device_id AS subject, hour, fresh, since, until FROM first_of_device
    UNION ALL SELECT 'device', device_id, hour, fresh, since, until FROM silent_device
    UNION ALL SELECT 'bus', bus_id, hour, fresh, since, until FROM first_of_bus
    UNION ALL SELECT 'bus', bus_id, hour, fresh, since, until FROM silent_bus
    UNION ALL SELECT 'site', 1, hour, fresh, since, until FROM first_of_all
)
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT kind, subject, min(since), max(until), 'readings' FROM due
WHERE kind = ANY(%(sorts)s::text[])
GROUP BY kind, subject, date_trunc('week', hour, 'UTC'), fresh
"""
# What nobody has noted so far is looked up at each point; whatever comes later stands in the log.
_HEARD: Final[LiteralString] = """
WITH coming AS (
    SELECT date_trunc('hour', max(ts_to), 'UTC') AS hour FROM dirty_log
    WHERE kind = 'reading' AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
)
UPDATE rules_site SET heard_in = greatest(coming.hour, coalesce(heard_in, (
    SELECT date_trunc('hour', max(newest.ts), 'UTC') FROM point CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1
    ) AS newest
)))
FROM coming WHERE heard_in IS NULL OR heard_in < coming.hour
"""
_ALL: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'device', device_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM device_place
"""
_ALL_BUSES: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT DISTINCT 'bus', bus_id, '-infinity'::timestamptz, 'infinity'::timestamptz, %s
FROM device JOIN device_place ON device_id = device.id
"""
_SITE: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
VALUES ('site', 1, '-infinity', 'infinity', %s)
"""
_SEVERAL: Final[LiteralString] = """
UPDATE rules_site SET several = NOT several WHERE several <> (
    SELECT count(*) > 1 FROM (
        SELECT FROM bus WHERE EXISTS (
            SELECT FROM device JOIN device_place ON device_id = device.id WHERE bus_id = bus.id
        ) LIMIT 2
    ) AS used
) RETURNING several
"""


def follow(conn: psycopg.Connection[Any]) -> int:
    """Turn what the dirty log says into due rows of devices, buses and all that is polled.

    See :func:`rules.subjects.catalogue.follow`.
    """
    return dirty.follow(conn, CONSUMER, LOCK, _write) + _follow_buses(conn)


def _follow_buses(conn: psycopg.Connection[Any]) -> int:
    """Make all due when a second bus is used, or no longer: of one, no silence is another's."""
    with conn.transaction():
        changed = conn.execute(_SEVERAL).fetchone()
        return 0 if changed is None else _everything(conn, "buses")


def mark_all(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every device due, in the transaction that changes what everything rests on."""
    return conn.execute(_ALL, [why]).rowcount if inputs(conn, Sort.DEVICE) else 0


def mark_all_buses(conn: psycopg.Connection[Any], why: str) -> int:
    """Make every bus due, likewise."""
    return conn.execute(_ALL_BUSES, [why]).rowcount if inputs(conn, Sort.BUS) else 0


def mark_site(conn: psycopg.Connection[Any], why: str) -> int:
    """Make all that is polled due, likewise."""
    return conn.execute(_SITE, [why]).rowcount if inputs(conn, Sort.SITE) else 0


def _everything(conn: psycopg.Connection[Any], why: str) -> int:
    return mark_all(conn, why) + mark_all_buses(conn, why) + mark_site(conn, why)


def _write(conn: psycopg.Connection[Any], window: dirty.Window) -> int:
    if window.anew:
        conn.execute("UPDATE rules_site SET heard_in = NULL")
    said = {"since": window.since, "upto": window.upto}
    conn.execute(_HEARD, said)
    if window.anew:
        return _everything(conn, "everything anew")
    sorts = [sort.value for sort in _SORTS if inputs(conn, sort)]
    if not sorts:
        return 0
    return conn.execute(_TOUCHED, {**said, "new_for": NEW_FOR, "sorts": sorts}).rowcount
