"""How much of a subject is looked at when something of it changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rules.derive.evaluate import Found
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US

_SECOND_US: Final = 1_000_000
_WIDER_US: Final = 8 * 3_600_000_000
"""By so much at least: with less, what lasts for days would be looked at over and over."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at of a subject: ``begin`` ≤ t < ``end``, whole seconds, µs UTC."""

    subject: int
    begin: int
    end: int

    def over(self, extent: tuple[int, int] | None) -> Look:
        """Return a look that covers this one and an extent."""
        if extent is None:
            return self
        return look(self.subject, min(self.begin, extent[0]), max(self.end, extent[1]))

    def wider(self, before: bool, behind: bool) -> Look:
        """Return a look that goes further on the sides that are too narrow."""
        more = max(self.end - self.begin, _WIDER_US)
        return look(self.subject, self.begin - before * more, self.end + behind * more)


def look(subject: int, begin: int, end: int) -> Look:
    """Return a look at whole seconds."""
    first = max(begin, ALWAYS_US) // _SECOND_US * _SECOND_US
    return Look(subject, first, -(-min(end, NEVER_US) // _SECOND_US) * _SECOND_US)


def windows(looks: Sequence[Look]) -> Windows:
    """Return looks, each of another subject, as windows."""
    ordered = sorted(looks, key=lambda one: one.subject)
    return Windows(
        np.array([one.subject for one in ordered], np.int64),
        np.array([one.begin for one in ordered], np.int64),
        np.array([one.end for one in ordered], np.int64),
    )


def too_narrow(looks: Sequence[Look], found: Sequence[Found]) -> Mapping[int, tuple[bool, bool]]:
    """Return the subjects whose look is too narrow for some rule: before it, behind it."""
    if not found:
        return {}
    before = np.logical_or.reduce([one.edges.before for one in found])
    behind = np.logical_or.reduce([one.edges.behind for one in found])
    subjects = sorted(one.subject for one in looks)
    return {
        subjects[number]: (bool(before[number]), bool(behind[number]))
        for number in np.flatnonzero(before | behind).tolist()
    }
