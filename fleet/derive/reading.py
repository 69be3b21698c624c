"""The fixes of a vehicle through its dated bindings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, LiteralString

import numpy as np
import psycopg
from psycopg import sql

from fleet.derive.arrays import items
from fleet.track.along import along_odometer
from fleet.track.fixes import Fixes
from storage.records import PG_EPOCH_US
from storage.times import at_us

_BINDINGS: Final[LiteralString] = """
SELECT terminal_id, greatest(lower(valid), %(from)s::timestamptz),
       CASE WHEN upper(valid) <= %(to)s THEN upper(valid) ELSE %(to)s + interval '1 microsecond' END
FROM terminal_vehicle
WHERE vehicle_id = %(vehicle)s AND valid && tstzrange(%(from)s, %(to)s, '[]')
ORDER BY terminal_id, valid
"""
_OF_ONE: Final[LiteralString] = """
SELECT fix_time, terminal_id, content_hash, coalesce(lat, 'NaN') AS lat,
       coalesce(lon, 'NaN') AS lon, coalesce(speed_kmh, 'NaN') AS speed,
       coalesce(odometer_km, 'NaN') AS odometer, coalesce(acc::int4, -1) AS acc, flags, received_at
FROM position WHERE terminal_id = {} AND fix_time >= {} AND fix_time < {}
"""
# One row of arrays: a row for each fix costs the driver more than the arithmetic behind it.
_TOGETHER: Final[LiteralString] = """
SELECT array_agg(fix_time), array_agg(terminal_id), array_agg(content_hash), array_agg(lat),
       array_agg(lon), array_agg(speed), array_agg(odometer), array_agg(acc), array_agg(flags),
       array_agg(received_at)
FROM ({}) AS fix
"""
_KINDS: Final = (">i8", ">i4", ">i8", ">f8", ">f8", ">f4", ">f8", ">i4", ">i4", ">i8")


def fixes_of(conn: psycopg.Connection, vehicle_id: int, from_us: int, to_us: int) -> Fixes:
    """Return what a vehicle's terminals sent while they were bound to it, ordered.

    Fixes whose place is withheld lie on a line by their odometer (:mod:`fleet.track.along`).

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
        return _unpacked([None] * len(_KINDS))
    query = sql.SQL(_TOGETHER).format(sql.SQL(" UNION ALL ").join(parts))
    with conn.cursor(binary=True) as cursor:
        cursor.execute(query, prepare=False)
        result = cursor.pgresult
        if result is None or result.ntuples != 1:
            raise RuntimeError("the positions' statement returned no row")
        return _unpacked([result.get_value(0, column) for column in range(len(_KINDS))])


def _unpacked(arrays: Sequence[bytes | None]) -> Fixes:
    t, terminal, hash_, lat, lon, speed, odometer, acc, flags, received = (
        items(array, kind) for array, kind in zip(arrays, _KINDS, strict=True)
    )
    found = Fixes(
        t.astype(np.int64) + PG_EPOCH_US,
        terminal.astype(np.int64),
        hash_.astype(np.int64),
        lat.astype(np.float64),
        lon.astype(np.float64),
        speed.astype(np.float64),
        odometer.astype(np.float64),
        acc.astype(np.int8),
        flags.astype(np.int64),
        received.astype(np.int64) + PG_EPOCH_US,
    )
    return along_odometer(found.ordered())
