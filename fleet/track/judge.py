"""Judging fixes: which of them tell where the vehicle went.

Nothing is dropped: every fix keeps a verdict. What a fix is worth depends on its neighbours in
time, whenever and in whatever order they came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fleet.track.fixes import Bools, Bytes, Fixes, Int64s, Verdict
from fleet.track.ground import Ground, ground
from fleet.track.outliers import impossible
from fleet.track.rules import Rules
from storage.records import CLOCKS_DIFFER_US, PositionFlag

_NOWHERE: Final = int(PositionFlag.NO_FIX | PositionFlag.ZERO_ISLAND | PositionFlag.OUT_OF_RANGE)


@dataclass(frozen=True, slots=True)
class Judged:
    """Fixes with what they are worth.

    Attributes:
        fixes: all of them, ordered.
        verdicts: one for each.
        candidates: indices of those that were weighed against their neighbours.
        counting: indices of those that count; of strictly ascending time.
    """

    fixes: Fixes
    verdicts: Bytes
    candidates: Int64s
    counting: Int64s


def judge(
    fixes: Fixes, rules: Rules, from_us: int | None = None, to_us: int | None = None
) -> Judged:
    """Judge the fixes of a vehicle.

    Args:
        fixes: ordered.
        rules: what is believed.
        from_us: fixes of before only tell whether another terminal spoke; they are not returned.
        to_us: likewise fixes of behind.
    """
    verdicts = _by_itself(fixes)
    _cover(fixes, verdicts, rules)
    if from_us is not None or to_us is not None:
        start = 0 if from_us is None else int(np.searchsorted(fixes.t_us, from_us, side="left"))
        stop = len(fixes) if to_us is None else int(np.searchsorted(fixes.t_us, to_us, "right"))
        inside = np.arange(start, stop)
        fixes, verdicts = fixes.take(inside), verdicts[inside]
    _same_time(fixes, verdicts)
    candidates = np.flatnonzero(verdicts == Verdict.COUNTS)
    wrong = impossible(fixes.t_us[candidates], _ground(fixes, candidates), rules)
    verdicts[candidates[wrong]] = Verdict.IMPOSSIBLE
    return Judged(fixes, verdicts, candidates, candidates[~wrong])


def _ground(fixes: Fixes, which: Int64s) -> Ground:
    return ground(fixes.lat[which], fixes.lon[which])


def _by_itself(fixes: Fixes) -> Bytes:
    verdicts = np.full(len(fixes), Verdict.COUNTS, np.int8)
    # By the times, not by the flag: rows of before have it from the first microsecond on.
    verdicts[fixes.t_us - fixes.received_us > CLOCKS_DIFFER_US] = Verdict.FUTURE
    there = (np.abs(fixes.lat) <= 90.0) & (np.abs(fixes.lon) <= 180.0)
    verdicts[(fixes.flags & _NOWHERE != 0) | ~there] = Verdict.UNUSABLE
    return verdicts


def _cover(fixes: Fixes, verdicts: Bytes, rules: Rules) -> None:
    """Let one terminal speak at a time: two, each a little off, would weave a longer way."""
    terminals = np.unique(fixes.terminal)
    usable: Bools = verdicts == Verdict.COUNTS
    for terminal in terminals[1:]:
        leading = fixes.t_us[usable & (fixes.terminal < terminal)]
        mine = np.flatnonzero(usable & (fixes.terminal == terminal))
        at = fixes.t_us[mine]
        near = np.searchsorted(leading, at - rules.cover_us, side="left") < np.searchsorted(
            leading, at + rules.cover_us, side="right"
        )
        verdicts[mine[near]] = Verdict.COVERED


def _same_time(fixes: Fixes, verdicts: Bytes) -> None:
    usable = np.flatnonzero(verdicts == Verdict.COUNTS)
    again = usable[1:][fixes.t_us[usable[1:]] == fixes.t_us[usable[:-1]]]
    verdicts[again] = Verdict.SAME_TIME
