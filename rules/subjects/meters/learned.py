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

from metering.counter.model import Bools, Int64s
from metering.gauge.hold import Float64s
from rules.subjects.meters.days import LEARNED, Table

SIMILAR: Final = 4.0
"""°C by which days may differ and still be as warm: what is used for cooling and heating moves with
the weather, and a hot spell is no step. Where it is not known, days are alike."""
SIMILAR_NIGHTS: Final = 6.0
"""Likewise for nights: what draws power without cease moves less with the weather than what is used
by day, and in spring and in a hot spell there would be no night to hold another against."""
FEWEST: Final = 4
"""Days of a kind that are the least to learn from: a month has so many weekends."""
IDLE: Final = 0.05
"""Share of what a meter often draws below which a day tells nothing of it."""
_OFTEN: Final = 0.8
"""Share of days alike: what a fifth of them exceed, a meter draws even when it stood still for two
weeks."""
LOWEST: Final = 0.05
"""Share of days that lie further below their usual than a spread tells. What is above the usual may
be what is looked for; what is below it is how days differ from each other."""
_OF_LOWEST: Final = 1 / 1.645
_OF_MIDDLE: Final = 1.4826
"""What makes a standard deviation of those distances, were they normal."""
_MOST_DAYS: Final = 0.7
_BLUR: Final = 3 / 1.04
"""Three standard deviations, by the distance within which seven of ten days lie."""
TICKS_AN_HOUR: Final = 10
"""Fewer of the register's steps in an hour are too coarse to judge an hour by, as for the base load
(metering.plan.base_load)."""
COARSE: Final = 50_000
"""Steps of a register that are finer, in millionths of the unit (50 litres, 0.05 kWh), are fine
enough whatever the flow."""
_MILLION: Final = 1e6
_QUIET_HOURS: Final = 3
NIGHT_HOURS: Final = 5
"""From midnight on, as for the base load: nobody is at work, no timer has started."""


@dataclass(frozen=True, slots=True)
class Usual:
    """Figures beside what is usual for them."""

    now: Table
    usual: Table
    spread: Table


def idle_days(values: Table, group: Int64s) -> Bools:
    """Tell of the 28 days before each day on which a meter drew nothing that otherwise draws.

    It was stuck, or what it counts was off: held against such days all later ones are too much, and
    with them in the spread none is.

    Args:
        values: units by meter and day.
        group: days that are alike.

    Returns:
        Meters × days × 28.
    """
    seen, kinds = _seen(values), _kinds(group)
    idle = np.zeros(seen.shape, np.bool_)
    for kind in (0, 1):
        alike = kinds == kind
        idle |= alike & (seen < IDLE * _Before.of(seen, alike).at(_OFTEN)[:, :, None])
    return idle


def nights(
    hours: Table,
    micro: npt.NDArray[np.int64],
    after: Int64s,
    celsius: Float64s | None = None,
    idle: Bools | None = None,
) -> Usual:
    """Return what flows at night without cease, what is usual of it, and how it spreads.

    The flow of a night is its lowest hour: tanks that fill for an hour or two do not move it, nor
    the mean of its three lowest hours, which it is where the register is too coarse to tell hours
    apart. What the register blurs, half of its step, is the least spread.

    Args:
        hours: units by meter, day and hour of the day; of nights, or of whole days.
        micro: the same in millionths; 0: unknown.
        after: the group of the day before each.
        celsius: of days, where nights are held against those as warm; None: the weather is no
            matter.
        idle: days that are not learned from, see :func:`idle_days`.
    """
    night = hours[:, :, :NIGHT_HOURS]
    lowest, mean = night.min(axis=2), np.sort(night, axis=2)[:, :, :_QUIET_HOURS].mean(axis=2)
    # Of a night with an hour that is not known nobody knows its lowest ones.
    mean = np.where(np.isnan(lowest), np.nan, mean)
    step = _step(micro)
    by_hour = _usual(lowest, after, (celsius, SIMILAR_NIGHTS), idle)
    by_night = _usual(mean, after, (celsius, SIMILAR_NIGHTS), idle)
    # Where hours hold too few steps of the register, nights are compared.
    coarse = (step * _MILLION >= COARSE) & (np.nan_to_num(by_night.usual) < TICKS_AN_HOUR * step)
    blur = np.where(coarse, step / _QUIET_HOURS, step) / 2
    return Usual(
        np.where(coarse, by_night.now, by_hour.now),
        np.where(coarse, by_night.usual, by_hour.usual),
        np.maximum(np.where(coarse, by_night.spread, by_hour.spread), blur),
    )


def _step(micro: npt.NDArray[np.int64]) -> Table:
    """The register's step, units: what divides all that a meter counted, of 29 days each."""
    days = np.gcd.reduce(micro, axis=2)
    step: Table = np.gcd.reduce(sliding_window_view(days, LEARNED + 1, axis=1), axis=2) / _MILLION
    return step


def days(
    values: Table, group: Int64s, celsius: Float64s | None = None, idle: Bools | None = None
) -> Usual:
    """Return use of days, what is usual of it, and how that spreads.

    Args:
        values: units by meter and day.
        group: days that are alike.
        celsius: of days, as for :func:`nights`.
        idle: days that are not learned from, likewise.
    """
    return _usual(values, group, (celsius, SIMILAR), idle)


