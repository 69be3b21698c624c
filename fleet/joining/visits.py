"""Places that vehicles share whoever mends them: an office stands out from a garage."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from fleet.joining.where import away_mm

_NEAR_MM: Final = 150_000


class Visits:
    """The longer stops of all vehicles at places where each hardly ever is.

    Many vehicles go to the same office in the days about an invoice, by chance; they go there in
    other weeks as well. To a garage they go when it writes an invoice.
    """

    def __init__(self) -> None:
        self._lat: list[float] = []
        self._lon: list[float] = []
        self._told: dict[str, set[int]] = defaultdict(set)

    def add(self, lat: float, lon: float, names: set[str]) -> None:
        """Take a stop, and the garages of which its vehicle has an invoice of those days."""
        for name in names:
            self._told[name].add(len(self._lat))
        self._lat.append(lat)
        self._lon.append(lon)

    def own_pct(self, name: str, lat: float, lon: float) -> int:
        """Return how much of the stops at a place fall in the days of an invoice of a name."""
        far = away_mm(lat, lon, np.array(self._lat), np.array(self._lon))
        here = np.flatnonzero(far <= _NEAR_MM).tolist()
        told = self._told.get(name, set())
        return sum(one in told for one in here) * 100 // len(here) if here else 0
