"""A fleet with its ways and papers of a year and a half, made up by the database itself.

On every weekday a vehicle is driven four times from its yard; every seventh day it fills on its
way, every ninetieth it is mended; an order speaks of the day. Odd ones: every tenth burns more in
the end, every twentieth lacks orders, every thirtieth has papers of other stations, every fortieth
fills more than its tank holds. Dashboards are read of every second one.
"""

from __future__ import annotations

from datetime import date
from typing import Final, LiteralString

import psycopg

# Half an hour each: begins at 00:00, 02:00, 03:20 and 09:00 UTC, up to 25 minutes later.
_FLEET: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO vehicle (code, plate, institution_id, energy)
    SELECT 'V' || v, 'P' || v, 1 + v %% (SELECT max(id) FROM institution), 'petrol'
    FROM generate_series(1, %(vehicles)s) AS v ORDER BY v
    """,
    """
    INSERT INTO fuel_consumer
        (code, kind, institution_id, vehicle_id, key, content, entered_by, entered_at)
    SELECT code, 'vehicle', institution_id, id, code, code, 'bench', now() FROM vehicle ORDER BY id
    """,
    """
    INSERT INTO consumer_fact
        (consumer_id, name, value, since, key, content, entered_by, entered_at)
    SELECT c.id, f.name, f.value, %(first)s::date, c.code || f.name, '', 'bench', now()
    FROM fuel_consumer c, LATERAL (VALUES
        ('tank', '60000'), ('energy', 'petrol'), ('use', 'business'),
        ('class', (ARRAY['sedan', 'suv', 'mpv'])[1 + c.id %% 3])
    ) AS f (name, value)
    """,
    """
    INSERT INTO fuel_card_fact (card, consumer_id, since, key, content, entered_by, entered_at)
    SELECT 'C' || id, id, %(first)s::date, 'C' || id, '', 'bench', now() FROM fuel_consumer
    """,
    """
    INSERT INTO terminal (code) SELECT 'T' || id FROM vehicle ORDER BY id
    """,
    "INSERT INTO terminal_vehicle SELECT id, id, '[,)' FROM vehicle",
)
_WAYS: Final[LiteralString] = """
INSERT INTO trip (vehicle_id, started_at, ended_at, start_lat, start_lon, end_lat, end_lon,
    distance_mm, gap_mm, terminal_mm, odometer_faults, moving_s, idle_s, fixes, left_out, jumps,
    flags)
SELECT v.id, at, at + interval '30 minutes', 30.6, 104.0, 30.7, 104.1, mm, 0,
       CASE v.id %% 2 WHEN 0 THEN mm + 5000 END, 0, 1500, 300, 180, 0, 0, 0
FROM generate_series(%(from)s::date, %(to)s::date, interval '1 day') AS day,
    vehicle v, unnest(ARRAY[0, 120, 200, 540]) WITH ORDINALITY AS leg (minute, n),
    LATERAL (SELECT
        (day::date - date '2020-01-01') AS nth,
        day::timestamp AT TIME ZONE 'UTC'
            + (leg.minute + (v.id * 7 + extract(doy FROM day)::int * 3) %% 25) * interval '1 minute'
            AS at,
        (12000 + (v.id * 31 + extract(doy FROM day)::int * 17 + leg.n * 7) %% 8000) * 1000 AS mm
    ) AS its
WHERE extract(isodow FROM day) < 6
ORDER BY day, v.id, leg.n
"""
# Behind the second way of a day it fills, or is mended; behind the last it stands until it drives.
_STAYS: Final[LiteralString] = """
INSERT INTO vehicle_stop (vehicle_id, seen_from, seen_to, began_at, ended_at, lat, lon, fixes,
    terminal_mm, silent_s)
SELECT t.vehicle_id, t.ended_at, next, t.ended_at, next,
       spot.lat + (t.vehicle_id * 13 %% 10) * 1e-5, spot.lon + (t.vehicle_id * 17 %% 10) * 1e-5,
       20, CASE t.vehicle_id %% 2 WHEN 0 THEN 0 END, 300
FROM (
    SELECT *, lead(started_at) OVER (PARTITION BY vehicle_id ORDER BY started_at) AS following,
           (started_at AT TIME ZONE 'UTC')::date AS day,
           row_number() OVER (
               PARTITION BY vehicle_id, (started_at AT TIME ZONE 'UTC')::date ORDER BY started_at
           ) AS n
    FROM trip WHERE started_at >= %(from)s::date AND started_at < %(to)s::date + 1
) AS t,
LATERAL (SELECT
    coalesce(following, t.ended_at + interval '12 hours') AS next,
    CASE WHEN n = 2 AND {fills} THEN {station}
         WHEN n = 3 AND {mended} THEN 500 + t.vehicle_id %% 9
         WHEN n = 4 THEN 1000 + t.vehicle_id %% 600
         ELSE 2000 + (t.vehicle_id + extract(doy FROM day)::int * n) %% 900 END AS place
) AS its,
LATERAL (SELECT 30.5 + place %% 50 * 0.004 AS lat, 104 + place / 50 * 0.004 AS lon) AS spot
ON CONFLICT DO NOTHING
"""
# What stood in the evening stands until it drives again.
_UNTIL_IT_DRIVES: Final[LiteralString] = """
UPDATE vehicle_stop SET seen_to = at, ended_at = at
FROM (
    SELECT vehicle_id, min(started_at) AS at FROM trip
    WHERE started_at >= %(from)s::date GROUP BY vehicle_id
) AS way, LATERAL (
    SELECT max(seen_from) AS last FROM vehicle_stop
    WHERE vehicle_id = way.vehicle_id AND seen_from < at
) AS stood
WHERE vehicle_stop.vehicle_id = way.vehicle_id AND seen_from = last AND ended_at < at
"""
_SHARES: Final[LiteralString] = """
INSERT INTO vehicle_share (vehicle_id, day, owner_at, kind, trips, distance_mm, gap_mm, terminal_mm,
    moving_s, idle_s, fixes, left_out, first_at, last_at)
