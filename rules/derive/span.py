"""How much of a subject is looked at when something of it changed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from metering.counter.model import Bools, Int64s
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


def looks_of(windows: Windows) -> list[Look]:
    """Return windows as looks."""
    columns = (windows.subject, windows.begin, windows.end)
    return [Look(*row) for row in zip(*(one.tolist() for one in columns), strict=True)]


def around(windows: Windows, before_us: Int64s | int, behind_us: Int64s | int) -> Windows:
    """Return windows with so much room before and behind each, at whole seconds."""
    begin = np.maximum(windows.begin - before_us, ALWAYS_US) // _SECOND_US * _SECOND_US
    end = -(-np.minimum(windows.end + behind_us, NEVER_US) // _SECOND_US) * _SECOND_US
    return Windows(windows.subject, begin, end)


def wider(windows: Windows, before: Bools, behind: Bools) -> Windows:
    """Return windows that go further on the sides that are too narrow."""
    more = np.maximum(windows.end - windows.begin, _WIDER_US)
    return around(windows, before * more, behind * more)
