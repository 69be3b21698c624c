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
from rules.timeline.persistence import Persistence
from rules.timeline.stretches import Stretches
from rules.timeline.truth import TRUE, UNKNOWN, Truth


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


def runs(pieces: Pieces, condition: Truth, stood: Stretches, persistence: Persistence) -> Runs:
    """Return the stretches of a condition that stood for long enough.

    Args:
        pieces: from :func:`rules.timeline.overlay.overlay`.
        condition: of each piece.
        stood: when it stands.
        persistence: what is long enough.
    """
    kept = np.flatnonzero(stood.true_us >= persistence.for_us)
    first, last = stood.first[kept], stood.last[kept]
    total = np.cumsum(np.where(condition == TRUE, pieces.until - pieces.since, 0))
    before = total[first] - (pieces.until[first] - pieces.since[first])
    at = np.searchsorted(total, before + max(persistence.for_us, 1))
    return Runs(
        stood.subject[kept],
        stood.since[kept],
        pieces.until[at] - (total[at] - before - persistence.for_us),
        stood.until[kept],
        stood.true_us[kept],
        _behind(pieces, condition, last),
    )


def _behind(pieces: Pieces, condition: Truth, end: Int64s) -> npt.NDArray[np.int8]:
    follows = np.minimum(end + 1, len(pieces) - 1)
    edge = (follows == end) | (pieces.subject[follows] != pieces.subject[end])
    silent = condition[follows] == UNKNOWN
    return np.select(
        [edge, silent], [np.int8(Behind.EDGE), np.int8(Behind.UNKNOWN)], np.int8(Behind.FALSE)
    ).astype(np.int8)