SELECT vehicle_id, (started_at AT TIME ZONE 'Asia/Shanghai')::date, started_at, 'trip', 1,
       distance_mm, gap_mm, terminal_mm, moving_s, idle_s, fixes, left_out, started_at, ended_at
FROM trip WHERE started_at >= %(from)s::date AND started_at < %(to)s::date + 1
"""
_PAPERS: Final[LiteralString] = """
INSERT INTO fleet_spending (kind, consumer_id, card, at, timed, product, quantity, unit, fen,
    odometer_hm, merchant, part, key, content, entered_by, entered_at)
SELECT paper.kind, c.id, CASE paper.kind WHEN 'filling' THEN 'C' || c.id ELSE '' END,
       day::timestamp AT TIME ZONE 'UTC'
           + interval '1 minute'
               * (155 + (c.vehicle_id * 7 + extract(doy FROM day)::int * 3) %% 25),
       true, product, quantity, CASE WHEN quantity IS NOT NULL THEN 'ml' END, fen, NULL, merchant,
       part, paper.kind || c.id || day, '', 'bench', now()
FROM generate_series(%(from)s::date, %(to)s::date, interval '1 day') AS ts,
    fuel_consumer c, LATERAL (SELECT ts::date AS day, c.vehicle_id) AS t,
    LATERAL (SELECT (29000 + (c.id * 37 + (day - date '2020-01-01')) %% 3000)
        * CASE WHEN c.id %% 10 = 0 AND day > %(last)s::date - 120 THEN 1.4 ELSE 1 END
        * CASE WHEN c.id %% 40 = 0 AND (day - date '2020-01-01') %% 63 < 7 THEN 2.4 ELSE 1 END AS ml
    ) AS much,
    LATERAL (
        SELECT 'filling' AS kind, 'petrol' AS product, ml::int8 AS quantity,
               (ml * 0.8)::int8 AS fen,
               '加油站' || CASE WHEN c.id %% 30 = 0 AND (day - date '2020-01-01') %% 35 < 7
                             THEN 40 - {station} ELSE {station} END AS merchant,
               '' AS part WHERE {fills}
        UNION ALL
        SELECT 'maintenance', '', NULL, 30000 + c.id %% 40 * 2500, '修理厂' || 500 + c.id %% 9,
               (ARRAY['更换轮胎', '更换机油', '更换蓄电池'])[1 + c.id %% 3] WHERE {mended}
    ) AS paper
WHERE extract(isodow FROM ts) < 6
ORDER BY day, c.id
"""
_ORDERS: Final[LiteralString] = """
INSERT INTO dispatch_order (number, consumer_id, day, driver, reason, passenger, approver, out_at,
    back_at, odometer_out_hm, odometer_back_hm, key, content, entered_by, entered_at)
SELECT 'O' || c.id || '-' || day::date, c.id, day::date, '张', '公务', '李', '王',
       day::timestamp AT TIME ZONE 'UTC' - interval '10 minutes',
       day::timestamp AT TIME ZONE 'UTC' + interval '10 hours',
       CASE c.id %% 2 WHEN 0 THEN (day::date - date '2020-01-01') * 600 END,
       CASE c.id %% 2 WHEN 0 THEN (day::date - date '2020-01-01') * 600 + 590 END,
       'O' || c.id || day::date, '', 'bench', now()
FROM generate_series(%(from)s::date, %(to)s::date, interval '1 day') AS day, fuel_consumer c
WHERE extract(isodow FROM day) < 6
    AND NOT (c.id %% 20 = 0 AND (day::date - date '2020-01-01') %% 5 = 0)
ORDER BY day, c.id
"""
_WORDS: Final[dict[str, LiteralString]] = {
    "{fills}": "((t.day - date '2020-01-01') + t.vehicle_id) %% 7 = 0",
    "{mended}": "((t.day - date '2020-01-01') + t.vehicle_id) %% 90 < 1",
    "{station}": "(t.vehicle_id * 7 + (t.day - date '2020-01-01') / 7) %% 40",
}


def furnish(conn: psycopg.Connection, vehicles: int, first: date, last: date) -> None:
    """Make a fleet, and its days from the first to the last; nothing of it is noted as a change."""
    conn.execute("SET session_replication_role = replica")
    named = {"vehicles": vehicles, "first": first}
    for statement in _FLEET:
        conn.execute(statement, named)
    conn.execute("ANALYZE")
    drive(conn, first, last, last)
    conn.execute("SET session_replication_role = DEFAULT")


def drive(conn: psycopg.Connection, first: date, to: date, last: date) -> None:
    """Add the days from one to another; what is odd at the end is odd before the last one."""
    named = {"from": first, "to": to, "last": last}
    for statement in (_WAYS, _STAYS, _UNTIL_IT_DRIVES, _SHARES, _PAPERS, _ORDERS):
        text = str(statement)
        for word, said in _WORDS.items():
            text = text.replace(word, said)
        conn.execute(text.encode(), named)
