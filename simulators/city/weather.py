"""How warm and how bright it was: what air conditioners and lamps were used for."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac, noise
from simulators.almanac import QUARTERS
from simulators.city.plan import Plan

AUTO, COOL, DRY, FAN, HEAT = range(5)
"""Modes as the reference profile of an air conditioner numbers them."""

_COOL_ABOVE_C: Final = 25.0
_HEAT_BELOW_C: Final = 16.0
_BY_DAY: Final = slice(36, 72)
_CLOUDS: Final = 0.25


def seasons(plan: Plan, seed: int) -> NDArray[np.int64]:
    """Return for what air conditioners are used on each day: cooling, heating, or neither (fan)."""
    degrees = _mean(plan, seed, _BY_DAY)
    return np.select([degrees > _COOL_ABOVE_C, degrees < _HEAT_BELOW_C], [COOL, HEAT], FAN)


def celsius(plan: Plan, seed: int) -> NDArray[np.float64]:
    """Return the mean outdoor temperature of each day, ℃."""
    return _mean(plan, seed, slice(None))


def _mean(plan: Plan, seed: int, quarters: slice) -> NDArray[np.float64]:
    days = np.arange(plan.first, plan.first + plan.days)
    degrees: NDArray[np.float64] = almanac.outdoor(seed, days)[:, quarters].mean(axis=1)
    for spell in plan.spells:
        degrees = degrees + np.where((days >= spell.first) & (days <= spell.last), spell.degrees, 0)
    return degrees


def natural(plan: Plan, seed: int, room: int, share: float) -> NDArray[np.float64]:
    """Return the natural light at a desk, lx by (day, quarter hour), passing clouds included.

    Args:
        plan: which days.
        seed: of the city.
        room: whose window.
        share: of the light outdoors.
    """
    days = np.arange(plan.first, plan.first + plan.days)
    quarters = days[:, None] * QUARTERS + np.arange(QUARTERS)
    passing = 1.0 - _CLOUDS * noise.uniform(noise.derive(seed, "clouds", room), quarters)
    light: NDArray[np.float64] = almanac.daylight(seed, days) * share * passing
    return light
