"""Water of a building: use by hours, and on some meters a leak that runs day and night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import QUARTERS, Days
from simulators.models.building import IDLE_SHARE, SHAPES
from simulators.models.counter import Counter

_PIPE_M2: Final = 0.00785  # DN 100


@dataclass(frozen=True, slots=True)
class Taps:
    """A building's use of water.

    Attributes:
        kind: one of ``building.SHAPES``.
        peak_m3h: flow of the busiest hour in m³/h.
        leak_m3h: flow of the leak in m³/h; 0 when tight.
        leak_since_day: local day on which it opened.
    """

    kind: str
    peak_m3h: float
    leak_m3h: float = 0.0
    leak_since_day: int = 0

    def quanta(self, seed: int, days: Days) -> NDArray[np.int64]:
        """Return the volume of each quarter hour in mL."""
        shape = almanac.by_hour(SHAPES[self.kind])
        share = np.where(almanac.workdays(days), 1.0, IDLE_SHARE[self.kind])
        quarters = days[:, None] * QUARTERS + np.arange(QUARTERS)
        wobble = 0.5 + noise.uniform(seed, quarters)
        leak = np.where(days >= self.leak_since_day, self.leak_m3h, 0.0)
        flow = self.peak_m3h * share[:, None] * shape * wobble + leak[:, None]
        return np.rint(flow * 250_000.0).astype(np.int64)


class WaterMeter:
    """An ultrasonic meter on a building's main."""

    def __init__(self, taps: Taps, city: int, seed: int, since_day: int) -> None:
        own = noise.derive(seed, "taps")
        start = noise.derive(seed, "start") % 20_000 * 1_000_000
        self._seed = seed
        self._city = city
        self._forward = Counter(lambda days: taps.quanta(own, days), since_day, start, seed, 60)
        self.counters = {
            "volume_total": self._forward,
            "volume_reverse": Counter(_nothing, since_day, 0, seed),
        }

    def values(self, t_us: int) -> dict[str, float]:
        """Return flow in m³/h, velocity in m/s, temperatures in ℃."""
        flow = self._forward.rate(t_us) / 1e6
        water = 16.0 + 2.0 * noise.flutter(self._seed, t_us // almanac.DAY_US)
        return {
            "flow": flow,
            "velocity": flow / 3600.0 / _PIPE_M2,
            "temperature_supply": water,
            "temperature_return": water - 0.2,
        }


def _nothing(days: Days) -> NDArray[np.int64]:
    return np.zeros((len(days), QUARTERS), np.int64)
