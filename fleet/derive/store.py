"""Replaces what is derived of a piece of a vehicle's series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, LiteralString

import psycopg

from fleet.derive.cut import Cut
from fleet.trips.model import Place, Travelled
from storage.times import at_us

# What begins in the piece, from its first stop to its last: a trip that leaves the last stop starts
# when that ends, and does not belong to it.
_DELETE: Final[tuple[LiteralString, ...]] = (
    """
    DELETE FROM vehicle_stop
    WHERE vehicle_id = %(vehicle)s AND seen_from >= %(from)s AND seen_from <= %(to)s
    """,
    """
    DELETE FROM trip
    WHERE vehicle_id = %(vehicle)s AND started_at >= %(from)s AND started_at < %(to)s
    """,
    """
    DELETE FROM vehicle_share
    WHERE vehicle_id = %(vehicle)s AND owner_at >= %(from)s
      AND (owner_at < %(to)s OR owner_at = %(to)s AND kind = 'stop')
    """,
)
_STOPS: Final = """
COPY vehicle_stop (vehicle_id, seen_from, seen_to, began_at, ended_at, lat, lon, fixes, terminal_mm,
    silent_s, firm_after, firm_before) FROM STDIN
"""
_TRIPS: Final = """
COPY trip (vehicle_id, started_at, ended_at, start_lat, start_lon, end_lat, end_lon, distance_mm,
    gap_mm, terminal_mm, odometer_from_mm, odometer_to_mm, odometer_faults, moving_s, idle_s,
    max_speed_kmh, fixes, left_out, jumps, flags) FROM STDIN
"""
_SHARES: Final = """
COPY vehicle_share (vehicle_id, day, owner_at, kind, trips, distance_mm, gap_mm, terminal_mm,
    moving_s, idle_s, fixes, left_out, first_at, last_at) FROM STDIN
"""


def replace(conn: psycopg.Connection, vehicle_id: int, cut: Cut, made: Travelled) -> None:
    """Put stops, trips and shares in the place of what was known of a piece.

    Args:
        conn: in the transaction that claimed the vehicle.
        vehicle_id: the vehicle.
        cut: the piece.
        made: all of it.
    """
    span = {"vehicle": vehicle_id, "from": at_us(cut.from_us), "to": at_us(cut.to_us)}
    with conn.cursor() as cursor:
        for statement in _DELETE:
            cursor.execute(statement, span)
        for copy_to, rows in (
            (_STOPS, _stops(made)),
            (_TRIPS, _trips(made)),
            (_SHARES, _shares(made)),
        ):
            # Lines made here: the driver would look up how to write each single value.
            text = "".join(_line((vehicle_id, *row)) for row in rows)
            if text:
                with cursor.copy(copy_to) as copy:
                    copy.write(text)


def _line(row: tuple[object, ...]) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def _stops(made: Travelled) -> Iterator[tuple[object, ...]]:
    for one in made.stops:
        yield (
            *map(at_us, (one.seen_from_us, one.seen_to_us, one.began_us, one.ended_us)),
            *_degrees(one.place),
            one.fixes,
            one.terminal_mm,
            one.silent_s,
            *map(_maybe, (one.firm_after_us, one.firm_before_us)),
        )


def _trips(made: Travelled) -> Iterator[tuple[object, ...]]:
    for one in made.trips:
        yield (
            at_us(one.started_us),
            at_us(one.ended_us),
            *_degrees(one.start),
            *_degrees(one.end),
            one.distance_mm,
            one.gap_mm,
            one.terminal_mm,
            one.odometer_from_mm,
            one.odometer_to_mm,
            one.odometer_faults,
            one.moving_s,
            one.idle_s,
            one.max_speed_kmh,
            one.fixes,
            one.left_out,
            one.jumps,
            one.flags,
        )


def _shares(made: Travelled) -> Iterator[tuple[object, ...]]:
    for one in made.shares:
        yield (
            one.day,
            at_us(one.owner_us),
            one.kind.value,
            one.trips,
            one.distance_mm,
            one.gap_mm,
            one.terminal_mm,
            one.moving_s,
            one.idle_s,
            one.fixes,
            one.left_out,
            _maybe(one.first_us),
            _maybe(one.last_us),
        )


def _degrees(place: Place | None) -> tuple[float | None, float | None]:
    return (None, None) if place is None else (place.lat, place.lon)


def _maybe(us: int | None) -> object:
    return None if us is None else at_us(us)
