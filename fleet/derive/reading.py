"""The fixes of a vehicle through its dated bindings, in COPY's binary format."""

from __future__ import annotations

from typing import Final, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from fleet.derive.times import at_us
from fleet.track.fixes import Fixes
from storage.records import COPY_HEADER, COPY_TRAILER, PG_EPOCH_US

_BINDINGS: Final[LiteralString] = """
SELECT terminal_id, greatest(lower(valid), %(from)s::timestamptz),
       CASE WHEN upper(valid) <= %(to)s THEN upper(valid) ELSE %(to)s + interval '1 microsecond' END
FROM terminal_vehicle
WHERE vehicle_id = %(vehicle)s AND valid && tstzrange(%(from)s, %(to)s, '[]')
ORDER BY terminal_id, valid
"""
# Every column of one width, so that the answer is a table to numpy.
_OF_ONE: Final[LiteralString] = """
SELECT fix_time, terminal_id, content_hash, lat, lon, coalesce(speed_kmh, 'NaN'),
       coalesce(odometer_km, 'NaN'), coalesce(acc::int, -1), flags, received_at
FROM position WHERE terminal_id = {} AND fix_time >= {} AND fix_time < {}
"""
_COLUMNS: Final = (
    ("t", ">i8"),
    ("terminal", ">i4"),
    ("hash", ">i8"),
    ("lat", ">f8"),
    ("lon", ">f8"),
    ("speed", ">f4"),
    ("odometer", ">f8"),
    ("acc", ">i4"),
    ("flags", ">i4"),
    ("received", ">i8"),
)
_ROW: Final = np.dtype(
    [
        ("fields", ">i2"),
        *(part for name, kind in _COLUMNS for part in ((f"{name}_size", ">i4"), (name, kind))),
    ]
)


def fixes_of(conn: psycopg.Connection, vehicle_id: int, from_us: int, to_us: int) -> Fixes:
    """Return what a vehicle's terminals sent while they were bound to it, ordered.

    Args:
        conn: any connection.
        vehicle_id: the vehicle.
        from_us: begin of the time, µs UTC.
        to_us: its end, included.
    """
    span = {"vehicle": vehicle_id, "from": at_us(from_us), "to": at_us(to_us)}
    parts = [
        sql.SQL(_OF_ONE).format(terminal, since, until)
        for terminal, since, until in conn.execute(_BINDINGS, span).fetchall()
        if since < until
    ]
    if not parts:
        return unpacked(b"")
    with conn.cursor() as cursor:
        query = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(
            sql.SQL(" UNION ALL ").join(parts)
        )
        with cursor.copy(query) as copy:
            body = b"".join(bytes(block) for block in copy)
    return unpacked(body).ordered()


def unpacked(body: bytes) -> Fixes:
    """Return the fixes of a COPY; none when it is empty."""
    rows = np.frombuffer(body[len(COPY_HEADER) : len(body) - len(COPY_TRAILER)], _ROW)
    return Fixes(
        rows["t"].astype(np.int64) + PG_EPOCH_US,
        rows["terminal"].astype(np.int64),
        rows["hash"].astype(np.int64),
        rows["lat"].astype(np.float64),
        rows["lon"].astype(np.float64),
        rows["speed"].astype(np.float64),
        rows["odometer"].astype(np.float64),
        rows["acc"].astype(np.int8),
        rows["flags"].astype(np.int64),
        rows["received"].astype(np.int64) + PG_EPOCH_US,
    )
