"""The terminal's odometer: what it gained, where it can be believed.

Between two readings of one terminal it counts when it neither fell nor gained more than anybody
drives in that time. What it gained belongs to the stop in which both were read, else to the trip
between the stops in which, or between which, they were read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fleet.track.fixes import Bools, Int64s
from fleet.track.rules import SECOND_US, Rules
from fleet.trips.series import Series
from fleet.trips.stops import Standing

_SLACK_MM: Final = 1_000_000
"""A terminal counts in steps of up to a kilometre."""
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class Steps:
    """From one reading to the next; every array has one entry per step.

    Attributes:
        from_us, to_us: when they were read.
        before, after: what they showed, mm.
        good: it can be believed.
        faulty: it fell or leapt.
        of_stop: for each stop, the steps within it.
        of_trip: for each trip, those of it; a trip has the number of the stop behind it.
    """

    from_us: Int64s
    to_us: Int64s
    before: Int64s
    after: Int64s
    good: Bools
    faulty: Bools
    of_stop: tuple[Int64s, ...]
    of_trip: tuple[Int64s, ...]


def steps_of(series: Series, stops: list[Standing], rules: Rules) -> Steps:
    """Return the steps of the odometer of a series."""
    known = np.flatnonzero(series.odometer_mm >= 0)
    one, other = known[:-1], known[1:]
    before, after = series.odometer_mm[one], series.odometer_mm[other]
    same = series.terminal[one] == series.terminal[other]
    elapsed = series.t_us[other] - series.t_us[one]
    most = _SLACK_MM + rules.fastest_kmh * 1_000_000 * (elapsed // SECOND_US) // 3_600
    good = same & (after >= before) & (after - before <= most)
    firsts = np.array([stop.first for stop in stops], np.int64)
    lasts = np.array([*(stop.last for stop in stops), -1], np.int64)  # [-1]: of no stop
    left = np.searchsorted(firsts, one, side="right") - 1
    right = np.searchsorted(firsts, other, side="right") - 1
    in_left, in_right = one <= lasts[left], other <= lasts[right]
    stop = np.where((left == right) & in_left & in_right, left, NOBODY)
    leaving, reaching = left + 1, np.where(in_right, right, right + 1)
    trip = np.where((stop == NOBODY) & (leaving == reaching), leaving, NOBODY)
    return Steps(
        series.t_us[one],
        series.t_us[other],
        before,
        after,
        good,
        same & ~good,
        _grouped(stop, len(stops)),
        _grouped(trip, len(stops) + 1),
    )


def _grouped(labels: Int64s, count: int) -> tuple[Int64s, ...]:
    """Return where each label stands; but for those of nobody they ascend."""
    of_somebody = np.flatnonzero(labels != NOBODY)
    bounds = np.searchsorted(labels[of_somebody], np.arange(count + 1)).tolist()
    return tuple(of_somebody[bounds[n] : bounds[n + 1]] for n in range(count))
