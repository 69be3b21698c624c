"""The fixes of a vehicle in the database, as windows ask for them."""

from __future__ import annotations

from typing import Any, Final, LiteralString

import psycopg

from fleet.derive.reading import fixes_of
from fleet.fence.window import Around
from fleet.track.along import withheld
from fleet.track.fixes import Fixes
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

# Each end of an index, for each binding: no scan of what lies between, but of what was withheld.
_AROUND: Final[LiteralString] = """
WITH bound AS (
    SELECT terminal_id, coalesce(lower(valid), '-infinity') AS since,
           coalesce(upper(valid), 'infinity') AS until
    FROM terminal_vehicle WHERE vehicle_id = %(vehicle)s AND NOT isempty(valid)
)
SELECT min(first.at), coalesce(max(before.at), %(from)s), coalesce(min(behind.at), %(to)s),
       max(last.at)
FROM bound b
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= b.since AND fix_time < b.until
      AND lat IS NOT NULL
    ORDER BY fix_time LIMIT 1
) AS first ON true
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= b.since AND fix_time < b.until
      AND lat IS NOT NULL
      AND fix_time <= %(from)s
    ORDER BY fix_time DESC LIMIT 1
) AS before ON true
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= b.since AND fix_time < b.until
      AND lat IS NOT NULL
      AND fix_time >= %(to)s
    ORDER BY fix_time LIMIT 1
) AS behind ON true
LEFT JOIN LATERAL (
    SELECT fix_time AS at FROM position
    WHERE terminal_id = b.terminal_id AND fix_time >= b.since AND fix_time < b.until
      AND lat IS NOT NULL
    ORDER BY fix_time DESC LIMIT 1
) AS last ON true
"""


class Positions:
    """The fixes of one vehicle."""

    def __init__(self, conn: psycopg.Connection[Any], vehicle_id: int) -> None:
        self._conn = conn
        self._vehicle = vehicle_id

    def around(self, from_us: int, to_us: int) -> Around | None:
        """Return where fixes lie around a window; None: there is none at all."""
        named = {"vehicle": self._vehicle, "from": at_us(from_us), "to": at_us(to_us)}
        row = self._conn.execute(_AROUND, named).fetchone()
        return None if row is None or row[0] is None else Around(*map(us_of, row))

    def read(self, from_us: int, to_us: int) -> Fixes:
        """Return those of a span, both ends included, ordered; none whose place is withheld."""
        first, last = max(ALWAYS_US, from_us), min(NEVER_US, to_us)
        fixes = fixes_of(self._conn, self._vehicle, first, last)
        return fixes.take(~withheld(fixes))
