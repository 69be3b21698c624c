"""Places that vehicles share whoever mends them: what tells an office from a garage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from fleet.joining.where import away_mm
from fleet.track.fixes import Floats, Int64s

_NEAR_MM: Final = 150_000
_CELL: Final = 0.003
"""Degrees: wider than what is near, as far north as 60°; a cell and those beside hold it."""


class Visits:
    """The longer stops of all vehicles at places where each hardly ever is.

    Many vehicles go to the same office in the days about an invoice, by chance; they go there in
    other weeks as well. To a garage they go when it writes an invoice.
    """

    def __init__(self) -> None:
        self._added: list[tuple[Floats, Floats]] = []
        self._count = 0
        self._told: dict[str, set[int]] = defaultdict(set)
        self._ordered: _Ordered | None = None

    def add(self, lat: Floats, lon: Floats, names: Sequence[set[str] | None]) -> None:
        """Take stops, and the garages of which their vehicle has an invoice of those days."""
        for index, its in enumerate(names):
            for name in its or ():
                self._told[name].add(self._count + index)
        self._added.append((lat, lon))
        self._count += len(lat)
        self._ordered = None

    def own_pct(self, name: str, lat: float, lon: float) -> int:
        """Return how much of the stops at a place fall in the days of an invoice of a name."""
        if self._ordered is None:
            self._ordered = _Ordered(self._added)
        here = self._ordered.near(lat, lon)
        told = self._told.get(name, set())
        return sum(one in told for one in here) * 100 // len(here) if here else 0


class _Ordered:
    """Places by cell, so that those about one are found."""

    def __init__(self, added: Sequence[tuple[Floats, Floats]]) -> None:
        lats = np.concatenate([np.empty(0), *(lat for lat, _ in added)])
        lons = np.concatenate([np.empty(0), *(lon for _, lon in added)])
        cells = _cells(lats, lons)
        self._index = index = np.argsort(cells, kind="stable")
        self._cells: Int64s = cells[index]
        self._lat: Floats = lats[index]
        self._lon: Floats = lons[index]

    def near(self, lat: float, lon: float) -> list[int]:
        """Return which of the places, as they were added, are near to another."""
        (middle,) = _cells(np.array([lat]), np.array([lon])).tolist()
        found: list[int] = []
        for north in (-1, 0, 1):
            beside = middle + north * _ROW
            begin, end = np.searchsorted(self._cells, [beside - 1, beside + 2])
            away = away_mm(lat, lon, self._lat[begin:end], self._lon[begin:end])
            found += self._index[begin:end][away <= _NEAR_MM].tolist()
        return found


_ROW: Final = 10_000_000


def _cells(lat: Floats, lon: Floats) -> Int64s:
    found: Int64s = (lat // _CELL).astype(np.int64) * _ROW + (lon // _CELL).astype(np.int64)
    return found
