"""Simulated places as rules take them: what was measured becomes layers, as production makes them.

The same functions as in production say how long a value holds and which doubts follow; what the
database does in between is held against this by a test on a small city.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from jieyong.evaluation.city.score import Doubt
from metering.counter.model import Int64s
from metering.gauge.hold import Holds, Samples, clip, holds
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from rules.derive.evaluate import Found, Layers, Version, evaluate
from rules.derive.hours import of_all, working
from rules.kinds.model import Input
from rules.ruleset.model import RuleSet
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
        rules: in force all the time.
        gauges: how long values hold.
        calendar: of the platform, which is not the scenario's.
        zone: of the site.
        begin_s: of the city's time, UTC.
        end_s: of it.
    """

    rules: RuleSet
    gauges: GaugeSettings
    calendar: Calendar
    zone: ZoneInfo
    begin_s: int
    end_s: int


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
        for number, rule in enumerate(basis.rules.rules)
        if {name.value for name in rule.kind.inputs} <= names
    ]
    places = np.arange(len(group))
    begin, end = basis.begin_s * _SECOND_US, basis.end_s * _SECOND_US + _AFTER_US
    windows = Windows(places, np.full(len(group), begin), np.full(len(group), end))
    hours = {one.rule.hours.code: one.rule.hours for one in versions if one.rule.hours}
    words = {word for one in versions for word in one.rule.only | one.rule.without}
    layers = Layers(
        {name: _sources(name, group, basis) for name in sorted(names)},
        {word: _tagged(word, group) for word in sorted(words)},
        {
            code: of_all(working(one, basis.calendar, basis.zone, begin, end), windows)
            for code, one in hours.items()
        },
    )
    for found in evaluate(versions, layers, windows):
        yield from _told(found, group)


def _told(found: Found, group: Sequence[Subject]) -> Iterator[Doubt]:
    rule, runs = found.version.rule, found.runs
    columns = (runs.subject, runs.since, runs.confirmed, runs.until)
    for place, *moments in zip(*(column.tolist() for column in columns), strict=True):
        since, confirmed, until = (moment // _SECOND_US for moment in moments)
        yield Doubt(group[place].code, rule.kind.code, rule.code, since, confirmed, until)


def _sources(name: str, group: Sequence[Subject], basis: Basis) -> list[Holds]:
    """What the devices of each place hold, the newest devices first."""
    of_place = [
        [one for one in (*subject.series, *subject.beside) if one.point == name]
        for subject in group
    ]
    ranks = max((len(found) for found in of_place), default=0)
    silence = basis.gauges.gauge_silence_s if name in _GAUGES else basis.gauges.state_silence_s
    return [
        _together(
            [
                (place, _held(found[rank], silence))
                for place, found in enumerate(of_place)
                if rank < len(found)
            ]
        )
        for rank in range(ranks)
    ]


def _held(series: Series, silence_s: int) -> Holds:
    # The reference profile numbers its modes as rules do: its labels need no translation here.
    subject = np.zeros(len(series.ts), np.int64)
    found = holds(Samples(subject, series.ts, series.value), silence_s * _SECOND_US)
    since, until = (
        np.full(len(found), at * _SECOND_US) for at in (series.since_s, series.until_s)
    )
    return clip(found, since, until)


def _together(parts: Sequence[tuple[int, Holds]]) -> Holds:
    places: Int64s = np.concatenate([np.full(len(found), place) for place, found in parts])
    return Holds(
        places,
        np.concatenate([found.since for _, found in parts]),
        np.concatenate([found.until for _, found in parts]),
        np.concatenate([found.value for _, found in parts]),
    )


def _tagged(word: str, group: Sequence[Subject]) -> Holds:
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


def names_known() -> frozenset[str]:
    """Return the points that rules can look at."""
    return frozenset(name.value for name in Input)
