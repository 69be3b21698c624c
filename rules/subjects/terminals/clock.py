"""How far a terminal's clock is off, by what it sent within an hour and when that came. Pure.

A report cannot come before it was made: one of a time that is still to come proves a clock that is
ahead. One that comes late proves nothing by itself, for terminals keep what they cannot send, and
send it later. So a clock is behind only where reports of half an hour and more came as fast as they
were made, and all equally late, as live ones do: what is caught up comes in a burst, or each less
late than the one before. Whether something less late came meanwhile, the caller knows
(:mod:`rules.subjects.terminals.stored`).

When our own clock is wrong, all terminals look wrong alike, and each has its doubt. That is not
told here: an hour of a terminal is judged by its own reports, whenever they come. What most of them
say of an hour would have to be known of all, of those that are right, too, of which nothing is
kept; and whatever comes late of one would make all others due. How many are off at the same time
lies beside each doubt, and the doctor says when most are (:mod:`rules.subjects.terminals.alike`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.counter.model import Int64s
from storage.records import CLOCKS_DIFFER_US
from storage.times import SECOND_US

_FEW: Final = 3
"""Reports of which one may be a slip: the third least late one counts, and fewer say nothing."""
_STEADY: Final = 6
"""So many reports at least tell of a steady delay."""
_LASTS_US: Final = 30 * 60 * SECOND_US
"""And they tell of so long at least."""
NARROW_S: Final = 300
"""So much their delays may differ: terminals may send what five minutes gave in one message. Later
than that is what can be told from a right clock; see the least of the kind's ``behind``."""
_OUTER: Final = 10
"""Per cent of delays on either side that do not count: a few may be caught up."""
_REFUSED_AHEAD_S: Final = 300.0
"""What is further ahead is refused (:mod:`collector.window`): so much it is at least."""
_REFUSED_BEHIND_S: Final = -400 * 86_400.0
"""What is further behind, likewise."""


@dataclass(frozen=True, slots=True)
class Off:
    """How far a clock is off in an hour.

    Attributes:
        seconds: above 0: ahead; at least so far.
        received_from: when the first report that tells came, µs UTC.
        received_to: when the last one did.
    """

    seconds: float
    received_from: int
    received_to: int


def clock_off(made_us: Int64s, received_us: Int64s) -> Off | None:
    """Return how far a clock is off by what it sent within an hour; None: that cannot be told.

    Args:
        made_us: when reports were made by that clock, µs UTC; in any order.
        received_us: when each came by ours.
    """
    if len(made_us) < _FEW:
        return None
    late = received_us - made_us
    came = int(received_us.min()), int(received_us.max())
    least = int(np.partition(late, _FEW - 1)[_FEW - 1])
    if least <= CLOCKS_DIFFER_US:
        return Off(-least / SECOND_US, *came)
    if not _live(made_us, late):
        return None
    return Off(-float(np.median(late)) / SECOND_US, *came)


def refused(received_us: Int64s, *, ahead: bool) -> Off | None:
    """Return how far a clock is off whose reports were refused for their time; None: no telling.

    Args:
        received_us: when those of an hour came, µs UTC.
        ahead: they are of a time to come; otherwise of one long ago, and what is caught up of that
            comes in a burst.
    """
    if len(received_us) < _FEW:
        return None
    came = int(received_us.min()), int(received_us.max())
    if ahead:
        return Off(_REFUSED_AHEAD_S, *came)
    steady = len(received_us) >= _STEADY and came[1] - came[0] >= _LASTS_US
    return Off(_REFUSED_BEHIND_S, *came) if steady else None


def _live(made_us: Int64s, late: Int64s) -> bool:
    if len(late) < _STEADY or np.ptp(made_us) < _LASTS_US:
        return False
    low, high = np.percentile(late, [_OUTER, 100 - _OUTER])
    return bool(high - low <= NARROW_S * SECOND_US)
