"""The way between two stops: which fixes it leads over, and how it is measured.

Standing at lights, fixes drift: a slow fix counts only when it lies ``noise_m`` from the last that
counted. The first and the last fix count, and both ends of a leg that was not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet.track.fixes import Bools, Int64s
from fleet.track.ground import whole_mm
from fleet.track.rules import Rules
from fleet.trips.series import Series


@dataclass(frozen=True, slots=True)
class Way:
    """A way leg by leg; every array has one entry per leg.

    Attributes:
        from_us, to_us: when, µs UTC.
        mm: how far; 0 for an impossible leg.
        gap: it was not seen.
        moving_us: of its time, driving.
        idle_us: of its time, standing.
        jumps: how many legs were impossible.
    """

    from_us: Int64s
    to_us: Int64s
    mm: Int64s
    gap: Bools
    moving_us: Int64s
    idle_us: Int64s
    jumps: int


def way_of(series: Series, first: int, last: int, rules: Rules) -> Way:
    """Return the way over the fixes from ``first`` to ``last``, both included."""
    legs = slice(first, last)
    elapsed = np.diff(series.t_us[first : last + 1])
    jump = series.legs.bad[legs]
    unseen = (elapsed >= rules.gap_us) & (series.legs.metres[legs] > rules.noise_m)
    unseen |= series.unseen_us[legs] >= 0
    lone = unseen | jump
    counts, moved = _counting(series, first, last, lone, rules)
    points = first + np.flatnonzero(counts)
    mm = whole_mm(series.where.metres(points[:-1], points[1:]))
    # A lone leg has a counting fix at both ends: the leg that ends where it ends is itself.
    lone_of, jump_of = lone[points[1:] - first - 1], jump[points[1:] - first - 1]
    mm[jump_of] = 0
    time = np.diff(series.t_us[points])
    moving = np.where(moved[points[1:] - first], elapsed[points[1:] - first - 1], 0)
    moving[lone_of] = 0
    return Way(
        series.t_us[points[:-1]],
        series.t_us[points[1:]],
        mm,
        lone_of & ~jump_of,
        moving,
        np.where(lone_of, 0, time - moving),
        int(jump.sum()),
    )


def _counting(
    series: Series, first: int, last: int, lone: Bools, rules: Rules
) -> tuple[Bools, Bools]:
    """Say which fixes count, and which of them have moved."""
    speed = series.speed[first : last + 1]
    moved = speed >= rules.still_kmh
    counts = moved.copy()
    counts[0] = counts[-1] = True
    counts[:-1] |= lone
    counts[1:] |= lone
    slow = np.flatnonzero(~counts)
    if len(slow):
        _drifting(series, first, counts, moved, slow, rules)
    # The last counts although it may have drifted; what it adds is at most the noise.
    return counts, moved


def _drifting(  # noqa: PLR0913, PLR0917 - what it reads and what it fills
    series: Series, first: int, counts: Bools, moved: Bools, slow: Int64s, rules: Rules
) -> None:
    """Let slow fixes count that lie far enough from the last that counted."""
    where, previous, anchor = series.where, -2, 0
    lat, lon = where.lat, where.lon
    north, east = where.north_m, where.east_m
    square = float(rules.noise_m) ** 2
    for index in slow.tolist():
        if index != previous + 1:
            anchor = index - 1  # the fix before it counts
        previous = index
        here, there = first + anchor, first + index
        up = (lat[there] - lat[here]) * north[here]
        turn = lon[there] - lon[here]
        side = (turn - 360.0 * round(turn / 360.0)) * east[here]
        if up * up + side * side >= square:
            counts[index] = moved[index] = True
            anchor = index