def often(values: Table, idle: Bools) -> Table:
    """Return what a meter drew on a fifth of the days before on which it drew, of four at least.

    Of whatever kind and weather: a holiday must not make a building small.

    Args:
        values: units by meter and day.
        idle: days that are left out.
    """
    return _Before.ordering(np.where(idle, np.nan, _seen(values))).at(_OFTEN)


def _usual(
    values: Table, group: Int64s, weather: tuple[Float64s | None, float], idle: Bools | None
) -> Usual:
    """Return figures beside the median of days alike, and how far days lie from theirs.

    Half of the days may be odd before the median moves: a leak counts as usual after two weeks.
    The median is that of the days as warm, or of all alike where that is more: those as warm may
    be few, and just those of which a meter told a part. How far days lie from the median of their
    kind is taken from all 28, for of weekends there are too few: the greater of the median distance
    and that of the lowest.
    """
    seen, kinds = _seen(values), _kinds(group)
    if idle is not None:
        seen = np.where(idle, np.nan, seen)
    near = _as_warm(weather[0], len(kinds), weather[1])
    medians = [_median(seen, kinds == kind, near) for kind in (0, 1)]
    own = np.where(kinds == 1, medians[1][:, :, None], medians[0][:, :, None])
    away = np.where((kinds >= 0) & near, seen - own, np.nan)
    below, around = _Before.ordering(away), _Before.ordering(np.abs(away))
    spread = np.maximum(-_OF_LOWEST * below.pick(LOWEST), _OF_MIDDLE * around.pick(0.5))
    return Usual(values[:, LEARNED:], _of_kind(group, medians), spread)


def _median(seen: Table, alike: Bools, near: Bools) -> Table:
    found = _Before.of(seen, alike).at(0.5)
    if near.all():
        return found
    more: Table = np.maximum(found, _Before.of(seen, alike & near).at(0.5))
    return more


def _of_kind(group: Int64s, medians: list[Table]) -> Table:
    mine = group[LEARNED:]
    return np.where(mine == 1, medians[1], np.where(mine == 0, medians[0], np.nan))


def _kinds(group: Int64s) -> Int64s:
    """Groups of the 28 days before each day: days × 28."""
    return sliding_window_view(group, LEARNED)[: len(group) - LEARNED]


def _as_warm(celsius: Float64s | None, days: int, similar: float) -> Bools:
    """Of the 28 days before each day, those that were as warm."""
    if celsius is None:
        return np.ones((days, LEARNED), np.bool_)
    before = sliding_window_view(celsius, LEARNED)[:days]
    near: Bools = ~(np.abs(before - celsius[LEARNED:, None]) > similar)
    return near


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
    return _all_before(values).at(0.5)


def usual_blur(values: Table) -> Table:
    """Return by how much shares may differ from :func:`usual_share` by chance.

    Three of ten days may be odd before they count: what is looked for lasts some days itself.
    """
    before = _seen(values)
    away = np.abs(before - usual_share(values)[:, :, None])
    return _BLUR * _Before.ordering(away).pick(_MOST_DAYS)


def _second(values: Table) -> Table:
    """The second highest of the 28 days before; NaN where fewer than half of them are known."""
    before = _all_before(values)
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


def _all_before(values: Table) -> _Before:
    seen = _seen(values)
    return _Before.of(seen, np.ones(seen.shape[1:], np.bool_))


def _seen(values: Table) -> Table:
    """The 28 days before each day: meters × days × 28."""
    return sliding_window_view(values, LEARNED, axis=1)[:, : values.shape[1] - LEARNED]


@dataclass(frozen=True, slots=True)
class _Before:
    """Some of the 28 days before each day, in the order of their figures.

    Attributes:
        ordered: meters × days × 28; NaN behind the last.
        count: how many are known.
        least: how many must be.
    """

    ordered: Table
    count: npt.NDArray[np.intp]
    least: npt.NDArray[np.intp]

    @classmethod
    def of(cls, seen: Table, chosen: Bools) -> _Before:
        """Take those that are chosen (days × 28): half of them must be known, and at least four."""
        least = np.maximum((chosen.sum(axis=1) + 1) // 2, FEWEST)
        return cls.ordering(np.where(chosen[None], seen, np.nan), least)

    @classmethod
    def ordering(cls, seen: Table, least: npt.NDArray[np.intp] | None = None) -> _Before:
        ordered = np.sort(seen, axis=2)
        count = np.isfinite(ordered).sum(axis=2)
        return cls(ordered, count, np.full(1, FEWEST) if least is None else least)

    def at(self, share: float) -> Table:
        """Return the figure below which a share of them lies; NaN where too few are known."""
        return np.where(self.count >= self.least, self.pick(share), np.nan)

    def pick(self, share: float) -> Table:
        """Return the same however few are known; NaN where none is."""
        at = (np.maximum(self.count - 1, 0) * share).astype(np.intp)
        return np.take_along_axis(self.ordered, at[:, :, None], axis=2)[:, :, 0]
