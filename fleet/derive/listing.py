"""Trips and days as they are kept, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

_TRIPS: Final[LiteralString] = """
SELECT started_at, ended_at, start_lat, start_lon, end_lat, end_lon, distance_mm, gap_mm,
       terminal_mm, odometer_from_mm, odometer_to_mm, odometer_faults, moving_s, idle_s,
       max_speed_kmh, fixes, left_out, jumps, flags
FROM trip WHERE vehicle_id = %s AND ended_at > %s AND started_at < %s ORDER BY started_at
"""
# What one trip of several counted is not what the terminal counted.
_DAYS: Final[LiteralString] = """
SELECT v.code, v.plate, d.day, d.trips, d.gps_mm, d.gap_mm,
       CASE WHEN NOT EXISTS (
           SELECT FROM vehicle_share s
           WHERE s.vehicle_id = d.vehicle_id AND s.day = d.day
             AND s.kind = 'trip' AND s.distance_mm > 0 AND s.terminal_mm IS NULL
       ) THEN d.terminal_mm END AS terminal_mm,
       d.moving_s, d.idle_s, d.fixes, d.bad, d.first_at, d.last_at
FROM vehicle_day d JOIN vehicle v ON v.id = d.vehicle_id
WHERE d.day >= %(first)s AND d.day < %(end)s
  AND (%(vehicle)s::int IS NULL OR d.vehicle_id = %(vehicle)s)
ORDER BY v.code, d.day
"""


@dataclass(frozen=True, slots=True)
class TripRow:
    """A trip; see :class:`fleet.trips.model.Trip`. Sensitive vehicles have no places.

    None is unknown: of a sensitive vehicle the odometer alone tells.
    """

    started_at: datetime
    ended_at: datetime
    start_lat: float | None
    start_lon: float | None
    end_lat: float | None
    end_lon: float | None
    distance_mm: int | None
    gap_mm: int | None
    terminal_mm: int | None
    odometer_from_mm: int | None
    odometer_to_mm: int | None
    odometer_faults: int
    moving_s: int | None
    idle_s: int | None
    max_speed_kmh: float | None
    fixes: int
    left_out: int
    jumps: int
    flags: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """A vehicle's day: the sum of what its trips and stops give to it.

    Attributes:
        code, plate: of the vehicle.
        day: in the site's zone.
        trips: that started on it.
        gps_mm: Σ of the legs; ``gap_mm`` of it were not seen. None: unknown, for places of the day
            are withheld.
        terminal_mm: of the terminal's odometer; None: unknown, of a trip at least.
        moving_s, idle_s: of the trips; None: unknown.
        fixes: received; ``bad`` of them left out.
        first_at, last_at: the first and the last of them; None: there was none.
    """

    code: str
    plate: str
    day: date
    trips: int
    gps_mm: int | None
    gap_mm: int | None
    terminal_mm: int | None
    moving_s: int | None
    idle_s: int | None
    fixes: int
    bad: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Total:
    """Days of a vehicle together.

    Attributes:
        code, plate: of the vehicle.
        used: days on which it was driven.
        trips, gps_mm, gap_mm, fixes, bad: sums of what is known; see :class:`DayRow`.
        terminal_mm: likewise; None: unknown of a day on which it was driven.
    """

    code: str
    plate: str
    used: int
    trips: int
    gps_mm: int | None
    gap_mm: int | None
    terminal_mm: int | None
    fixes: int
    bad: int


def trips(
    conn: psycopg.Connection[Any], vehicle_id: int, since: datetime, until: datetime
) -> list[TripRow]:
    """Return the trips of a vehicle that touch a span of time, whole, by time."""
    with conn.cursor(row_factory=class_row(TripRow)) as cursor:
        return cursor.execute(_TRIPS, [vehicle_id, since, until]).fetchall()


def days(
    conn: psycopg.Connection[Any], first: date, end: date, vehicle_id: int | None = None
) -> list[DayRow]:
    """Return days from ``first`` until before ``end``, of one vehicle or of all."""
    values = {"first": first, "end": end, "vehicle": vehicle_id}
    with conn.cursor(row_factory=class_row(DayRow)) as cursor:
        return cursor.execute(_DAYS, values).fetchall()


def totals(found: list[DayRow]) -> Iterator[Total]:
    """Yield the sum of each vehicle's days, in their order."""
    mine: list[DayRow] = []
    for row in found:
        if mine and mine[0].code != row.code:
            yield _total(mine)
            mine = []
        mine.append(row)
    if mine:
        yield _total(mine)


def _total(mine: list[DayRow]) -> Total:
    known = [row.terminal_mm for row in mine if row.terminal_mm is not None]
    unknown = any(
        row.terminal_mm is None and (row.trips if row.gps_mm is None else row.gps_mm) > 0
        for row in mine
    )
    return Total(
        mine[0].code,
        mine[0].plate,
        sum(((row.terminal_mm if row.gps_mm is None else row.gps_mm) or 0) > 0 for row in mine),
        sum(row.trips for row in mine),
        _known([row.gps_mm for row in mine]),
        _known([row.gap_mm for row in mine]),
        sum(known) if known and not unknown else None,
        sum(row.fixes for row in mine),
        sum(row.bad for row in mine),
    )


def _known(figures: list[int | None]) -> int | None:
    known = [one for one in figures if one is not None]
    return sum(known) if known else None
