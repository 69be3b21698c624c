"""A counter that can be read at any instant and always gives the same integer.

A model says how much is used in each quarter hour of a day, as integers of a small base unit
(mWh, mL). The counter is the sum of whole quarters plus the part of the running one, whose rate
rises or falls linearly. Sums of integers do not depend on the steps they were reached by: a
history in quarter hours and a meter read every second join without a seam.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import DAY_US, QUARTER_US, QUARTERS, ZONE_US, Days

Quanta = Callable[[Days], NDArray[np.int64]]
"""Local days → base units used in each quarter hour, by (day, quarter hour); never negative."""

BASE_PER_UNIT: Final = {"kWh": 1_000_000, "Wh": 1_000, "m³": 1_000_000, "L": 1_000}
"""Base units (mWh, mL) in one unit of a profile's counter."""

_GROW_DAYS: Final = 64
_CACHED_DAYS: Final = 8


class Counter:
    """The integral of a model's quanta since a day.

    Args:
        quanta: the model.
        since_day: local day on which it starts to count; before, it stands still.
        start: what it shows then, in base units.
        seed: chooses the ramps inside quarter hours.
        ramp_percent: how far the rate may lean inside one quarter hour, 0..100; 0 for loads that
            are switched, so that the rate is the power of the quarter hour.
    """

    def __init__(
        self, quanta: Quanta, since_day: int, start: int, seed: int, ramp_percent: int = 0
    ) -> None:
        self._quanta = quanta
        self._since = since_day
        self._start = start
        self._seed = noise.derive(seed, "ramp")
        self._ramp = ramp_percent
        self._totals: list[int] = [start]
        self._days: dict[int, tuple[list[int], list[int]]] = {}

    def at(self, t_us: int) -> int:
        """Return the counter in base units at an instant."""
        day, quarter, into = _place(t_us)
        if day < self._since:
            return self._start
        upto, used = self._day(day)
        lean = self._lean(day * QUARTERS + quarter)
        part = used[quarter] * into * (100 * QUARTER_US + lean * (QUARTER_US - into))
        return upto[quarter] + part // (100 * QUARTER_US * QUARTER_US)

    def rate(self, t_us: int) -> float:
        """Return the rate in base units an hour at an instant."""
        day, quarter, into = _place(t_us)
        if day < self._since:
            return 0.0
        _, used = self._day(day)
        lean = self._lean(day * QUARTERS + quarter)
        return used[quarter] * 4.0 * (1.0 + lean / 100.0 * (1.0 - 2.0 * into / QUARTER_US))

    def at_quarters(self, first_day: int, days: int) -> NDArray[np.int64]:
        """Return the counter at the start of every quarter hour of ``days`` local days."""
        grid = np.arange(first_day, first_day + days, dtype=np.int64)
        used = self._quanta(grid).reshape(-1)
        used[: max(0, self._since - first_day) * QUARTERS] = 0
        before = self._before(first_day) if first_day > self._since else self._start
        return before + np.concatenate((np.zeros(1, np.int64), np.cumsum(used)[:-1]))

    def _lean(self, quarter: int) -> int:
        return int(noise.flutter(self._seed, quarter) * self._ramp) if self._ramp else 0

    def _day(self, day: int) -> tuple[list[int], list[int]]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= _CACHED_DAYS:
                self._days.clear()
            used = self._quanta(np.array([day], dtype=np.int64))[0]
            upto = self._before(day) + np.concatenate((np.zeros(1, np.int64), np.cumsum(used)))
            found = self._days[day] = upto.tolist(), used.tolist()
        return found

    def _before(self, day: int) -> int:
        wanted = day - self._since
        while len(self._totals) <= wanted:
            first = self._since + len(self._totals) - 1
            grid = np.arange(first, first + _GROW_DAYS, dtype=np.int64)
            sums = self._quanta(grid).sum(axis=1)
            self._totals.extend((self._totals[-1] + np.cumsum(sums)).tolist())
        return self._totals[wanted]


def _place(t_us: int) -> tuple[int, int, int]:
    """Local day, quarter hour of the day, and µs into the quarter hour."""
    day = almanac.day_of(t_us)
    quarter, into = divmod((t_us + ZONE_US) % DAY_US, QUARTER_US)
    return day, quarter, into
