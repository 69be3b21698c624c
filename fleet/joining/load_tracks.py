"""Stops, trips and single fixes of many vehicles, as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from fleet.derive.arrays import items
from fleet.joining.model import Sight, Stops, Track, Trips
from fleet.track.fixes import Int64s
from fleet.trips.model import TripFlag
from storage.records import PG_EPOCH_US, PositionFlag
from storage.times import at_us

# As fleet.joining.convert does. Computed before silences were: all of it may have been silent.
_STOPS: Final[LiteralString] = """
SELECT vehicle_id, array_agg(began_at), array_agg(ended_at), array_agg(lat), array_agg(lon),
       array_agg(terminal_mm), array_agg(silent_s)
FROM (
    SELECT vehicle_id, began_at, ended_at, coalesce(lat, 'NaN') AS lat, coalesce(lon, 'NaN') AS lon,
           coalesce(terminal_mm, -1) AS terminal_mm,
           greatest(
               CASE WHEN terminal_mm IS NULL
                    THEN coalesce(silent_s, extract(epoch FROM ended_at - began_at)) ELSE 0 END,
               extract(epoch FROM seen_from - began_at), extract(epoch FROM ended_at - seen_to)
           )::int8 AS silent_s
    FROM vehicle_stop
    WHERE vehicle_id = ANY(%(ids)s) AND ended_at >= %(since)s AND began_at < %(until)s
    ORDER BY vehicle_id, seen_from
) AS stop GROUP BY vehicle_id
"""
_TRIPS: Final[LiteralString] = """
SELECT vehicle_id, array_agg(started_at), array_agg(ended_at), array_agg(distance_mm),
       array_agg(gap_mm), array_agg(terminal_mm), array_agg(flags)
FROM (
    SELECT vehicle_id, started_at, ended_at, coalesce(distance_mm, 0) AS distance_mm,
           coalesce(gap_mm, 0) AS gap_mm, coalesce(terminal_mm, -1) AS terminal_mm,
           CASE WHEN distance_mm IS NULL THEN flags | %(jump)s ELSE flags END::int8 AS flags
    FROM trip
    WHERE vehicle_id = ANY(%(ids)s) AND ended_at >= %(since)s AND started_at < %(until)s
    ORDER BY vehicle_id, started_at
) AS way GROUP BY vehicle_id
"""
_SIGHTS: Final[LiteralString] = """
SELECT s.vehicle_id, array_agg(p.fix_time), array_agg(p.lat), array_agg(p.lon)
FROM unnest(%(ids)s::int4[], %(since)s::timestamptz[], %(until)s::timestamptz[])
        AS s (vehicle_id, since, until)
    JOIN terminal_vehicle b
        ON b.vehicle_id = s.vehicle_id AND b.valid && tstzrange(s.since, s.until, '[]')
    CROSS JOIN LATERAL (
        SELECT fix_time, coalesce(lat, 'NaN') AS lat, coalesce(lon, 'NaN') AS lon FROM position
        WHERE terminal_id = b.terminal_id AND fix_time >= s.since AND fix_time <= s.until
            AND fix_time <@ b.valid AND flags & %(nowhere)s = 0
    ) AS p
GROUP BY s.vehicle_id
"""
_NOWHERE: Final = int(
    PositionFlag.NO_FIX | PositionFlag.ZERO_ISLAND | PositionFlag.OUT_OF_RANGE | PositionFlag.FUTURE
)


def tracks(
    conn: psycopg.Connection[Any], ids: Sequence[int], since: datetime, until: datetime
) -> dict[int, Track]:
    """Return what is known of where vehicles were, without single fixes."""
    named = {"ids": list(ids), "since": since, "until": until, "jump": int(TripFlag.JUMP)}
    stops = {
        vehicle: Stops(
            _times(began),
            _times(ended),
            items(lat, ">f8").astype(np.float64),
            items(lon, ">f8").astype(np.float64),
            _whole(terminal),
            _whole(silent),
        )
        for vehicle, (began, ended, lat, lon, terminal, silent) in _rows(conn, _STOPS, named)
    }
    trips = {
        vehicle: Trips(*map(_times, arrays[:2]), *map(_whole, arrays[2:]))
        for vehicle, arrays in _rows(conn, _TRIPS, named)
    }
    nothing = Track()
    return {
        vehicle: Track(stops.get(vehicle, nothing.stops), trips.get(vehicle, nothing.trips))
        for vehicle in stops.keys() | trips.keys()
    }


def sights(
    conn: psycopg.Connection[Any], spans: Sequence[tuple[int, int, int]]
) -> dict[int, Sight]:
    """Return the usable fixes of vehicles in spans of time.

    Args:
        conn: in any state.
        spans: (vehicle, from, to), µs UTC.
    """
    if not spans:
        return {}
    ids, since, until = zip(*spans, strict=True)
    named = {
        "ids": list(ids),
        "since": [at_us(one) for one in since],
        "until": [at_us(one) for one in until],
        "nowhere": _NOWHERE,
    }
    found = {}
    for vehicle, (t, lat, lon) in _rows(conn, _SIGHTS, named):
        t_us, first = np.unique(_times(t), return_index=True)
        found[vehicle] = Sight(
            t_us,
            items(lat, ">f8").astype(np.float64)[first],
            items(lon, ">f8").astype(np.float64)[first],
        )
    return found


def _rows(
    conn: psycopg.Connection[Any], query: LiteralString, named: dict[str, Any]
) -> Iterator[tuple[int, list[bytes | None]]]:
    """Yield (vehicle, arrays as the server sends them)."""
    with conn.cursor(binary=True) as cursor:
        cursor.execute(query, named)
        result = cursor.pgresult
        if result is None:
            raise RuntimeError("the tracks' statement returned nothing")
        for row in range(result.ntuples):
            vehicle = int.from_bytes(result.get_value(row, 0) or b"")
            yield vehicle, [result.get_value(row, at) for at in range(1, result.nfields)]


def _times(array: bytes | None) -> Int64s:
    return items(array, ">i8").astype(np.int64) + PG_EPOCH_US


def _whole(array: bytes | None) -> Int64s:
    return items(array, ">i8").astype(np.int64)
