"""How long a condition stood: flicker and short silence bridged, what is too short left out.

A run depends on the condition alone and on no clock: whoever wants to know whether it had stood
long enough at some time compares that time with ``confirmed``.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from metering.counter.model import Bools, Int64s
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, TRUE, UNKNOWN, Truth


@dataclass(frozen=True, slots=True)
class Persistence:
    """What makes one run of a flickering condition. All µs.

    Attributes:
        for_us: so long it must be true; time in which it is not, or not known, does not count.
        gap_us: it may be false in between for so long.
        silence_us: it may be unknown in between for so long.
    """

    for_us: int
    gap_us: int = 0
    silence_us: int = 0

    @property
    def reach_us(self) -> int:
        """How far a change of the condition can reach in time where no run stood before."""
        return self.for_us + self.bridged_us

    @property
    def bridged_us(self) -> int:
        """How much may lie between two times at which it is true, that are one run."""
        return self.gap_us + self.silence_us


class Behind(enum.IntEnum):
    """What follows a run."""

    FALSE = 0
    UNKNOWN = 1
    EDGE = 2
    """The end of what was looked at."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs by subject, then time; two of a subject never touch.

    Attributes:
        subject: whose.
        since: first moment it was true, µs UTC.
        confirmed: when it had been true for long enough.
        until: first moment it was true no more.
        true_us: how long it was true between ``since`` and ``until``.
        behind: of :class:`Behind`.
    """

    subject: Int64s
    since: Int64s
    confirmed: Int64s
    until: Int64s
    true_us: Int64s
    behind: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.subject)

    def where(self, chosen: Bools) -> Runs:
        """Return those that are chosen."""
        return Runs(
            self.subject[chosen],
            self.since[chosen],
            self.confirmed[chosen],
            self.until[chosen],
            self.true_us[chosen],
            self.behind[chosen],
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return runs of several parts, whose subjects follow one another."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    @classmethod
    def none(cls) -> Self:
        """Return no runs."""
        nothing = np.empty(0, np.int64)
        return cls(nothing, nothing, nothing, nothing, nothing, np.empty(0, np.int8))


def runs(pieces: Pieces, condition: Truth, persistence: Persistence) -> Runs:
    """Return the runs of a condition that stood for long enough.

    Args:
        pieces: from :func:`rules.timeline.overlay.overlay`.
        condition: of each piece.
        persistence: what is bridged, and what is long enough.

    Raises:
        ValueError: there is not one condition for each piece.
    """
    if len(condition) != len(pieces):
        raise ValueError(f"{len(condition)} conditions for {len(pieces)} pieces")
    length = pieces.until - pieces.since
    true = np.flatnonzero(condition == TRUE)
    if not len(true):
        return Runs.none()
    starts = _starts(pieces, condition, length, true, persistence)
    last = np.r_[starts[1:], len(true)] - 1
    stood = np.cumsum(length[true])
    before = stood[starts] - length[true[starts]]
    kept = stood[last] - before >= persistence.for_us
    begin, end, before, true_us = (
        true[starts][kept],
        true[last][kept],
        before[kept],
        (stood[last] - before)[kept],
    )
    at = np.searchsorted(stood, before + max(persistence.for_us, 1))
    confirmed = pieces.until[true[at]] - (stood[at] - before - persistence.for_us)
    return Runs(
        pieces.subject[begin],
        pieces.since[begin],
        confirmed,
        pieces.until[end],
        true_us,
        _behind(pieces, condition, end),
    )


def _starts(
    pieces: Pieces, condition: Truth, length: Int64s, true: Int64s, persistence: Persistence
) -> Int64s:
    """Which of the true pieces begin a run."""
    missing = _between(np.where(condition == FALSE, length, 0), true)
    unknown = _between(np.where(condition == UNKNOWN, length, 0), true)
    parted: Bools = (
        (pieces.subject[true[1:]] != pieces.subject[true[:-1]])
        | (missing > persistence.gap_us)
        | (unknown > persistence.silence_us)
    )
    return np.flatnonzero(np.r_[True, parted])


def _between(amount: Int64s, at: Int64s) -> Int64s:
    """What adds up between one place and the next."""
    total = np.cumsum(amount)[at]
    return np.asarray(total[1:] - total[:-1], np.int64)


def _behind(pieces: Pieces, condition: Truth, end: Int64s) -> npt.NDArray[np.int8]:
    follows = np.minimum(end + 1, len(pieces) - 1)
    edge = (follows == end) | (pieces.subject[follows] != pieces.subject[end])
    silent = condition[follows] == UNKNOWN
    return np.select(
        [edge, silent], [np.int8(Behind.EDGE), np.int8(Behind.UNKNOWN)], np.int8(Behind.FALSE)
    ).astype(np.int8)
