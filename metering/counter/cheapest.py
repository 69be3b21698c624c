"""The search itself: dynamic programming over a stretch in which something is doubtful.

A step costs nothing or N, so what is left out between two accepted readings has no bound: noise may
last as long as it likes. The search is therefore over all successors of a reading, nearest first,
and stops where no later one can be cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.counter.model import Int64s, Policy, Readings, Register
from metering.counter.steps import doubt, gains

_AT_FIRST: Final = 8
_NEVER: Final = 2**62


@dataclass(frozen=True, slots=True)
class Stretch:
    """Readings to choose from.

    Attributes:
        readings: by time.
        weights: what leaving each of them out costs.
        begins: the first one counts in any case; else it is the first of all.
        ends: the last one counts in any case.
    """

    readings: Readings
    weights: Int64s
    begins: bool
    ends: bool


def cheapest(stretch: Stretch, register: Register, policy: Policy) -> Int64s:
    """Return the indexes of the readings that count; at least one.

    Costs and the number of accepted readings are one number, the count in its low bits: the least
    is the cheapest, then the one with fewest readings. Working from the end, the nearest of equal
    successors gives the path whose first difference is the earlier reading.
    """
    search = _Search(stretch, register, policy)
    follower = search.followers()
    index = 0 if stretch.begins else search.opening()
    kept = []
    while index < len(stretch.readings):
        kept.append(index)
        index = int(follower[index])
    return np.array(kept, np.int64)


class _Search:
    """Costs of the best way on from each reading of a stretch."""

    def __init__(self, stretch: Stretch, register: Register, policy: Policy) -> None:
        part = stretch.readings
        count = len(part)
        bits = count.bit_length()
        self._part = part
        self._register = register
        self._count = count
        self._ends = stretch.ends
        self._believe = doubt(policy) << bits
        # No best way on costs more than leaving everything out and one doubt.
        if int(stretch.weights.sum()) + 2 * doubt(policy) >= _NEVER >> bits:
            raise ValueError(
                f"{count} readings in a row are doubtful: too many to judge; if another device "
                "answers at this address, say so in the registry, or confirm sooner"
            )
        self._left_out: Int64s = np.concatenate(([0], np.cumsum(stretch.weights << bits)))
        # The cost of all from reading j on, with all before j left out.
        self._over: Int64s = np.zeros(count, np.int64)
        # The least of these from j on, and where: as (cost, reading), with a guard.
        self._least = [(_NEVER, count)] * (count + 1)
        self._highest: Int64s = np.maximum.accumulate(part.ticks[::-1])[::-1]

    def followers(self) -> Int64s:
        """Return for each reading its successor on the best way on; the count: none."""
        follower: Int64s = np.empty(self._count, np.int64)
        for index in range(self._count - 1, -1, -1):
            best, follower[index] = self._best(index)
            over = best + 1 + int(self._left_out[index] - self._left_out[index + 1])
            self._over[index] = over
            self._least[index] = min((over, index), self._least[index + 1])
        return follower

    def opening(self) -> int:
        """Return the first reading of the best path."""
        return self._least[0][1]

    def _best(self, index: int) -> tuple[int, int]:
        none_further = int(self._left_out[-1]), self._count
        if index == self._count - 1:
            return none_further
        cost, at = self._least[index + 1]
        best = cost + self._believe, at
        if not self._ends:
            best = min(best, none_further)
        if not self._may_follow(index):
            return best
        start, size = index + 1, _AT_FIRST
        while start < self._count and best > self._least[start]:
            best = min(best, self._nearest(index, start, start + size))
            start, size = start + size, 2 * size
        return best

    def _may_follow(self, index: int) -> bool:
        """Tell whether any later reading can follow at no cost: of a backward run none can."""
        registers = [self._register, *(one for _, one in self._register.earlier)]
        if any(one.reversible or one.capacity is not None for one in registers):
            return True
        return bool(self._highest[index + 1] >= self._part.ticks[index])

    def _nearest(self, index: int, start: int, stop: int) -> tuple[int, int]:
        """Return the best successor at no cost among the readings ``start`` to ``stop - 1``."""
        near, one = self._part.part(start, stop), self._part.part(index, index + 1)
        _, free = gains(one.ticks, near.ticks, one.ts, near.ts, self._register)
        ways = np.where(free, self._over[start:stop], _NEVER)
        nearest = int(np.argmin(ways))
        return int(ways[nearest]), start + nearest
