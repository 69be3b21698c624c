"""Anchors: readings that count whatever comes before and after them.

Take a run R of readings in which each follows the one before plausibly. Believing any step costs
at most N, and leaving a reading out costs something. Let c be a reading of R such that

    (1) the weights of R before c are N or more,
    (2) the weights of R behind c are N or more.

Then c lies on every cheapest path. Suppose one leaves c out; let p and q be its last reading before
c and its first behind (either may be missing, which only saves). Put back all readings of R
between p and q: inside R that costs nothing, so at most the steps into and out of R are dearer.

    - p and q in R: nothing is dearer, and c alone saves something.
    - p before R, q in R: at most N dearer, and (1) and c are saved: more than N.
    - p in R, q behind R: at most N dearer, and c and (2) are saved: more than N.
    - both outside: at most 2 N dearer, and (1), c and (2) are saved: more than 2 N.

Each time the path was not the cheapest. What lies outside R did not enter, but for the weights of
the first and the last reading of R, which depend on their distance to the next readings outside.
Where a part of the readings begins or ends with them these are not known, and (1) and (2) are taken
with the least that they can weigh: in the whole they hold all the more. So an anchor of a part is
an anchor of the whole, as long as nothing is put in or taken out between the ends of that part.

A part that begins with one anchor and ends with another is judged as it is in the whole. Inside it
all weights are the same. Its first reading lies on every cheapest path of the part: it and (2) are
more than N. So does its last one: it and (1) are more than N. So it does not matter that they weigh
there what they do not weigh in the whole.

How far that reaches: readings F / (N − ½) or more apart weigh T or more each, the first and the
last half of that, so an anchor has N + 1 of them on either side. Denser ones take F × N / (N − ½)
and a reading on either side.
What a person entered lies on every path anyway.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metering.counter.model import GRAIN_US, Bools, Int64s, Origin, Policy, Readings, Register
from metering.counter.steps import doubt, gains, surely, weights


def anchors(readings: Readings, register: Register, policy: Policy) -> Bools:
    """Return which readings count whatever stands before and behind these readings."""
    free = plausible(readings, register)
    return settled(readings, free, weights(readings, policy), policy)


def plausible(readings: Readings, register: Register) -> Bools:
    """Return for each reading but the first whether it follows the one before at no cost."""
    ticks, ts = readings.ticks, readings.ts
    _, free = gains(ticks[:-1], ticks[1:], ts[:-1], ts[1:], register)
    follows: Bools = free | (readings.origin[1:] == Origin.RESET)
    return follows


def settled(readings: Readings, free: Bools, costs: Int64s, policy: Policy) -> Bools:
    """Return the anchors, given which steps are plausible and what leaving readings out costs."""
    forced: Bools = readings.origin != Origin.POLLED
    if not len(readings):
        return forced
    costs = surely(costs)
    total = np.cumsum(costs)
    starts = np.concatenate(([0], np.flatnonzero(~free) + 1))
    ends = np.concatenate((starts[1:], [len(readings)])) - 1
    lengths = ends - starts + 1
    before = total - costs - np.repeat(total[starts] - costs[starts], lengths)
    behind = np.repeat(total[ends], lengths) - total
    enough = doubt(policy)
    found: Bools = forced | ((before >= enough) & (behind >= enough))
    return found


@dataclass(frozen=True, slots=True)
class Reach:
    """What has to be judged again, and which quarters can change by it.

    Attributes:
        start: index of the first reading to judge.
        stop: index behind the last one.
        window: from and to, µs UTC, whole quarters.
        opening: the first reading to judge is the first of all.
    """

    start: int
    stop: int
    window: tuple[int, int]
    opening: bool


def reach(
    readings: Readings,
    register: Register,
    policy: Policy,
    change: tuple[int, int],
    whole: tuple[bool, bool],
) -> Reach | None:
    """Return how far a change reaches: judging that part gives what judging everything gives.

    Args:
        readings: as they are after the change, all of them in a span around it.
        register: how it counts.
        policy: when doubt ends.
        change: first and last time, µs UTC, at which something came, went or changed.
        whole: the span begins with the first of all readings; ends with the last of all.

    Returns:
        The part, or None where the span is too short to say: look farther.
    """
    first = int(np.searchsorted(readings.ts, change[0], side="left"))
    behind = int(np.searchsorted(readings.ts, change[1], side="right"))
    head, tail = readings.part(0, first), readings.part(behind, len(readings))
    left = _back(head.ts, np.flatnonzero(anchors(head, register, policy)), change[0])
    opening = left[0] < 0
    right = _ahead(tail, np.flatnonzero(anchors(tail, register, policy)), change[1], opening)
    if (left[0] < 0 and not whole[0]) or (right[0] < 0 and not whole[1]):
        return None
    start = max(left[0], 0)
    stop = behind + right[0] + 1 if right[0] >= 0 else len(readings)
    return Reach(start, stop, (left[1], right[1]), opening)


def _back(ts: Int64s, found: Int64s, change: int) -> tuple[int, int]:
    """Return the reading to start from (-1: none is far enough back), and the first quarter."""
    if not len(found):
        earliest = min(change, int(ts[0])) if len(ts) else change
        return -1, earliest // GRAIN_US * GRAIN_US
    # The quarter of the anchor itself can change: it is computed from one before it. One that
    # begins the quarter is not before it: what is said of its own time, that it is the first of
    # all or a RESET, rests on what came before.
    quarter = int(ts[found[-1]]) // GRAIN_US * GRAIN_US
    enough = found[ts[found] < quarter]
    return (int(enough[-1]) if len(enough) else -1), quarter


def _ahead(tail: Readings, found: Int64s, change: int, opening: bool) -> tuple[int, int]:
    """Return the reading to end with (-1: none is far enough ahead), and the end of the window."""
    ts = tail.ts
    if not len(found):
        latest = max(change, int(ts[-1])) if len(ts) else change
        return -1, (latest // GRAIN_US + 1) * GRAIN_US
    # What is said of the anchor's own time can change: see above.
    inside = opening or tail.origin[found[0]] == Origin.RESET
    quarter = -(-(int(ts[found[0]]) + bool(inside)) // GRAIN_US) * GRAIN_US
    enough = found[ts[found] >= quarter]
    return (int(enough[0]) if len(enough) else -1), quarter
