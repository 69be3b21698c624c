"""What is normal among others: the median, and the median distance from it. Pure.

Neither is moved by one odd vehicle. Of few others nothing is said, and of not many the distance is
taken wider, for it is often too small by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

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


def others(
    values: Sequence[tuple[str, float | None]], least_sigma: float, least: int = LEAST_OTHERS
) -> list[Peers | None]:
    """Return for each what the others of its group are; None: they are too few.

    Args:
        values: (group, value); None: not known.
        least_sigma: a smaller standard deviation is not believed, as a share of the median.
        least: so many others at least.
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for group, value in values:
        if value is not None:
            groups[group].append(value)
    return [_peers(_without(groups[group], value), least_sigma, least) for group, value in values]


def _without(group: Sequence[float], value: float | None) -> list[float]:
    found = list(group)
    if value is not None:
        found.remove(value)
    return found


def _peers(values: Sequence[float], least_sigma: float, least: int) -> Peers | None:
    if len(values) < least:
        return None
    median = float(np.median(values))
    spread = float(np.median(np.abs(np.asarray(values) - median))) * _SIGMA
    sigma = max(spread * (1 + 2 / len(values)), least_sigma * median)
    return Peers(len(values), median, median + _SIGMAS * sigma)
