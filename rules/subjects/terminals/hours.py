"""Which hours of terminals tell that their clock is off, wherever their reports stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np

from metering.counter.model import Int64s
from metering.gauge.hold import Holds
from rules.kinds.model import TerminalLayer
from rules.subjects.model import Inputs
from rules.subjects.terminals.clock import NARROW_S, Off, clock_off, refused
from storage.times import SECOND_US

Hour = tuple[int, int]
"""A terminal, and the begin of an hour, µs UTC."""
HOUR_US: Final = 3_600 * SECOND_US


class Source(Protocol):
    """Where it stands what terminals sent: a database, or a simulated city."""

    def reports(self, hours: Sequence[Hour]) -> Iterable[tuple[Hour, Int64s, Int64s]]:
        """Yield when the reports of each hour were made, and when each came, µs UTC."""

    def refused(self, hours: Sequence[Hour]) -> Iterable[tuple[Hour, bool, Int64s]]:
        """Yield whether reports were refused as ahead of our clock, and when those came, µs UTC."""

    def caught_up(self, behind: Sequence[tuple[Hour, Off]]) -> Iterable[Hour]:
        """Yield the hours while whose reports came others of later hours, and less late."""


def judged(source: Source, hours: Sequence[Hour]) -> dict[Hour, Off | None]:
    """Return how far clocks are off by hours; None: that cannot be told."""
    found: dict[Hour, Off | None] = dict.fromkeys(hours)
    for hour, made, received in source.reports(hours):
        found[hour] = clock_off(made, received)
    for hour, ahead, received in source.refused(hours):
        found[hour] = _further(found[hour], refused(received, ahead=ahead))
    behind = [(hour, off) for hour, off in found.items() if off and off.seconds < -NARROW_S]
    return found | dict.fromkeys(source.caught_up(behind))


def laid(clocks: Iterable[tuple[int, int, float]]) -> Inputs:
    """Return the layer of terminals.

    Args:
        clocks: terminal, begin of an hour (µs UTC), by how many seconds; in this order.
    """
    terminal, hour, off = tuple(zip(*clocks, strict=True)) or ((), (), ())
    since = np.array(hour, np.int64)
    held = Holds(np.array(terminal, np.int64), since, since + HOUR_US, np.array(off, np.float64))
    return {TerminalLayer.CLOCK.value: [held]}


def _further(one: Off | None, other: Off | None) -> Off | None:
    """What was refused is ahead for certain; behind only where nothing else came."""
    if other is None or (one is not None and other.seconds < 0):
        return one
    return other
