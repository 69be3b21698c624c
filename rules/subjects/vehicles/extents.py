"""From when to when something is known of vehicles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, LiteralString

import psycopg

from storage import arrays
from storage.times import us_of

# Papers by whom they name and whose card paid: more than is the vehicle's does no harm. What was
# found before: a paper may be withdrawn.
_KNOWN: Final[LiteralString] = """
WITH wanted AS MATERIALIZED (
    SELECT id FROM unnest(%(ids)s::int[]) AS id
), kept AS MATERIALIZED (
    SELECT wanted.id, consumer.id AS consumer_id
    FROM wanted JOIN fuel_consumer AS consumer ON consumer.vehicle_id = wanted.id
), known AS (
    SELECT vehicle_id AS id, min(began_at) AS since, max(ended_at) AS until FROM vehicle_stop
    WHERE vehicle_id = ANY(%(ids)s) GROUP BY 1
    UNION ALL
    SELECT vehicle_id, min(started_at), max(ended_at) FROM trip
    WHERE vehicle_id = ANY(%(ids)s) GROUP BY 1
    UNION ALL
    SELECT kept.id, min(at), max(at) FROM kept JOIN fleet_spending USING (consumer_id) GROUP BY 1
    UNION ALL
    SELECT kept.id, min(at), max(at) FROM kept JOIN fuel_card_fact USING (consumer_id)
    JOIN fleet_spending ON fleet_spending.card = fuel_card_fact.card GROUP BY 1
    UNION ALL
    SELECT kept.id, min(day)::timestamptz - interval '1 day',
           max(greatest(back_at, day::timestamptz + interval '2 days'))
    FROM kept JOIN dispatch_order USING (consumer_id) GROUP BY 1
    UNION ALL
    SELECT subject_id, min(since), max(until) FROM episode
    WHERE sort = 'vehicle' AND subject_id = ANY(%(ids)s) GROUP BY 1
)
SELECT id, min(since), max(until) FROM known GROUP BY id
"""


def extents(conn: psycopg.Connection[Any], vehicles: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Return from when to when something is known of vehicles, or was found of them, µs UTC."""
    rows = conn.execute(_KNOWN, {"ids": arrays.ids(vehicles)})
    return {vehicle: (us_of(first), us_of(last)) for vehicle, first, last in rows}
