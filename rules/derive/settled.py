"""How far around a change doubts may be others than before. Pure.

What a condition says elsewhere is as it was, and so is what was found there: nobody has to look at
it again. But what stands while something changed is looked at from its begin to its end, and with
it whatever stands, or stood, at the same time by a rule about the same matter: only one of them
speaks. So is what would be bridged to the change: it may have been part of what spoke, or did not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metering.counter.model import Bools, Int64s
from rules.derive.evaluate import Found
from rules.ruleset.model import Version
from rules.timeline.overlay import Windows


@dataclass(frozen=True, slots=True)
class Matters:
    """Which versions have to do with each other: those of a rule, and of a matter.

    Attributes:
        of_version: the number of its matter, by the id of the version; 0 is that of versions that
            nobody asks any more.
        count: how many there are.
    """

    of_version: Mapping[int, int]
    count: int

    @classmethod
    def of(cls, versions: Iterable[Version]) -> Matters:
        """Return the matters of versions."""
        names = {one.id: one.rule.matter or f"={one.rule.code}" for one in versions}
        numbers = {name: 1 + n for n, name in enumerate(sorted(set(names.values())))}
        of_version = {version: numbers[name] for version, name in names.items()}
        return cls(of_version, 1 + len(numbers))

    def numbers(self, versions: Int64s) -> Int64s:
        """Return the numbers of the matters of versions."""
        ids, where = np.unique(versions, return_inverse=True)
        numbers = np.array([self.of_version.get(one, 0) for one in ids.tolist()], np.int64)
        return numbers[where] if len(ids) else np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Area:
    """Within which doubts may be others, of each subject (rows) and each matter (columns).

    Attributes:
        subject: ascending.
        begin: µs UTC.
        end: µs UTC; what only touches it lies within.
    """

    subject: Int64s
    begin: Int64s
    end: Int64s

    @classmethod
    def of(cls, windows: Windows, matters: Matters) -> Area:
        """Return windows as an area: all matters alike."""
        begin, end = (
            np.repeat(one[:, np.newaxis], matters.count, axis=1)
            for one in (windows.begin, windows.end)
        )
        return cls(windows.subject, begin, end)

    def where(self, chosen: Bools) -> Area:
        """Return that of some subjects."""
        return Area(self.subject[chosen], self.begin[chosen], self.end[chosen])

    def hull(self) -> Windows:
        """Return windows over all matters."""
        return Windows(self.subject, self.begin.min(axis=1), self.end.max(axis=1))

    def touched(self, spans: Spans) -> Bools:
        """Tell what may be another, if something changed everywhere in the area."""
        if not len(self.subject):
            return np.zeros(len(spans), np.bool_)
        row = np.minimum(np.searchsorted(self.subject, spans.subject), len(self.subject) - 1)
        touched: Bools = (
            (self.subject[row] == spans.subject)
            & (spans.near_since <= self.end[row, spans.matter])
            & (spans.near_until >= self.begin[row, spans.matter])
        )
        return touched

    def over(self, spans: Spans) -> Area:
        """Return an area over spans of its subjects, too."""
        at = (np.searchsorted(self.subject, spans.subject), spans.matter)
        begin, end = self.begin.copy(), self.end.copy()
        np.minimum.at(begin, at, spans.since)
        np.maximum.at(end, at, spans.until)
        return Area(self.subject, begin, end)


@dataclass(frozen=True, slots=True)
class Spans:
    """What stands, or stood, in windows.

    Attributes:
        subject: whose.
        matter: its number.
        since: from then on, µs UTC.
        until: up to then.
        near_since: it may be another if anything changes from then on
        near_until: up to then.
        counts: whether it is found; it was too short otherwise.
        before: whether it may have begun before its window.
        behind: whether it may go on behind it.
    """

    subject: Int64s
    matter: Int64s
    since: Int64s
    until: Int64s
    near_since: Int64s
    near_until: Int64s
    counts: Bools
    before: Bools
    behind: Bools

    def __len__(self) -> int:
        return len(self.subject)

    @classmethod
    def found(cls, subject: Int64s, matter: Int64s, since: Int64s, until: Int64s) -> Spans:
        """Return episodes: nothing of them is open."""
        no = np.zeros(len(subject), np.bool_)
        return cls(subject, matter, since, until, since, until, ~no, no, no)

    @classmethod
    def standing(cls, found: Found, matters: Matters) -> Spans:
        """Return what stands by a version of a rule, for long enough or not."""
        one = found.stretches
        return cls(
            one.subject,
            np.full(len(one), matters.of_version[found.version.id]),
            one.since,
            one.until,
            one.near_since,
            one.near_until,
            one.true_us >= found.version.rule.persistence.for_us,
            one.before,
            one.behind,
        )

    @classmethod
    def joined(cls, parts: Sequence[Spans]) -> Spans:
        """Return all of several."""
        names = cls.__dataclass_fields__
        return cls(*(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    def where(self, chosen: Bools) -> Spans:
        """Return those that are chosen."""
        return Spans(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True, slots=True)
class Settled:
    """What can be told of windows.

    Attributes:
        area: within which doubts may be others; nothing reaches beyond it.
        before: for each window, whether it is too narrow before the area.
        behind: likewise, behind it.
    """

    area: Area
    before: Bools
    behind: Bools


def settle(changed: Area, seen: Windows, spans: Spans) -> Settled:
    """Tell how far around a change doubts may be others than before.

    Args:
        changed: where what rules look at may be another.
        seen: what was looked at of the same subjects; on each side more than what is bridged.
        spans: what stands there, and what was found there up to now.
    """
    area = changed
    while True:
        touched = area.touched(spans)
        wider = area.over(spans.where(touched & spans.counts))
        if np.array_equal(wider.begin, area.begin) and np.array_equal(wider.end, area.end):
            break
        area = wider
    row = np.searchsorted(seen.subject, spans.subject)
    hull = area.hull()
    before, behind = hull.begin < seen.begin, hull.end > seen.end
    before[row[touched & spans.before]] = True
    behind[row[touched & spans.behind]] = True
    return Settled(area, before, behind)
