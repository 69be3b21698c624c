"""What is normal among others: the median, and the median distance from it. Pure.

Neither is moved by one odd vehicle. Of few others nothing is said, and of not many the distance is
taken wider, for it is often too small by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fleet.track.fixes import Floats

LEAST_OTHERS: Final = 5
"""Of fewer vehicles a median is one vehicle's."""
_SIGMA: Final = 1.4826
"""The median distance from the median, as a standard deviation of what is normal."""
_SIGMAS: Final = 3


@dataclass(frozen=True, slots=True)
class Peers:
    """What other vehicles are.

    Attributes:
        vehicles: how many.
        median: of them.
        fence: median and three standard deviations by the median distance; what is beyond is rare.
    """

    vehicles: int
    median: float
    fence: float


class Group:
    """Values of some vehicles, sorted once: what the others are is asked for each of them."""

    def __init__(self, values: Iterable[float]) -> None:
        self._values = np.sort(np.fromiter(values, np.float64))
        self._apart: dict[float, Floats] = {}

    def without(self, value: float | None, least_sigma: float, least: int) -> Peers | None:
        """Return what the others are; None: they are too few.

        Args:
            value: of the vehicle itself, one of the group's; None: it is not among them.
            least_sigma: a smaller standard deviation is not believed, as a share of the median.
            least: so many others at least.
        """
        count = len(self._values) - (value is not None)
        if count < least:
            return None
        median = _median(self._values, value)
        if median not in self._apart:  # without one or the other: three medians at most
            self._apart[median] = np.sort(np.abs(self._values - median))
        own = None if value is None else abs(value - median)
        spread = _median(self._apart[median], own) * _SIGMA
        sigma = max(spread * (1 + 2 / count), least_sigma * median)
        return Peers(count, median, median + _SIGMAS * sigma)


class Groups:
    """Values of vehicles by their group."""

    def __init__(self, values: Iterable[tuple[str, float | None]]) -> None:
        """Take (group, value); None: not known."""
        found: dict[str, list[float]] = defaultdict(list)
        for group, value in values:
            if value is not None:
                found[group].append(value)
        self._groups = {group: Group(its) for group, its in found.items()}

    def others(
        self, group: str, value: float | None, least_sigma: float, least: int = LEAST_OTHERS
    ) -> Peers | None:
        """Return what the others of a group are; see :meth:`Group.without`."""
        its = self._groups.get(group)
        return None if its is None else its.without(value, least_sigma, least)


def others(
    values: Sequence[tuple[str, float | None]], least_sigma: float, least: int = LEAST_OTHERS
) -> list[Peers | None]:
    """Return for each what the others of its group are; None: they are too few.

    Args:
        values: (group, value); None: not known.
        least_sigma: a smaller standard deviation is not believed, as a share of the median.
        least: so many others at least.
    """
    groups = Groups(values)
    return [groups.others(group, value, least_sigma, least) for group, value in values]


def _median(ordered: Floats, left_out: float | None) -> float:
    """Return the median of values, ascending, but for one of them."""
    count, gone = len(ordered), len(ordered)
    if left_out is not None:
        count, gone = count - 1, int(np.searchsorted(ordered, left_out))
    low, high = ((count - 1) // 2, count // 2)
    first, last = (float(ordered[at + (at >= gone)]) for at in (low, high))
    return (first + last) / 2
