"""Simulated places as rules take them: what was measured becomes layers, as production makes them.

The same functions as in production say how long a value holds and which doubts follow; what the
database does in between is held against this by a test on a small city.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from jieyong.evaluation.city.score import Doubt
from metering.gauge.hold import Holds, Samples, clip, holds
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.derive.evaluate import Found, Layers, evaluate
from rules.derive.hours import of_all, working
from rules.kinds.model import ABSENT, Sort
from rules.ruleset.model import Rule, Version
from rules.timeline.overlay import Windows
from simulators.city.model import Series, Subject
from storage.times import ALWAYS_US, NEVER_US

_SECOND_US: Final = 1_000_000
_GAUGES: Final = frozenset({"set_point", "lux", "power"})
_AFTER_US: Final = 12 * 3_600 * _SECOND_US


@dataclass(frozen=True, slots=True)
class Basis:
    """What doubts rest on besides what was measured.

    Attributes:
        rules: in force all the time, of one or several sets.
        gauges: how long values hold.
        calendar: of the platform, which is not the scenario's.
        zone: of the site.
        begin_s: of the city's time, UTC.
        end_s: of it.
    """

    rules: Sequence[Rule]
    gauges: GaugeSettings
    calendar: Calendar
    zone: ZoneInfo
    begin_s: int
    end_s: int

    @property
    def until_us(self) -> int:
        """What is looked at ends so much later that what goes on then has its end."""
        return self.end_s * _SECOND_US + _AFTER_US


@dataclass(frozen=True, slots=True)
class Laid:
    """Subjects of a sort, by number, with what is known of them as layers."""

    sort: Sort
    subjects: Sequence[Subject]
    layers: Layers
    windows: Windows

    def doubts(self, rules: Sequence[Rule]) -> list[Doubt]:
        """Return what rules find: those for which it was laid, or others about the same.

        Raises:
            ValueError: see :func:`rules.derive.evaluate.evaluate`.
        """
        versions = [
            Version(number, rule, ALWAYS_US, NEVER_US)
            for number, rule in enumerate(rules)
            if rule.kind.sort is self.sort and set(rule.kind.inputs) <= self.layers.inputs.keys()
        ]
        found = evaluate(versions, self.layers, self.windows) if versions else []
        return [doubt for one in found for doubt in told(one, self.subjects)]


def laid(
    sort: Sort,
    subjects: Sequence[Subject],
    inputs: Mapping[str, Sequence[Holds]],
    windows: Windows,
    rules: Sequence[Rule],
) -> Laid:
    """Lay what is known of subjects, with their tags as far as rules name them."""
    words = {word for one in rules if one.kind.sort is sort for word in one.only | one.without}
    tags = {word: tagged(word, subjects) for word in sorted(words)}
    return Laid(sort, subjects, Layers(inputs, tags, {}), windows)


def doubts(subjects: Sequence[Subject], basis: Basis) -> list[Doubt]:
    """Return what the rules find at simulated places.

    Raises:
        ValueError: see :func:`rules.derive.evaluate.evaluate`.
    """
    groups: dict[frozenset[str], list[Subject]] = {}
    for one in subjects:
        names = frozenset(series.point for series in (*one.series, *one.beside))
        groups.setdefault(names, []).append(one)
    return [doubt for names, group in groups.items() for doubt in _of_group(names, group, basis)]


def _of_group(names: frozenset[str], group: Sequence[Subject], basis: Basis) -> Iterator[Doubt]:
    versions = [
        Version(number, rule, ALWAYS_US, NEVER_US)
        for number, rule in enumerate(basis.rules)
        if rule.kind.sort is Sort.PLACE and set(rule.kind.inputs) <= names
    ]
    places = np.arange(len(group))
    begin, end = basis.begin_s * _SECOND_US, basis.until_us
    windows = Windows(places, np.full(len(group), begin), np.full(len(group), end))
    hours = {one.rule.hours.code: one.rule.hours for one in versions if one.rule.hours}
    words = {word for one in versions for word in one.rule.only | one.rule.without}
    layers = Layers(
        {name: _sources(name, group, basis) for name in sorted(names)},
        {word: tagged(word, group) for word in sorted(words)},
        {
            code: of_all(working(one, basis.calendar, basis.zone, begin, end), windows)
            for code, one in hours.items()
        },
    )
    for found in evaluate(versions, layers, windows):
        yield from told(found, group)


def told(found: Found, group: Sequence[Subject]) -> Iterator[Doubt]:
    """Return what a version found, as doubts about subjects; those of its runs are positions."""
    rule, runs = found.version.rule, found.runs
    columns = (runs.subject, runs.since, runs.confirmed, runs.until)
    for place, *moments in zip(*(column.tolist() for column in columns), strict=True):
        since, confirmed, until = (moment // _SECOND_US for moment in moments)
        yield Doubt(group[place].code, rule.kind.code, rule.code, since, confirmed, until)


def _sources(name: str, group: Sequence[Subject], basis: Basis) -> list[Holds]:
    """What the devices of each place hold, the newest devices first."""
    told = [
        [one for one in (*subject.series, *subject.beside) if one.point == name]
        for subject in group
    ]
    silence_s = basis.gauges.gauge_silence_s if name in _GAUGES else basis.gauges.state_silence_s
    ranks = max(len(devices) for devices in told)
    by_rank = [[devices[rank : rank + 1] for devices in told] for rank in range(ranks)]
    return [_together([_held(d, name, silence_s, basis) for d in devices]) for devices in by_rank]


def _held(device: Sequence[Series], name: str, silence_s: int, basis: Basis) -> Holds:
    """What one device of a place holds; none: where there are fewer of them than elsewhere."""
    # The reference profile numbers its modes as rules do: its labels need no translation here.
    bounds = [(one.since_s * _SECOND_US, one.until_s * _SECOND_US) for one in device]
    parts = [_bound(one, silence_s, *span) for one, span in zip(device, bounds, strict=True)]
    if name == "occupancy":
        parts.append(_away(bounds[0] if bounds else (basis.until_us, basis.until_us), basis))
    found = _together(parts)
    order = np.argsort(found.since)
    return Holds(
        np.zeros(len(found), np.int64), found.since[order], found.until[order], found.value[order]
    )


def _away(span: tuple[int, int], basis: Basis) -> Holds:
    """When a sensor of people does not hang there."""
    since = np.array([basis.begin_s * _SECOND_US, span[1]], np.int64)
    until = np.array([span[0], basis.until_us], np.int64)
    found = Holds(np.zeros(2, np.int64), since, until, np.full(2, ABSENT))
    return found.where(since < until)


def _bound(series: Series, silence_s: int, since_us: int, until_us: int) -> Holds:
    subject = np.zeros(len(series.ts), np.int64)
    found = holds(Samples(subject, series.ts, series.value), silence_s * _SECOND_US)
    return clip(found, np.full(len(found), since_us), np.full(len(found), until_us))


def _together(parts: Sequence[Holds]) -> Holds:
    """Put parts together, each as another subject."""
    nothing = np.empty(0, np.int64)
    whose = [np.full(len(found), number) for number, found in enumerate(parts)]
    return Holds(
        np.concatenate([nothing, *whose]),
        np.concatenate([nothing, *(found.since for found in parts)]),
        np.concatenate([nothing, *(found.until for found in parts)]),
        np.concatenate([np.empty(0), *(found.value for found in parts)]),
    )


def tagged(word: str, group: Sequence[Subject]) -> Holds:
    """Return when which subjects hold a tag."""
    spans = [
        (
            place,
            ALWAYS_US if tag.since_s is None else tag.since_s * _SECOND_US,
            NEVER_US if tag.until_s is None else tag.until_s * _SECOND_US,
        )
        for place, subject in enumerate(group)
        for tag in subject.tags
        if tag.word == word
    ]
    place, begin, end = np.array(spans, np.int64).reshape(-1, 3).T
    return Holds(place, begin, end, np.ones(len(spans)))
