"""What a vehicle used between two of its fillings: Σ over Σ, with what the tank leaves open.

The same interval as that of an account (:mod:`fleet.ledger.consumption`): what was used is what was
filled, with the level at the begin and without the level at the end. Where a leg between is not
known it is left out, and the tank is open once more on either side of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from fleet.joining.bills import bills
from fleet.joining.model import Filling, Track
from fleet.joining.rates import Legs, Rate
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.ways import Ways

BEFORE_US: Final = 62 * DAY_US
"""A filling that is older than this is no begin: who was not used for two months began anew."""


@dataclass(frozen=True, slots=True)
class Used:
    """What was used on known legs.

    Attributes:
        sums: Σ litres, Σ way, and how long the engine ran on it.
        low_ml, high_ml: the truth lies between these.
        most_mm: the longest that the way can have been: of days without times all of it.
        since_us, until_us: the first filling and the last one, µs UTC.
    """

    sums: Rate
    low_ml: int
    high_ml: int
    most_mm: int
    since_us: int
    until_us: int


class Books:
    """The fillings of a vehicle, and sums of what it used."""

    def __init__(self, fillings: Sequence[Filling], track: Track, rules: Rules) -> None:
        """Take the fillings of a vehicle, ascending, and what is known of its ways."""
        self._legs = legs = Legs(bills(fillings, rules), Ways(track, rules), rules)
        self._at = [one.at_us for one in legs.fillings]
        levels = [_level(one, rules) for one in legs.fillings]
        self._levels = levels
        # Which leg leads to each: not known, or between tanks of which one is not.
        pairs = zip([None, *levels], levels, legs.driven, strict=False)
        self._unknown = [
            index
            for index, (before, level, way) in enumerate(pairs)
            if before is None or level is None or way is None
        ]

    def filled(self, since_us: int, until_us: int) -> bool:
        """Tell whether there is a filling from one moment to before another."""
        return bisect_left(self._at, since_us) < bisect_left(self._at, until_us)

    def energy(self, until_us: int) -> str | None:
        """Return what the vehicle ran on when it was last filled before a moment."""
        before = bisect_left(self._at, until_us)
        return self._legs.fillings[before - 1].energy if before else None

    def used(self, since_us: int, until_us: int) -> Used | None:
        """Return what was used from the last filling before a moment to the last before another.

        Where there is none shortly before the first moment: from the first behind it. None: not one
        leg of it is known.
        """
        first = bisect_left(self._at, since_us)
        if first and self._at[first - 1] >= since_us - BEFORE_US:
            first -= 1
        last = bisect_left(self._at, until_us) - 1
        begun, ended = (bisect_right(self._unknown, index) for index in (first, last))
        unknown = self._unknown[begun:ended]
        parts = list(_parts(first, last, unknown))
        if not parts:
            return None
        low = high = most = 0
        for begin, end in parts:
            before, behind = self._levels[begin], self._levels[end]
            if before is None or behind is None:
                return None
            low += before[0] - behind[1]
            high += before[1] - behind[0]
            most += self._legs.unsure[begin][0] + self._legs.unsure[end][0]
        sums = self._summed(parts)
        return Used(
            sums,
            max(sums.ml + low, 0),
            sums.ml + high,
            sums.mm + most,
            self._at[parts[0][0]],
            self._at[parts[-1][1]],
        )

    def _summed(self, parts: Sequence[tuple[int, int]]) -> Rate:
        found = [self._legs.between(*part) for part in parts]
        first, *others = found
        for one in others:
            first = replace(
                first,
                ml=first.ml + one.ml,
                mm=first.mm + one.mm,
                running_s=first.running_s + one.running_s,
                timed_mm=first.timed_mm + one.timed_mm,
                legs=first.legs + one.legs,
            )
        return first


def _parts(first: int, last: int, unknown: Sequence[int]) -> list[tuple[int, int]]:
    """Return the stretches between two fillings on which every leg is known."""
    bounds = [first, *unknown, last + 1]
    return [(begin, end - 1) for begin, end in pairwise(bounds) if begin < end - 1]


def _level(one: Filling, rules: Rules) -> tuple[int, int] | None:
    """Return the least and the most that the tank holds after a filling; None: not known."""
    if one.tank_ml is None or one.ml is None:
        return None
    holds = one.tank_ml * (100 + rules.tank_over_pct) // 100
    least = holds * (100 - rules.brim_pct) // 100 if one.full else one.ml
    return min(least, holds), holds
