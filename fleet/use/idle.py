"""Whether a vehicle is idle: not driven for days, which is more than not seen: pure."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile


class DayUse(enum.Enum):
    """What is known of a day of a vehicle."""

    USED = "used"
    UNUSED = "unused"
    UNKNOWN = "unknown"


class Standing(enum.Enum):
    """What the end of a time says of a vehicle."""

    IN_USE = "in_use"
    IDLE = "idle"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Tail:
    """The last days of a vehicle.

    Attributes:
        standing: what they say.
        days: so many on which it was certainly not driven, of an idle one; otherwise the days
            since it certainly was.
        unknown: of them, those of which nothing is known.
    """

    standing: Standing
    days: int
    unknown: int


def tail(days: Sequence[DayUse], idle_days: int) -> Tail:
    """Return what the last days of a vehicle say.

    Args:
        days: in service, by date.
        idle_days: not driven for so many days is idle; when of some of them nothing is known,
            nobody can tell.
    """
    last = list(takewhile(lambda one: one is not DayUse.USED, reversed(days)))
    certain = sum(1 for _ in takewhile(lambda one: one is DayUse.UNUSED, last))
    if certain >= idle_days:
        return Tail(Standing.IDLE, certain, 0)
    unknown = sum(one is DayUse.UNKNOWN for one in last)
    unclear = len(last) >= idle_days
    return Tail(Standing.UNCLEAR if unclear else Standing.IN_USE, len(last), unknown)
