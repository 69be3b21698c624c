"""From when to when something is known of places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, LiteralString

import psycopg

from rules.kinds.model import Input
from storage import arrays
from storage.times import us_of

# From the first to the last reading of a place and, since sensors of a room speak for all of it, of
# its room: two index descents a point. And what was found before: a binding may be withdrawn.
_READ: Final[LiteralString] = """
WITH wanted AS MATERIALIZED (
    SELECT place FROM unnest(%(places)s::int[]) AS place
), near AS (
    SELECT place, place AS at FROM wanted
    UNION
    SELECT place, other.place_id FROM wanted
    JOIN place_room AS own ON own.place_id = place
    JOIN place_room AS other ON other.room_id = own.room_id
), known AS (
    SELECT place, oldest.ts AS since, newest.ts AS until
    FROM near
    JOIN device_place AS bound ON bound.place_id = near.at
    JOIN point ON point.device_id = bound.device_id AND point.name = ANY(%(names)s::text[])
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1
    ) AS newest
    UNION ALL
    SELECT place, since, until FROM wanted JOIN episode ON sort = 'place' AND subject_id = place
)
SELECT place, min(since), max(until) FROM known GROUP BY place
"""


def extents(conn: psycopg.Connection[Any], places: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return from when to when something is known of places, or was found in them, µs UTC."""
    rows = conn.execute(_READ, {"places": arrays.ids(places), "names": [n.value for n in Input]})
    return {place: (us_of(first), us_of(last)) for place, first, last in rows}
