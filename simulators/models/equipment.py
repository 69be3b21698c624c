"""From a device's line in the scenario to its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simulators import noise
from simulators.almanac import Days
from simulators.models.aircon import AirConditioner, Unit
from simulators.models.building import ElectricMeter, Load
from simulators.models.counter import Counter
from simulators.models.lighting import Circuit, LightingCircuit
from simulators.models.water import Taps, WaterMeter


class Model(Protocol):
    """What a device measures."""

    @property
    def counters(self) -> Mapping[str, Counter]:
        """Counter points, by the name they have in the profile."""

    def values(self, t_us: int) -> dict[str, float]:
        """Return every other point at an instant (µs, UTC), in the unit of the profile."""


@runtime_checkable
class Switched(Protocol):
    """What some devices measure besides: points that change at quarter hours only."""

    def courses(self, days: Days) -> Mapping[str, NDArray[np.float64]]:
        """Return them by (day, quarter hour)."""


def build(kind: str, size: float, city: int, seed: int, since_day: int) -> Model:
    """Build the model of one device.

    Args:
        kind: ``office``, ``school`` or ``hospital`` (electricity), the same with ``-water``,
            ``air-conditioner`` or ``lighting``.
        size: 1 is an ordinary one of its kind; loads grow in proportion.
        city: seed of the weather all devices share.
        seed: seed of this device.
        since_day: local day on which its counters begin.

    Raises:
        ValueError: the kind is not known.
    """
    if kind in ("office", "school", "hospital"):
        load = Load(kind, 6.0 * size, 40.0 * size, 1.6 * size)
        return ElectricMeter(load, city, seed, since_day)
    if kind.endswith("-water"):
        return WaterMeter(_taps(kind.removesuffix("-water"), size, seed), city, seed, since_day)
    if kind == "air-conditioner":
        return AirConditioner(_unit(size, seed), city, seed, since_day)
    if kind == "lighting":
        circuit = Circuit(480.0 * size, 0.3, 0.12 * noise.chance(seed, "forget"))
        return LightingCircuit(circuit, city, seed, since_day)
    raise ValueError(
        f"unknown kind of model {kind!r}: take office, school, hospital, those with -water, "
        "air-conditioner or lighting"
    )


def _taps(kind: str, size: float, seed: int) -> Taps:
    leaking = noise.chance(seed, "leak") < 0.2
    leak = 0.05 + 0.15 * noise.chance(seed, "leak size") if leaking else 0.0
    return Taps(kind, 3.0 * size, leak)


def _unit(size: float, seed: int) -> Unit:
    careful = noise.chance(seed, "careful") < 0.6
    cool = 26.0 if careful else 22.0 + int(noise.chance(seed, "cool") * 8) * 0.5
    heat = 20.0 if careful else 20.0 + int(noise.chance(seed, "heat") * 8) * 0.5
    return Unit(2600.0 * size, cool, heat, 0.1 * noise.chance(seed, "forget"))
