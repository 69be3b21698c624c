"""Electricity of a building: base load, working hours, lunch dip, weather, noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import QUARTERS, Days
from simulators.models.counter import Counter

_OFFICE: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.25, 0.75, 0.95, 1.0, 1.0),
    *(0.6, 0.65, 0.95, 1.0, 0.97, 0.85, 0.4, 0.2, 0.12, 0.06, 0.02, 0.0),
)
_SCHOOL: Final = (
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 0.3, 0.7, 0.9, 1.0, 1.0, 0.95),
    *(0.8, 0.7, 0.9, 0.95, 0.85, 0.6, 0.55, 0.7, 0.65, 0.3, 0.05, 0.0),
)
_HOSPITAL: Final = (
    *(0.35, 0.32, 0.3, 0.3, 0.32, 0.4, 0.5, 0.7, 0.95, 1.0, 1.0, 0.95),
    *(0.85, 0.85, 0.95, 0.95, 0.9, 0.75, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4),
)
SHAPES: Final = {"office": _OFFICE, "school": _SCHOOL, "hospital": _HOSPITAL}
"""Share of the working load by hour of a worked day."""
IDLE_SHARE: Final = {"office": 0.06, "school": 0.04, "hospital": 0.7}
"""Share of the working load that stays on days off."""


@dataclass(frozen=True, slots=True)
class Load:
    """A building's load.

    Attributes:
        kind: one of :data:`SHAPES`.
        base_kw: what never goes off: servers, pumps, stand-by.
        working_kw: what people add at the busiest hour.
        weather_kw: what one degree beyond 12…24 ℃ adds while people are in.
    """

    kind: str
    base_kw: float
    working_kw: float
    weather_kw: float

    def quanta(self, city: int, seed: int, days: Days) -> NDArray[np.int64]:
        """Return the energy of each quarter hour in mWh."""
        used = self._in_use(days)
        degrees = almanac.outdoor(city, days)
        beyond = np.maximum(degrees - 24.0, 0.0) + np.maximum(12.0 - degrees, 0.0)
        quarters = days[:, None] * QUARTERS + np.arange(QUARTERS)
        wobble = 0.92 + 0.16 * noise.uniform(seed, quarters)
        power_kw = (self.base_kw + used * (self.working_kw + beyond * self.weather_kw)) * wobble
        return np.rint(power_kw * 250_000.0).astype(np.int64)

    def _in_use(self, days: Days) -> NDArray[np.float64]:
        shape = almanac.by_hour(SHAPES[self.kind])
        share = np.where(almanac.workdays(days), 1.0, IDLE_SHARE[self.kind])
        return share[:, None] * shape


class ElectricMeter:
    """A three-phase meter on a building's load; CT and PT ratios are 1."""

    def __init__(self, load: Load, city: int, seed: int, since_day: int) -> None:
        own = noise.derive(seed, "load")
        start = noise.derive(seed, "start") % 400_000 * 1_000_000
        self._seed = seed
        imported = Counter(lambda days: load.quanta(city, own, days), since_day, start, seed, 30)
        exported = Counter(_nothing, since_day, 0, seed)
        self._import = imported
        self.counters = {
            "energy_total": imported,
            "energy_import": imported,
            "energy_export": exported,
        }
        shares = [1.0 + 0.25 * noise.chance(seed, "phase", n) for n in range(3)]
        self._shares = [share / sum(shares) for share in shares]

    def values(self, t_us: int) -> dict[str, float]:
        """Return the gauges in kW, kvar, kVA, V, A, Hz."""
        second = t_us // 1_000_000
        total = self._import.rate(t_us) / 1e6
        seed = self._seed
        found = {"frequency": 50.0 + 0.03 * noise.flutter(seed, second), "power_total": total}
        reactive = apparent = 0.0
        for n, phase in enumerate("abc"):
            volts = 228.0 + 4.0 * noise.flutter(seed + n + 1, second)
            factor = 0.93 + 0.03 * noise.flutter(seed + n + 4, second // 10)
            power = total * self._shares[n]
            both = power / factor
            found["voltage_" + phase] = volts
            found["current_" + phase] = both * 1000.0 / volts
            found["power_" + phase] = power
            found["pf_" + phase] = factor
            apparent += both
            reactive += (both * both - power * power) ** 0.5
        found["reactive_total"] = reactive
        found["apparent_total"] = apparent
        found["pf_total"] = total / apparent if apparent else 1.0
        return found


def _nothing(days: Days) -> NDArray[np.int64]:
    return np.zeros((len(days), QUARTERS), np.int64)
