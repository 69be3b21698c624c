"""Whether most terminals are off alike: then it is our own clock that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final, LiteralString

import psycopg

from rules.subjects.terminals.clock import NARROW_S

LATELY: Final = timedelta(days=1)
_FEW: Final = 3
"""Of fewer terminals any may be wrong by itself."""
_OFF: Final[LiteralString] = """
SELECT DISTINCT ON (terminal_id) off_s FROM terminal_clock
WHERE received_to >= %s ORDER BY terminal_id, received_to DESC
"""
_REPORTED: Final[LiteralString] = """
SELECT count(*) FROM (
    SELECT terminal_id FROM latest_position WHERE received_at >= %(since)s
    UNION
    SELECT terminal_id FROM terminal_clock WHERE received_to >= %(since)s
) AS terminal
"""


@dataclass(frozen=True, slots=True)
class Alike:
    """Terminals that are off alike.

    Attributes:
        seconds: by so much; above 0: ahead of our clock.
        terminals: how many.
        reported: of how many that reported.
    """

    seconds: float
    terminals: int
    reported: int


def off_alike(conn: psycopg.Connection[Any], now: datetime) -> Alike | None:
    """Return whether most terminals that reported lately are off alike; the time is aware."""
    since = now - LATELY
    offs = [off for (off,) in conn.execute(_OFF, [since])]
    ((reported,),) = conn.execute(_REPORTED, {"since": since}).fetchall()
    return alike(offs, reported)


def alike(offs: Sequence[float], reported: int) -> Alike | None:
    """Return whether most are off alike; pure.

    Args:
        offs: how far each terminal whose clock is off was off last, s.
        reported: how many reported, right or not.
    """
    if len(offs) < _FEW:
        return None
    middle = median(offs)
    count = sum(abs(off - middle) <= NARROW_S for off in offs)
    return Alike(middle, count, reported) if count * 2 > reported else None
