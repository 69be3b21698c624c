"""When a condition stands, flicker and short silence bridged; long enough or not.

A stretch may be made of many short pieces, so how far it reaches cannot be told beforehand. It may
go on beyond its window, unless so much is false, or unknown, between the two that nothing beyond
could be bridged to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from metering.counter.model import Bools, Int64s
from rules.timeline.overlay import Pieces
from rules.timeline.persistence import Persistence
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth


@dataclass(frozen=True, slots=True)
class Stretches:
    """By subject, then time; two of a subject never touch.

    Attributes:
        subject: whose.
        since: first moment it was true, µs UTC.
        until: first moment it was true no more.
        true_us: how long it was true in between.
        first: the piece that it begins with.
        last: the piece that it ends with.
        near_since: what is true from then on would be bridged to it.
        near_until: up to then.
        before: whether it may have begun before its window.
        behind: whether it may go on behind it.
    """

    subject: Int64s
    since: Int64s
    until: Int64s
    true_us: Int64s
    first: Int64s
    last: Int64s
    near_since: Int64s
    near_until: Int64s
    before: Bools
    behind: Bools

    def __len__(self) -> int:
        return len(self.subject)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return those of several parts, whose subjects follow one another."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    @classmethod
    def none(cls) -> Self:
        """Return none."""
        time, flag = np.empty(0, np.int64), np.empty(0, np.bool_)
        return cls(time, time, time, time, time, time, time, time, flag, flag)


def stretches(pieces: Pieces, condition: Truth, persistence: Persistence) -> Stretches:
    """Return when a condition stands.

    Args:
        pieces: from :func:`rules.timeline.overlay.overlay`: they fill their windows.
        condition: of each piece.
        persistence: what is bridged.

    Raises:
        ValueError: there is not one condition for each piece.
    """
    if len(condition) != len(pieces):
        raise ValueError(f"{len(condition)} conditions for {len(pieces)} pieces")
    true = np.flatnonzero(condition == TRUE)
    if not len(true):
        return Stretches.none()
    subject, since, until = pieces.subject, pieces.since, pieces.until
    stood = _total(pieces, condition == TRUE)
    most = ((FALSE, persistence.gap_us), (UNKNOWN, persistence.silence_us))
    between = [(_total(pieces, condition == state), us) for state, us in most]
    parted = subject[true[1:]] != subject[true[:-1]]
    for total, us in between:
        parted |= total[true[1:]] - total[true[:-1]] > us
    starts = np.flatnonzero(np.r_[True, parted])
    first, last = true[starts], true[np.r_[starts[1:], len(true)] - 1]
    begin = np.searchsorted(subject, subject[first], side="left")
    end = np.searchsorted(subject, subject[first], side="right")
    near_since, near_until = since[begin], until[end - 1]
    before, behind = np.ones(len(first), np.bool_), np.ones(len(first), np.bool_)
    for total, us in between:
        low, high = total[first] - us, total[last + 1] + us
        parted, ends = total[begin] < low, total[end] > high
        from_, to = _when(pieces, total, low, "left"), _when(pieces, total, high, "right")
        near_since = np.where(parted, np.maximum(near_since, from_), near_since)
        near_until = np.where(ends, np.minimum(near_until, to), near_until)
        before, behind = before & ~parted, behind & ~ends
    return Stretches(
        subject[first],
        since[first],
        until[last],
        stood[last + 1] - stood[first],
        first,
        last,
        near_since,
        near_until,
        before,
        behind,
    )


def _when(pieces: Pieces, total: Int64s, amount: Int64s, side: Literal["left", "right"]) -> Int64s:
    """When a total comes to an amount (left), or goes beyond it (right)."""
    at = np.clip(np.searchsorted(total, amount, side=side) - 1, 0, len(pieces) - 1)
    when: Int64s = pieces.since[at] + amount - total[at]
    return when


def _total(pieces: Pieces, chosen: Bools) -> Int64s:
    """How much is chosen before each piece, and in all of them."""
    total: Int64s = np.r_[0, np.cumsum(np.where(chosen, pieces.until - pieces.since, 0))]
    return total
