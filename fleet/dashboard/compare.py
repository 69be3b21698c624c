"""Three mileages side by side, over the same time: from one dashboard reading to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, LiteralString

import psycopg

from fleet.dashboard.readings import Reading, standing

# A trip under way when the dashboard was read counts by its time.
_DRIVEN: Final[LiteralString] = """
SELECT CASE WHEN bool_or(distance_mm IS NULL) THEN NULL
            ELSE coalesce(sum(div(distance_mm * inside, whole)), 0) END::int8,
       sum(div(terminal_mm * inside, whole))::int8
FROM (
    SELECT distance_mm::numeric, terminal_mm::numeric,
           extract(epoch FROM least(ended_at, %(to)s) - greatest(started_at, %(from)s))
               AS inside,
           extract(epoch FROM ended_at - started_at) AS whole
    FROM trip
    WHERE vehicle_id = %(vehicle)s AND started_at < %(to)s AND ended_at > %(from)s
) AS parts
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """From one reading to the next; whole millimetres.

    Attributes:
        since, until: the readings' times.
        dashboard_mm: their difference.
        gps_mm: of the trips; None: unknown, for places of some are withheld.
        terminal_mm: of the terminal's odometer on trips; None: unknown.
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
