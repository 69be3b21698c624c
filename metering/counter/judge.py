"""Which readings count: the cheapest path through a counter's history (docs/metering.md)."""

from __future__ import annotations

import numpy as np

from metering.counter.anchors import plausible, settled
from metering.counter.cheapest import Stretch, cheapest
from metering.counter.model import (
    Bools,
    Int8s,
    Int64s,
    Origin,
    Path,
    Policy,
    Readings,
    Register,
    Step,
)
from metering.counter.steps import fineness, gains, limits, weights


def judge(readings: Readings, register: Register, policy: Policy) -> Path:
    """Return which readings count and how they are joined.

    Among paths of the same cost the one with fewest readings wins, then the one whose first
    difference is the earlier reading.

    Raises:
        ValueError: the readings are not in the order of their time.
    """
    check(readings)
    free = plausible(readings, register)
    kept: Int64s = np.arange(len(readings), dtype=np.int64)
    if not free.all():
        kept = np.flatnonzero(_kept(readings, free, register, policy))
    return _joined(readings, kept, register)


def check(readings: Readings) -> None:
    """Refuse readings that are not in order.

    Raises:
        ValueError: a time repeats, or lies before the one before it; the message names the place.
    """
    wrong = readings.ts[1:] <= readings.ts[:-1]
    if wrong.any():
        shared = (readings.ts[1:] == readings.ts[:-1]) & (readings.origin[1:] == Origin.RESET)
        shared[1:] &= readings.ts[1:-1] != readings.ts[:-2]
        wrong &= ~shared
    if wrong.any():
        index = int(np.argmax(wrong)) + 1
        raise ValueError(
            f"reading {index} is of {readings.ts[index]} µs, not after {readings.ts[index - 1]} µs:"
            " sort readings by time, and keep one of each time"
        )


def _kept(readings: Readings, free: Bools, register: Register, policy: Policy) -> Bools:
    """Search only between anchors with a doubtful step in between; all else counts."""
    count = len(readings)
    costs = weights(readings, policy)
    certain = np.flatnonzero(settled(readings, free, costs, policy))
    bounds = np.concatenate(([-1], certain, [count]))
    doubtful = np.flatnonzero(~free)
    # Two anchors in a row bound a stretch; -1 and count stand for its open ends.
    lefts = np.unique(np.searchsorted(bounds, doubtful, side="right") - 1)
    kept: Bools = np.ones(count, np.bool_)
    for left in lefts:
        low, high = int(bounds[left]), int(bounds[left + 1])
        start = max(low, 0)
        # The step into a RESET is free from anywhere: before it the path ends as it likes.
        open_end = high == count or readings.origin[high] == Origin.RESET
        stop = high if open_end else high + 1
        stretch = Stretch(
            readings.part(start, stop), costs[start:stop], begins=low >= 0, ends=not open_end
        )
        kept[start:stop] = False
        kept[start + cheapest(stretch, register, policy)] = True
    return kept


def _joined(readings: Readings, kept: Int64s, register: Register) -> Path:
    ts, ticks, origin = readings.ts[kept], readings.ticks[kept], readings.origin[kept]
    begin, end, after = ts[:-1], ts[1:], ticks[1:]
    booked, free = gains(ticks[:-1], after, begin, end, register)
    steps: Int8s = np.zeros(len(booked), np.int8)
    known: Bools = free
    turned = booked != after - ticks[:-1]
    steps[turned] = Step.ROLLOVER
    entered = origin[1:] == Origin.RESET
    if not free.all() or entered.any():
        fell = ~free & (after < ticks[:-1])
        steps[~free] = Step.JUMP
        steps[fell] = Step.RESET
        steps[entered] = Step.ENTERED
        # From zero on again; a counter that stands higher than it could have run was set.
        restarted = fell & (after >= 0) & (after <= limits(begin, end, register))
        known = np.where(entered, end == begin, free | restarted)
        booked = np.where(restarted, after, booked)
        booked = np.where(known & ~entered, booked, 0)
    return Path(kept, steps, booked, known, fineness(end, register))
