"""Impossible legs: which fix is wrong, judged from both sides.

Fixes joined by possible legs make a **run**. A run of more than ``block`` fixes is *solid*: it is
believed. What lies between two solid runs is believed piece by piece, from left to right, where the
vehicle can get there from what is believed before it, and from there to the next solid run: so a
jump there and back loses the jump, and nothing else. Where two solid runs contradict each other,
both stay, and the leg between them is nobody's way.

A leg that takes long and leads elsewhere parts runs too, although it is possible: any place can be
reached in nine hours, which says nothing for a wrong last fix before them.

What becomes of a fix depends on nothing beyond the solid runs next to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fleet.track.fixes import Bools, Floats, Int64s
from fleet.track.ground import Ground
from fleet.track.rules import SECOND_US, Rules


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs between neighbours; every array is one shorter than the fixes.

    Attributes:
        metres: their lengths.
        bad: nobody drives so fast.
        broken: they part runs: bad, or long in time and leading elsewhere.
    """

    metres: Floats
    bad: Bools
    broken: Bools


def legs_of(t_us: Int64s, where: Ground, rules: Rules) -> Legs:
    """Return the legs of fixes of ascending time."""
    metres = where.legs_m()
    elapsed = np.diff(t_us)
    bad = metres > rules.slack_m + rules.fastest_kmh / 3.6 * (elapsed / SECOND_US)
    weak = (elapsed >= rules.weak_us) & (metres > rules.radius_m)
    return Legs(metres, bad, bad | weak)


def impossible(t_us: Int64s, where: Ground, rules: Rules) -> Bools:
    """Say of each fix whether it is left out.

    Args:
        t_us: strictly ascending.
        where: the fixes.
        rules: how fast anybody drives.
    """
    wrong = np.zeros(len(t_us), np.bool_)
    if len(t_us) < 2:
        return wrong
    legs = legs_of(t_us, where, rules)
    if not legs.bad.any():
        return wrong
    cuts = np.flatnonzero(legs.broken)
    firsts = np.concatenate(([0], cuts + 1))
    lasts = np.concatenate((cuts, [len(t_us) - 1]))
    solid = lasts - firsts >= rules.block
    if not solid.any():
        solid[int(np.argmax(lasts - firsts))] = True
    possible = _Possible(t_us, where, rules)
    anchors = [-1, *np.flatnonzero(solid).tolist(), len(firsts)]
    for left, right in pairwise(anchors):
        if right - left < 2 or not legs.bad[_between(firsts, lasts, left, right)].any():
            continue
        here = int(lasts[left]) if left >= 0 else None
        beyond = int(firsts[right]) if right < len(firsts) else None
        for run in range(left + 1, right):
            first, last = int(firsts[run]), int(lasts[run])
            if possible(here, first) and possible(last, beyond):
                here = last
            else:
                wrong[first : last + 1] = True
    return wrong


def _between(firsts: Int64s, lasts: Int64s, left: int, right: int) -> slice:
    """The legs from the end of one run to the beginning of another."""
    start = int(lasts[left]) if left >= 0 else 0
    stop = int(firsts[right]) if right < len(firsts) else int(lasts[-1])
    return slice(start, stop)


class _Possible:
    """Whether somebody can get from one fix to another; a missing one forbids nothing."""

    def __init__(self, t_us: Int64s, where: Ground, rules: Rules) -> None:
        self._t_us, self._where, self._rules = t_us, where, rules

    def __call__(self, one: int | None, other: int | None) -> bool:
        if one is None or other is None:
            return True
        elapsed = int(self._t_us[other] - self._t_us[one]) / SECOND_US
        way = self._where.metres(np.array([one]), np.array([other]))[0]
        return bool(way <= self._rules.reach_m(elapsed))
