"""What a demo makes of its positions: trips, held against the vehicles' own odometers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from fleet.derive import due
from fleet.derive.worker import Worker
from jieyong.settings import Settings

# Days of which both are known; a sensitive vehicle has no kilometres by position.
_DRIVEN: Final = """
SELECT count(DISTINCT vehicle_id), coalesce(sum(trips), 0),
       coalesce(sum(gps_mm), 0) / 1e6, coalesce(sum(terminal_mm), 0) / 1e6
FROM vehicle_day WHERE gps_mm IS NOT NULL AND terminal_mm IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Journeys:
    """What the vehicles did, earlier runs and the past included.

    Attributes:
        vehicles: how many have days with both mileages.
        trips: theirs.
        driven_km: by their positions.
        odometer_km: by their odometers.
    """

    vehicles: int
    trips: int
    driven_km: float
    odometer_km: float


def some_vehicle(conn: psycopg.Connection[Any]) -> str:
    """Return the code of a vehicle to look at."""
    row = conn.execute("SELECT min(code) FROM vehicle WHERE NOT sensitive").fetchone()
    return str(row[0]) if row else ""


def compute(conninfo: str) -> None:
    """Compute whatever is due, to the last position."""
    settings = Settings()
    zone = ZoneInfo(settings.time_zone)
    with psycopg.connect(conninfo, autocommit=True) as conn:
        due.adopt(conn, settings.trips.rules(), zone)
        worker = Worker(conn, settings.trips, zone, lambda: datetime.now(UTC))
        while due.follow(conn) or worker.step().done:
            pass


def driven(conn: psycopg.Connection[Any]) -> Journeys:
    """Return what the vehicles drove."""
    [(vehicles, trips, gps, odometer)] = conn.execute(_DRIVEN).fetchall()
    return Journeys(vehicles, int(trips), round(float(gps), 1), round(float(odometer), 1))
