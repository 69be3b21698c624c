"""What is usual, learned from the days before. Pure: the same figures give the same, whenever.

All tables are meters × days; the first 28 days are only learned from, and the results begin behind
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from metering.counter.model import Int64s
from metering.gauge.hold import Float64s
from rules.subjects.meters.days import LEARNED, Table

SIMILAR: Final = 4.0
"""°C by which days may differ and still be as warm: what is used for cooling and heating moves with
the weather, and a hot spell is no step. Where it is not known, days are alike."""
FEWEST: Final = 4
"""Days of a kind that are the least to learn from: a month has so many weekends."""
LOW: Final = 0.2
"""Share of nights below what is usual of nights. The usual of what runs all night is its minimum:
low enough that a leak must run for three weeks of nights before it passes for usual, high enough
that a night on which the water was shut off does not make it."""
LOWEST: Final = 0.05
"""Share of nights below the reach of what is usual: their distance to :data:`LOW` is how far nights
differ from each other, and above it lies nothing that a leak could move."""
TICKS_AN_HOUR: Final = 10
"""Fewer of the register's steps in an hour are too coarse to judge an hour by, as for the base load
(metering.plan.base_load)."""
COARSE: Final = 50_000
"""Steps of a register that are finer, in millionths of the unit (50 litres, 0.05 kWh), are fine
enough whatever the flow."""
NIGHT_HOURS: Final = 5
"""From midnight on, as for the base load: nobody is at work, no timer has started."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Figures beside what is usual for them."""

    now: Table
    usual: Table
    spread: Table


def nights(
    hours: Table, micro: npt.NDArray[np.int64], after: Int64s, celsius: Float64s | None = None
) -> Usual:
    """Return what flows at night without cease, the learned minimum of it, and how it spreads.

    The flow of a night is its lowest hour: tanks that fill for an hour or two do not move it. Where
    the register is too coarse to tell hours apart it is the mean of the night.

    Args:
        hours: units by meter, day and hour of the day; of nights, or of whole days.
        micro: the same in millionths; 0: unknown.
        after: the group of the day before each.
        celsius: of days, where nights are held against those as warm; None: the weather is no
            matter.
    """
    night = hours[:, :, :NIGHT_HOURS]
    lowest, mean = night.min(axis=2), night.mean(axis=2)
    coarse = _too_coarse(mean, micro, after)
    by_hour, by_night = _low(lowest, after, celsius), _low(mean, after, celsius)
    return Usual(
        np.where(coarse, by_night.now, by_hour.now),
        np.where(coarse, by_night.usual, by_hour.usual),
        np.where(coarse, by_night.spread, by_hour.spread),
    )


def _low(values: Table, group: Int64s, celsius: Float64s | None) -> Usual:
    before = _Before.of(values, group, celsius)
    usual = before.at(LOW)
    return Usual(values[:, LEARNED:], usual, usual - before.at(LOWEST))


def _too_coarse(mean: Table, micro: npt.NDArray[np.int64], after: Int64s) -> npt.NDArray[np.bool_]:
    """Tell where hours hold too few steps of the register; a step is what divides all of them."""
    steps = np.gcd.reduce(micro, axis=2)
    step = np.gcd.reduce(sliding_window_view(steps, LEARNED + 1, axis=1), axis=2)
    usual = np.nan_to_num(_Before.of(mean, after).at(0.5))
    found: npt.NDArray[np.bool_] = (step >= COARSE) & (usual * 1e6 < TICKS_AN_HOUR * step)
    return found


def days(values: Table, group: Int64s, celsius: Float64s | None = None) -> Usual:
    """Return use of days, the median of days of their kind, and how those spread.

    The spread is the median distance from the median, scaled to a standard deviation: neither moves
    by a few odd days.

    Args:
        values: units by meter and day.
        group: days that are alike.
        celsius: of days, as for :func:`nights`.
    """
    before = _Before.of(values, group, celsius)
    usual = before.at(0.5)
    # Distances from one median: of the days before a day, that of this day.
    distances = np.sort(np.abs(before.ordered - usual[:, :, None]), axis=2)
    spread = 1.4826 * _pick(distances, before.count, 0.5)
    return Usual(values[:, LEARNED:], usual, spread)


def hours(values: Table) -> Usual:
    """Return flows of hours, the most that is usual near this hour, and at any hour, as spread.

    The most is the second highest of the days before: one odd day does not make it. Near an hour
    are those before and behind it: people do not come to the minute.

    Args:
        values: units by meter, day and hour of the day.
    """
    flat = values.reshape(len(values), -1)
    near = np.fmax(flat, np.fmax(_shifted(flat, 1), _shifted(flat, -1))).reshape(values.shape)
    usual = np.stack([_second(near[:, :, hour]) for hour in range(values.shape[2])], axis=2)
    busiest = np.fmax.reduce(values, axis=2)
    most = np.broadcast_to(_second(busiest)[:, :, None], usual.shape)
    return Usual(values[:, LEARNED:], usual, most)


def usual_share(values: Table) -> Table:
    """Return the median of the days before, of whatever kind.

    Args:
        values: shares by meter and day.
    """
    return _Before.of(values, np.zeros(values.shape[1], np.int64)).at(0.5)


def _second(values: Table) -> Table:
    """The second highest of the 28 days before; NaN where fewer than half of them are known."""
    before = _Before.of(values, np.zeros(values.shape[1], np.int64))
    at = np.maximum(before.count - 2, 0)
    found = np.take_along_axis(before.ordered, at[:, :, None], axis=2)[:, :, 0]
    return np.where(before.count >= before.least, found, np.nan)


def _shifted(flat: Table, by: int) -> Table:
    found = np.full_like(flat, np.nan)
    if by > 0:
        found[:, by:] = flat[:, :-by]
    else:
        found[:, :by] = flat[:, -by:]
    return found


@dataclass(frozen=True, slots=True)
class _Before:
    """The 28 days before each day, those that are like it, in the order of their figures.

    Attributes:
        ordered: meters × days × 28; NaN behind the last.
        count: how many are known.
        least: how many must be.
    """

    ordered: Table
    count: npt.NDArray[np.intp]
    least: npt.NDArray[np.intp]

    @classmethod
    def of(cls, values: Table, group: Int64s, celsius: Float64s | None = None) -> _Before:
        days = values.shape[1] - LEARNED
        alike = sliding_window_view(group, LEARNED)[:days] == group[LEARNED:, None]
        alike &= (group[LEARNED:] >= 0)[:, None]
        if celsius is not None:
            warmth = sliding_window_view(celsius, LEARNED)[:days]
            alike &= ~(np.abs(warmth - celsius[LEARNED:, None]) > SIMILAR)
        seen = sliding_window_view(values, LEARNED, axis=1)[:, :days]
        ordered = np.sort(np.where(alike[None], seen, np.nan), axis=2)
        least = np.maximum((alike.sum(axis=1) + 1) // 2, FEWEST)
        return cls(ordered, np.isfinite(ordered).sum(axis=2), least)

    def at(self, share: float) -> Table:
        """Return the figure below which a share of them lies; NaN where too few are known."""
        return np.where(self.count >= self.least, _pick(self.ordered, self.count, share), np.nan)


def _pick(ordered: Table, count: npt.NDArray[np.intp], share: float) -> Table:
    at = (np.maximum(count - 1, 0) * share).astype(np.intp)
    return np.take_along_axis(ordered, at[:, :, None], axis=2)[:, :, 0]
