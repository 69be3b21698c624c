"""Places that vehicles share whoever mends them: what tells an office from a garage."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np

from fleet.joining.where import away_mm

_NEAR_MM: Final = 150_000
_CELL: Final = 0.003
"""Degrees: wider than what is near, as far north as 60°; a cell and those beside hold it."""


class Visits:
    """The longer stops of all vehicles at places where each hardly ever is.

    Many vehicles go to the same office in the days about an invoice, by chance; they go there in
    other weeks as well. To a garage they go when it writes an invoice.
    """

    def __init__(self) -> None:
        self._at: list[tuple[float, float]] = []
        self._in: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._told: dict[str, set[int]] = defaultdict(set)

    def add(self, lat: float, lon: float, names: set[str]) -> None:
        """Take a stop, and the garages of which its vehicle has an invoice of those days."""
        for name in names:
            self._told[name].add(len(self._at))
        self._in[_cell(lat, lon)].append(len(self._at))
        self._at.append((lat, lon))

    def own_pct(self, name: str, lat: float, lon: float) -> int:
        """Return how much of the stops at a place fall in the days of an invoice of a name."""
        north, east = _cell(lat, lon)
        beside = [(north + n, east + e) for n in (-1, 0, 1) for e in (-1, 0, 1)]
        about = [index for cell in beside for index in self._in.get(cell, ())]
        if not about:
            return 0
        lats, lons = np.array([self._at[index] for index in about]).T
        near = away_mm(lat, lon, lats, lons) <= _NEAR_MM
        here = [index for index, there in zip(about, near.tolist(), strict=True) if there]
        told = self._told.get(name, set())
        return sum(one in told for one in here) * 100 // len(here) if here else 0


def _cell(lat: float, lon: float) -> tuple[int, int]:
    return int(lat // _CELL), int(lon // _CELL)
