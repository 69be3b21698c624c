"""Where the trips of a vehicle begin that can still be computed: before, its positions are gone.

A floor is the first firm stop of which all fixes are kept: what lies before it cannot change it
(:mod:`fleet.trips.firm`). A vehicle without one begins anew behind everything that is known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg

from storage.due import Span
from storage.times import us_of

_FLOOR: Final[LiteralString] = """
SELECT from_at, changes FROM track_floor WHERE vehicle_id = %s
"""


@dataclass(frozen=True, slots=True)
class Floor:
    """µs UTC.

    Attributes:
        from_us: begin of the first piece that can be computed.
        changes_us: changes before this are passed over.
    """

    from_us: int
    changes_us: int

    def above(self, changed: Sequence[Span]) -> list[Span]:
        """Return what of some changes can be computed."""
        return [
            Span(max(span.from_us, self.changes_us), span.to_us)
            for span in changed
            if span.to_us >= self.changes_us
        ]


def floor_of(conn: psycopg.Connection[Any], vehicle_id: int) -> Floor | None:
    """Return the floor of a vehicle; None: all its positions are kept."""
    row = conn.execute(_FLOOR, [vehicle_id]).fetchone()
    return None if row is None else Floor(us_of(row[0]), us_of(row[1]))
