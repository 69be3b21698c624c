"""The fixes of a vehicle in the database, as windows ask for them."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg

from fleet.derive.reading import fixes_of
from fleet.derive.times import ALWAYS_US, NEVER_US, us_of
from fleet.track.fixes import Fixes

# Each end of an index, for each binding: no scan of what lies between.
_BOUNDS: Final[LiteralString] = """
SELECT min(first.at), max(last.at)
FROM terminal_vehicle b
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= coalesce(lower(b.valid), '-infinity')
      AND fix_time < coalesce(upper(b.valid), 'infinity')
    ORDER BY fix_time LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= coalesce(lower(b.valid), '-infinity')
      AND fix_time < coalesce(upper(b.valid), 'infinity')
    ORDER BY fix_time DESC LIMIT 1
) AS last ON true
WHERE b.vehicle_id = %s AND NOT isempty(b.valid)
"""


class Positions:
    """The fixes of one vehicle."""

    def __init__(self, conn: psycopg.Connection[Any], vehicle_id: int) -> None:
        self._conn = conn
        self._vehicle = vehicle_id

    def bounds(self) -> tuple[int, int] | None:
        """Return the times of the first and the last one, µs UTC; None: there is none."""
        row = self._conn.execute(_BOUNDS, [self._vehicle]).fetchone()
        return None if row is None or row[0] is None else (us_of(row[0]), us_of(row[1]))

    def read(self, from_us: int, to_us: int) -> Fixes:
        """Return those of a span, both ends included, ordered."""
        first, last = max(ALWAYS_US, from_us), min(NEVER_US, to_us)
        return fixes_of(self._conn, self._vehicle, first, last)
