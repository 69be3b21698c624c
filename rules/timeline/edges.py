"""Whether a window reaches far enough: what is true in it may go on beyond.

A run may be made of many short pieces, so how far it reaches cannot be told beforehand. A window is
wide enough when on either side so much is false, or unknown, that nothing beyond it could be
bridged to what lies inside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from metering.counter.model import Bools, Int64s
from rules.timeline.overlay import Pieces, Windows
from rules.timeline.runs import Persistence
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth


@dataclass(frozen=True, slots=True)
class Edges:
    """For each window, whether it must be wider on that side."""

    before: Bools
    behind: Bools


def edges(pieces: Pieces, condition: Truth, windows: Windows, persistence: Persistence) -> Edges:
    """Tell which windows are too narrow.

    Args:
        pieces: they fill the windows.
        condition: of each piece.
        windows: as they were laid.
        persistence: what is bridged.
    """
    count = len(windows)
    true = np.flatnonzero(condition == TRUE)
    row = np.searchsorted(windows.subject, pieces.subject)
    first, last = np.full(count, -1), np.full(count, -1)
    # Of several assignments to one place the last one stays.
    last[row[true]] = true
    first[row[true[::-1]]] = true[::-1]
    has = first >= 0
    start = np.searchsorted(row, np.arange(count), side="left")
    stop = np.searchsorted(row, np.arange(count), side="right")
    before, behind = has.copy(), has.copy()
    for state, most in ((FALSE, persistence.gap_us), (UNKNOWN, persistence.silence_us)):
        total = _total(pieces, condition == state)
        before &= total[np.maximum(first, 0)] - total[start] <= most
        behind &= total[stop] - total[np.maximum(last, 0) + 1] <= most
    return Edges(before, behind)


def _total(pieces: Pieces, chosen: Bools) -> Int64s:
    """How much is chosen before each piece, and in all of them."""
    total: Int64s = np.r_[0, np.cumsum(np.where(chosen, pieces.until - pieces.since, 0))]
    return total
