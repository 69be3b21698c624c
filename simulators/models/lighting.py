"""A lighting circuit: who is in, how light it is, and who forgot to switch off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import QUARTER_US, QUARTERS, ZONE_US, Days
from simulators.models.building import SHAPES
from simulators.models.counter import Counter

_DAYLIGHT_FACTOR: Final = 0.015
_LAMPS_LX: Final = 380.0
_BRIGHT_ENOUGH_LX: Final = 300.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """One circuit.

    Attributes:
        rated_w: its power when on.
        careless: share of occupied, bright quarter hours with the lamps on all the same.
        forget: chance that it stays on through the night after a worked day.
    """

    rated_w: float
    careless: float
    forget: float


@dataclass(frozen=True, slots=True)
class Course:
    """What a circuit did, by (day, quarter hour)."""

    occupied: NDArray[np.bool_]
    on: NDArray[np.bool_]
    lux: NDArray[np.float64]


def follow(circuit: Circuit, city: int, seed: int, days: Days) -> Course:
    """Compute the course of whole local days."""
    quarters = days[:, None] * QUARTERS + np.arange(QUARTERS)
    worked = almanac.workdays(days)
    present = noise.uniform(seed, quarters) < almanac.by_hour(SHAPES["office"])
    occupied = worked[:, None] & present
    light = almanac.daylight(city, days) * _DAYLIGHT_FACTOR
    careless = noise.uniform(seed + 1, quarters) < circuit.careless
    wanted = occupied & ((light < _BRIGHT_ENOUGH_LX) | careless)
    of_day = np.arange(QUARTERS)
    evening = _forgotten(circuit, seed, days)[:, None] & (of_day >= 72)
    morning = _forgotten(circuit, seed, days - 1)[:, None] & (of_day < 32)
    on: NDArray[np.bool_] = wanted | evening | morning
    return Course(occupied, on, light + np.where(on, _LAMPS_LX, 0.0))


class LightingCircuit:
    """The points of one circuit."""

    def __init__(self, circuit: Circuit, city: int, seed: int, since_day: int) -> None:
        self._circuit, self._city = circuit, city
        self._seed = noise.derive(seed, "people")
        start = noise.derive(seed, "start") % 900 * 1_000_000
        self._energy = Counter(self._quanta, since_day, start, seed)
        self.counters = {"energy": self._energy}
        self._kept: tuple[int, Course] | None = None

    def values(self, t_us: int) -> dict[str, float]:
        """Return states, illuminance in lx and power in W."""
        day = almanac.day_of(t_us)
        if self._kept is None or self._kept[0] != day:
            grid = np.array([day], dtype=np.int64)
            self._kept = day, follow(self._circuit, self._city, self._seed, grid)
        course = self._kept[1]
        quarter = (t_us + ZONE_US) % almanac.DAY_US // QUARTER_US
        return {
            "relay": float(course.on[0, quarter]),
            "occupancy": float(course.occupied[0, quarter]),
            "lux": float(course.lux[0, quarter]),
            "power": self._energy.rate(t_us) / 1e3,
        }

    def courses(self, days: Days) -> dict[str, NDArray[np.float64]]:
        """Return the points that change at quarter hours only: by (day, quarter hour)."""
        course = follow(self._circuit, self._city, self._seed, days)
        return {
            "relay": course.on.astype(float),
            "occupancy": course.occupied.astype(float),
            "lux": course.lux,
        }

    def _quanta(self, days: Days) -> NDArray[np.int64]:
        course = follow(self._circuit, self._city, self._seed, days)
        return np.where(course.on, round(self._circuit.rated_w * 250), 0).astype(np.int64)


def _forgotten(circuit: Circuit, seed: int, days: Days) -> NDArray[np.bool_]:
    return almanac.workdays(days) & (noise.uniform(seed + 2, days) < circuit.forget)
