"""Three mileages side by side, over the same time: from one dashboard reading to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, LiteralString

import psycopg

from fleet.dashboard.readings import Reading, standing

# What was under way when the dashboard was read counts by its time. A stop's own gain was driven
# where nothing was received; without one it has nothing to say, a trip without one hides some.
_DRIVEN: Final[LiteralString] = """
SELECT CASE WHEN bool_or(distance_mm IS NULL) THEN NULL
            ELSE coalesce(sum(div(distance_mm * inside, whole)), 0) END::int8,
       CASE WHEN bool_and(terminal_mm IS NOT NULL)
            THEN sum(div(terminal_mm * inside, whole))::int8 END
FROM (
    SELECT distance_mm::numeric, terminal_mm::numeric,
           extract(epoch FROM least(until, %(to)s) - greatest(since, %(from)s)) AS inside,
           extract(epoch FROM until - since) AS whole
    FROM (
        SELECT distance_mm, terminal_mm, started_at AS since, ended_at AS until
        FROM trip WHERE vehicle_id = %(vehicle)s
        UNION ALL
        SELECT 0, terminal_mm, seen_from, seen_to
        FROM vehicle_stop WHERE vehicle_id = %(vehicle)s AND terminal_mm IS NOT NULL
    ) AS driven
    WHERE since < %(to)s AND until > %(from)s
) AS parts
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """From one reading to the next; whole millimetres.

    Attributes:
        since, until: the readings' times.
        dashboard_mm: their difference.
        gps_mm: of the trips; None: unknown, for places of some are withheld.
        terminal_mm: of the terminal's odometer, on trips and, where nothing was received, at stops;
            None: unknown of a trip, or nothing was driven.
    """

    since: datetime
    until: datetime
    dashboard_mm: int
    gps_mm: int | None
    terminal_mm: int | None


def compared(conn: psycopg.Connection[Any], vehicle_id: int) -> list[Compared]:
    """Return what each pair of neighbouring readings says against the trips between them."""
    return list(_compared(conn, vehicle_id, standing(conn, vehicle_id)))


def _compared(
    conn: psycopg.Connection[Any], vehicle_id: int, readings: list[Reading]
) -> Iterator[Compared]:
    for one, other in pairwise(readings):
        if other.restarts:
            continue
        span = {"vehicle": vehicle_id, "from": one.read_at, "to": other.read_at}
        ((gps, terminal),) = conn.execute(_DRIVEN, span).fetchall()
        shown = int((other.km - one.km) * 1_000_000)
        yield Compared(one.read_at, other.read_at, shown, gps, terminal)
