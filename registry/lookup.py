"""Who sat where at a given time: bindings are half-open, since ≤ t < until."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import scalar_row

_VEHICLE: Final[LiteralString] = """
    SELECT vehicle_id FROM terminal_vehicle WHERE terminal_id = %s AND valid @> %s::timestamptz
"""
_PLACE: Final[LiteralString] = """
    SELECT place_id FROM device_place WHERE device_id = %s AND valid @> %s::timestamptz
"""
_ROOM: Final[LiteralString] = """
    SELECT room_id FROM place_room WHERE place_id = %s AND valid @> %s::timestamptz
"""


def vehicle_of(conn: psycopg.Connection[Any], terminal_id: int, at: datetime) -> int | None:
    """Return the id of the vehicle that carried a terminal at a time, or None."""
    return _one(conn, _VEHICLE, terminal_id, at)


def place_of(conn: psycopg.Connection[Any], device_id: int, at: datetime) -> int | None:
    """Return the id of the place where a device hung at a time, or None."""
    return _one(conn, _PLACE, device_id, at)


def room_of(conn: psycopg.Connection[Any], place_id: int, at: datetime) -> int | None:
    """Return the id of the room in which a place was at a time, or None."""
    return _one(conn, _ROOM, place_id, at)


def _one(
    conn: psycopg.Connection[Any], query: LiteralString, subject: int, at: datetime
) -> int | None:
    if at.tzinfo is None:
        raise ValueError("the time has no zone: pass an aware datetime, for example in UTC")
    with conn.cursor(row_factory=scalar_row) as cursor:
        found: int | None = cursor.execute(query, [subject, at]).fetchone()
        return found
