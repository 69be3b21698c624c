"""Stops: where a vehicle stood, said of every fix by looking a bounded time ahead.

A **window** begins at a fix that is not driving and ends at the first fix that is at least so
much later as its ignition demands (2 minutes off, 5 unknown, 15 on); it holds when every fix up
to that end lies within ``radius_m`` of its begin, none is driving, and the ignition does not come
on after it was off. A leg that takes 30 minutes longer than its way also holds a stop, at one of
its ends; one that begins with the ignition off and leads nowhere, from 2 minutes on. Windows that
share a fix make one stop; two stops of one place make one when nothing real lies between them:
two minutes at most, or nothing that drives or leaves the neighbourhood.

No step looks back at what was decided before, so a stop is the same in whatever piece of the series
it is found, as long as the piece holds what its windows look at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.track.fixes import Floats, Int64s
from fleet.track.rules import Rules
from fleet.trips.series import Series, standing_us


@dataclass(frozen=True, slots=True)
class Standing:
    """A stop by the fixes that made it.

    Attributes:
        first, last: its fixes, inclusive.
        began_us, ended_us: when, µs UTC; estimated where a gap adjoins.
        window_first: a window begins at its first fix.
        window_last: where the window begins that ends at its last fix; None: none does.
    """

    first: int
    last: int
    began_us: int
    ended_us: int
    window_first: bool
    window_last: int | None


def stops_of(series: Series, rules: Rules) -> list[Standing]:
    """Return the stops of a series, ascending, apart from each other."""
    ends = _windows(series, rules)
    starts = np.flatnonzero(ends >= 0)
    gaps = np.flatnonzero(series.unseen_us >= 0)
    at = gaps + np.where(series.stand_first[gaps], 0, 1)
    first = np.concatenate((starts, at))
    last = np.concatenate((ends[starts], at))
    latest: dict[int, int] = {}
    for start in starts.tolist():
        latest[int(ends[start])] = start  # ascending: the last window that ends there stays
    spans = _joined(series, _united(first, last), _Edges(ends, latest), rules)
    return [_standing(series, begin, end, ends, latest) for begin, end in spans]


@dataclass(frozen=True, slots=True)
class _Edges:
    """The windows at both ends of stops; a stop in a gap has none, and is its one fix.

    Attributes:
        ends: for each fix the end of the window that begins there; -1: none does.
        latest: for each end of a window the begin of the last one that ends there.
    """

    ends: Int64s
    latest: dict[int, int]

    def place_behind(self, series: Series, last: int) -> tuple[float, float]:
        """Return where a stop was when it ended."""
        return middle(series, self.latest.get(last, last), last)

    def place_before(self, series: Series, first: int) -> tuple[float, float]:
        """Return where a stop was when it began."""
        return middle(series, first, max(first, int(self.ends[first])))


def middle(series: Series, first: int, last: int) -> tuple[float, float]:
    """Return the median latitude and longitude of some fixes, the last one included."""
    low, high = (last - first) // 2, (last - first + 1) // 2
    lat = np.sort(series.where.lat[first : last + 1])
    lon = np.sort(series.where.lon[first : last + 1])
    return (float(lat[low]) + float(lat[high])) / 2, (float(lon[low]) + float(lon[high])) / 2


def _windows(series: Series, rules: Rules) -> Int64s:
    """Return for each fix the end of the window that begins there; -1: none does."""
    count = len(series)
    ends = np.full(count, -1, np.int64)
    needed = standing_us(series.acc, rules)
    alive = np.flatnonzero(~series.driving)
    ahead = 0
    while len(alive):
        ahead += 1
        alive = alive[: int(np.searchsorted(alive, count - ahead))]
        other = alive + ahead
        near = (
            (series.where.metres(alive, other) <= rules.radius_m)
            & ~series.driving[other]
            & ((series.acc[alive] != 0) | (series.acc[other] != 1))
        )
        alive, other = alive[near], other[near]
        done = series.t_us[other] - series.t_us[alive] >= needed[alive]
        ends[alive[done]] = other[done]
        alive = alive[~done]
    return ends


def _united(first: Int64s, last: Int64s) -> list[tuple[int, int]]:
    if not len(first):
        return []
    order = np.lexsort((last, first))
    first, reach = first[order], np.maximum.accumulate(last[order])
    new = np.concatenate(([True], first[1:] > reach[:-1]))
    begins = np.flatnonzero(new)
    ends = np.concatenate((begins[1:] - 1, [len(first) - 1]))
    return list(zip(first[begins].tolist(), reach[ends].tolist(), strict=True))


def _joined(
    series: Series, spans: list[tuple[int, int]], edges: _Edges, rules: Rules
) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in spans:
        if joined and _nothing_between(series, joined[-1][1], begin, edges, rules):
            joined[-1] = joined[-1][0], end
        else:
            joined.append((begin, end))
    return joined


def _nothing_between(series: Series, left: int, right: int, edges: _Edges, rules: Rules) -> bool:
    """Whether two stops are one: of the same place, and no drive in between.

    Places are the middle of a window's fixes: one that scatters far must not part a stop.
    """
    here = edges.place_behind(series, left)
    there = edges.place_before(series, right)
    if _away(series, left, here, np.array([there[0]]), np.array([there[1]]))[0] > rules.radius_m:
        return False
    between = slice(left + 1, right)
    if series.t_us[right] - series.t_us[left] <= rules.excursion_us:
        return True
    off = series.acc[between] == 0
    if 0 < len(off) <= rules.block and off.all():
        return True
    if series.driving[between].any():
        return False
    away = _away(series, left, here, series.where.lat[between], series.where.lon[between])
    return bool((away <= 2 * rules.radius_m).all())


def _away(
    series: Series, index: int, here: tuple[float, float], lat: Floats, lon: Floats
) -> Floats:
    """Return how far places are from one near the fix of an index, metres."""
    turn = lon - here[1]
    turn = turn - 360.0 * np.rint(turn / 360.0)
    north, east = (lat - here[0]) * series.where.north_m[index], turn * series.where.east_m[index]
    found: Floats = np.sqrt(north * north + east * east)
    return found


def _standing(
    series: Series, first: int, last: int, ends: Int64s, latest: dict[int, int]
) -> Standing:
    began, ended = int(series.t_us[first]), int(series.t_us[last])
    if first > 0 and series.unseen_us[first - 1] >= 0 and not series.stand_first[first - 1]:
        began = int(series.t_us[first - 1] + series.unseen_us[first - 1])
    if last < len(series) - 1 and series.unseen_us[last] >= 0 and series.stand_first[last]:
        ended = int(series.t_us[last + 1] - series.unseen_us[last])
    return Standing(first, last, began, ended, bool(ends[first] >= 0), latest.get(last))
