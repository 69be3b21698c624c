"""Simulated terminals as rules take them: hours of their reports tell how far clocks are off.

What in production the database tells of positions, and of what was refused, is told here by arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from collector.window import NEWEST_US, OLDEST_US
from jieyong.evaluation.city.places import Basis, Laid, laid
from jieyong.evaluation.city.score import Doubt
from metering.counter.model import Int64s
from rules.kinds.model import Sort
from rules.subjects.terminals import hours as clocks
from rules.subjects.terminals.clock import NARROW_S, Off
from rules.subjects.terminals.hours import HOUR_US, Hour, judged
from rules.timeline.overlay import Windows
from simulators.city.model import Series, Subject
from storage.times import SECOND_US

_TO_COME_US: Final = 300 * SECOND_US


def doubts(subjects: Sequence[Subject], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated terminals.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    return lay(subjects, basis).doubts(basis.rules)


def lay(subjects: Sequence[Subject], basis: Basis) -> Laid:
    """Return by how much the clocks of terminals were off."""
    count, begin, end = len(subjects), basis.begin_s * SECOND_US, basis.end_s * SECOND_US
    windows = Windows(np.arange(count), np.full(count, begin), np.full(count, end))
    source = _Simulated([_sent(one.series[0]) for one in subjects])
    found = judged(source, source.hours())
    off = [(*hour, one.seconds) for hour, one in sorted(found.items()) if one is not None]
    return laid(Sort.TERMINAL, subjects, clocks.laid(off), windows, basis.rules)


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a terminal sent: what was kept, by when it was made; when the refused came."""

    made: Int64s
    received: Int64s
    ahead: Int64s
    behind: Int64s

    def of(self, hour: int) -> slice:
        """The reports that were made in an hour."""
        return slice(*np.searchsorted(self.made, (hour, hour + HOUR_US)).tolist())


@dataclass(frozen=True, slots=True)
class _Simulated:
    """See :class:`rules.subjects.terminals.hours.Source`; terminals by position."""

    sent: Sequence[_Sent]

    def hours(self) -> list[Hour]:
        """Return all hours of which anything came."""
        return sorted(
            (number, hour)
            for number, one in enumerate(self.sent)
            for hour in _hours(one.made, one.ahead, one.behind)
        )

    def reports(self, hours: Sequence[Hour]) -> Iterator[tuple[Hour, Int64s, Int64s]]:
        for number, hour in hours:
            one = self.sent[number]
            there = one.of(hour)
            if there.start < there.stop:
                yield (number, hour), one.made[there], one.received[there]

    def refused(self, hours: Sequence[Hour]) -> Iterator[tuple[Hour, bool, Int64s]]:
        for number, hour in hours:
            for ahead, came in ((True, self.sent[number].ahead), (False, self.sent[number].behind)):
                if (there := _within(came, hour)).size:
                    yield (number, hour), ahead, there

    def caught_up(self, behind: Sequence[tuple[Hour, Off]]) -> Iterator[Hour]:
        for (number, hour), off in behind:
            one = self.sent[number]
            later = slice(
                *np.searchsorted(one.made, (hour + HOUR_US, off.received_to + _TO_COME_US + 1))
            )
            came = one.received[later]
            meanwhile = (came >= off.received_from) & (came <= off.received_to)
            less_late = came - one.made[later] < (-off.seconds - NARROW_S) * SECOND_US
            if (meanwhile & less_late).any():
                yield number, hour


def _within(came: Int64s, hour: int) -> Int64s:
    return came[slice(*np.searchsorted(came, (hour, hour + HOUR_US)))] if came.size else came


def _hours(*times: Int64s) -> list[int]:
    found: list[int] = (np.unique(np.concatenate(times) // HOUR_US) * HOUR_US).tolist()
    return found


def _sent(series: Series) -> _Sent:
    """As the collector takes it: what comes again is no news, what is too far off is refused."""
    _, first = np.unique(series.value, return_index=True)
    first = np.sort(first)
    made, received = series.ts[first], series.received[first]
    ahead, behind = made - received > NEWEST_US, received - made > OLDEST_US
    kept = ~(ahead | behind)
    return _Sent(made[kept], received[kept], np.sort(received[ahead]), np.sort(received[behind]))
