"""Demand (需量): the mean active power of a quarter hour, and the greatest of a day or month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from metering.counter.model import GRAIN_US, Int64s
from metering.gauge.gauge import GaugeQuarters, firsts
from metering.gauge.hold import Float64s
from metering.gauge.windows import micros
from storage.times import midnight


@dataclass(frozen=True, slots=True)
class Demands:
    """Demand of one load by quarter hour, ascending, each quarter once; unknown ones are absent.

    Attributes:
        slot: begin of the quarter, µs UTC.
        value: time-weighted mean of the power, in its unit.
        covered_s: seconds of the quarter that are known, 1 to 900.
    """

    slot: Int64s
    value: Float64s
    covered_s: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.slot)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Neighbouring quarters that are no demand: too little of them is known.

    Attributes:
        since: begin of the first, µs UTC.
        until: end of the last, µs UTC.
        covered_s: what is known of them all the same.
    """

    since: int
    until: int
    covered_s: int


@dataclass(frozen=True, slots=True)
class MaximumDemand:
    """The greatest demand of a time.

    Attributes:
        value: in the unit of the power; None: no quarter counts.
        slot: begin of its quarter, µs UTC; of equal ones the first.
        counted: quarters that count.
        left_out: the others. The greatest demand may lie there.
    """

    value: float | None
    slot: int | None
    counted: int
    left_out: tuple[LeftOut, ...]


def demand(parts: GaugeQuarters, factor: float = 1.0) -> Demands:
    """Return the demand of a load from the quarters of its power.

    Args:
        parts: of one or several subjects that followed one another as the same load's meter: in a
            quarter in which the meter was replaced, both parts count by their time.
        factor: CT × PT, above 0.

    Raises:
        ValueError: the factor is not above 0.
    """
    if not factor > 0:
        raise ValueError(f"a ratio must be above 0, not {factor}")
    order = np.lexsort((parts.subject, parts.slot))
    slot, mean, covered = parts.slot[order], parts.mean[order], parts.covered_s[order]
    first = firsts(slot)
    if not len(first):
        return Demands(slot, mean, covered)
    weight = covered.astype(np.float64)
    total = np.add.reduceat(weight, first)
    low, high = np.minimum.reduceat(mean, first), np.maximum.reduceat(mean, first)
    value = np.clip(np.add.reduceat(mean * weight, first) / total, low, high)
    return Demands(slot[first], value * factor, np.minimum(total, 900).astype(np.int16))


def maximum_demand(demands: Demands, begin: int, end: int, least_s: int) -> MaximumDemand:
    """Return the greatest demand of a day, a month or any other time.

    Args:
        demands: of one load; those outside the time do not matter.
        begin: begin of a quarter, µs UTC.
        end: begin of a quarter, µs UTC; not included.
        least_s: a quarter of which fewer seconds are known does not count.

    Raises:
        ValueError: the time does not begin and end on quarter hours, or ends before it begins.
    """
    if begin % GRAIN_US or end % GRAIN_US or end < begin:
        raise ValueError("a demand is asked for whole quarter hours: begin and end on them")
    inside = (demands.slot >= begin) & (demands.slot < end)
    covered = np.zeros((end - begin) // GRAIN_US, np.int64)
    covered[(demands.slot[inside] - begin) // GRAIN_US] = demands.covered_s[inside]
    counts = inside & (demands.covered_s >= least_s)
    left_out = _left_out(covered, begin, least_s)
    values = demands.value[counts]
    if not len(values):
        return MaximumDemand(None, None, 0, left_out)
    at = int(np.argmax(values))
    return MaximumDemand(float(values[at]), int(demands.slot[counts][at]), len(values), left_out)


def maximum_demands(demands: Demands, bounds: Sequence[int], least_s: int) -> list[MaximumDemand]:
    """Return the greatest demand of each of several days or months that follow one another.

    Args:
        demands: of one load.
        bounds: where they begin, and the end of the last, µs UTC; see :func:`bounds`.
        least_s: as for :func:`maximum_demand`.
    """
    return [maximum_demand(demands, begin, end, least_s) for begin, end in pairwise(bounds)]


def bounds(first: date, last: date, grain: Literal["day", "month"], zone: ZoneInfo) -> list[int]:
    """Return where the days or months of a site's zone begin, and where the last one ends, µs UTC.

    Args:
        first: a day of the first one.
        last: a day of the last one, not before ``first``.
        grain: days or calendar months.
        zone: of the site.

    Raises:
        ValueError: it ends before it begins.
    """
    if last < first:
        raise ValueError(f"the last day {last} is before the first {first}")
    day = first if grain == "day" else first.replace(day=1)
    found = [micros(midnight(day, zone))]
    while day <= last:
        day += timedelta(days=1 if grain == "day" else monthrange(day.year, day.month)[1])
        found.append(micros(midnight(day, zone)))
    return found


def _left_out(covered: Int64s, begin: int, least_s: int) -> tuple[LeftOut, ...]:
    """Runs of quarters of which too little is known."""
    short = np.r_[False, covered < least_s, False]
    edges = np.flatnonzero(short[1:] != short[:-1]).reshape(-1, 2)
    return tuple(
        LeftOut(begin + int(a) * GRAIN_US, begin + int(b) * GRAIN_US, int(covered[a:b].sum()))
        for a, b in edges
    )
