"""How far a change reaches: from the last firm stop before it to the first firm one behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from fleet.track.rules import Rules
from fleet.trips.firm import End
from storage.due import Span
from storage.times import ALWAYS_US, NEVER_US, at_us, us_of

_BEFORE: Final[LiteralString] = """
SELECT seen_from, began_at FROM vehicle_stop
WHERE vehicle_id = %s AND firm_after < %s
ORDER BY firm_after DESC LIMIT 1
"""
_BEHIND: Final[LiteralString] = """
SELECT seen_to, ended_at FROM vehicle_stop WHERE vehicle_id = %s AND firm_before > %s
ORDER BY firm_before LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Cut:
    """The piece of a vehicle's series to be computed again, µs UTC.

    Attributes:
        from_us: the first fix of a stop, or before anything.
        to_us: the last fix of a stop, or after everything.
        begin: the stop that it begins with; None: it begins with none.
        end: the stop that it ends with; None: it ends with none.
    """

    from_us: int
    to_us: int
    begin: End | None
    end: End | None


def cut_of(conn: psycopg.Connection, vehicle_id: int, changed: Span, rules: Rules) -> Cut:
    """Return what must be computed again for a change (see :mod:`fleet.trips.firm`).

    Args:
        conn: in the transaction that will store the result.
        vehicle_id: the vehicle.
        changed: where its fixes may differ from before.
        rules: those with which the stops were found.
    """
    # A fix tells, as far as this, whether another terminal is listened to.
    first, last = changed.from_us - rules.cover_us, changed.to_us + rules.cover_us
    before = conn.execute(_BEFORE, [vehicle_id, at_us(max(first, ALWAYS_US))]).fetchone()
    behind = conn.execute(_BEHIND, [vehicle_id, at_us(min(last, NEVER_US))]).fetchone()
    return Cut(
        ALWAYS_US if before is None else us_of(before[0]),
        NEVER_US if behind is None else us_of(behind[0]),
        None if before is None else End(us_of(before[0]), us_of(before[1])),
        None if behind is None else End(us_of(behind[0]), us_of(behind[1])),
    )
