"""Tests of rules as people write them: what is measured, and which doubts shall come of it.

Such a file stands beside a rule set and is run by ``jieyong rules test``; nothing is read from or
written to a database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.gauge.hold import Holds, holds, of_one
from metering.gauge.settings import GaugeSettings
from registry.calendar import Calendar
from registry.document import Entry, Problems, compose
from rules.derive.evaluate import Layers, evaluate, whose
from rules.derive.hours import of_all, working
from rules.kinds.aircon import MODES
from rules.kinds.model import Input
from rules.ruleset.model import RuleSet, Version
from rules.subjects.catalogue import SUBJECTS
from rules.timeline.overlay import Windows
from storage.times import ALWAYS_US, NEVER_US, us_of

_MINUTE_US: Final = 60_000_000
_STEP: Final = re.compile(r"(\?|-?\d+(?:\.\d+)?|[^\s@\d?]+)@(\d{1,5})m")
_OFFSET: Final = re.compile(r"(\d{1,5})m")
_LAYER_S: Final = 400 * 86_400
_SUBJECT: Final = np.array([1], np.int64)
_POINTS: Final = tuple(Input)
_GAUGES: Final = (Input.SET_POINT, Input.ROOM_TEMPERATURE, Input.LUX, Input.POWER)

Told = tuple[str, int, int]
"""Code of a rule, and from when to when in minutes after the begin."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test.

    Attributes:
        name: what it shows.
        begin: of the time that is looked at, UTC.
        minutes: how long it is.
        series: by point or layer; minute and value, NaN for a reading without a value.
        tags: what the place is, all the time.
        expected: doubts, ascending.
        line: where it stands in its file.
    """

    name: str
    begin: datetime
    minutes: int
    series: Mapping[str, Sequence[tuple[int, float]]]
    tags: frozenset[str]
    expected: tuple[Told, ...]
    line: int


def read_trials(text: str, source: str, zone: ZoneInfo, rules: RuleSet) -> list[Trial]:
    """Read tests of a rule set.

    Args:
        text: YAML.
        source: the file's name, for what is said about it.
        zone: of times without an offset.
        rules: which they are of.

    Raises:
        InventoryError: something is wrong: every problem with its line.
    """
    problems = Problems(source)
    top = compose(text, "rule tests", problems)
    top.optional_text("rules")
    codes = [rule.code for rule in rules.rules]
    listed = top.entries("tests", "test") if top.has("tests") else []
    found = [_trial(entry, zone, codes) for entry in listed]
    top.finish()
    problems.raise_if_any()
    return found


def rules_of(text: str, source: str) -> str:
    """Return the file of the rule set that tests are of, as they name it.

    Raises:
        InventoryError: they name none.
    """
    problems = Problems(source)
    named = compose(text, "rule tests", problems).text("rules")
    problems.raise_if_any()
    return named


def run(trial: Trial, rules: RuleSet, calendar: Calendar, zone: ZoneInfo) -> list[Told]:
    """Return the doubts that rules find in what a test says was measured."""
    begin = us_of(trial.begin)
    window = Windows(_SUBJECT, np.array([begin]), np.array([begin + trial.minutes * _MINUTE_US]))
    end = int(window.end[0])
    settings = GaugeSettings()
    versions = [Version(n, rule, ALWAYS_US, NEVER_US) for n, rule in enumerate(rules.rules)]
    hours = {rule.hours.code: rule.hours for rule in rules.rules if rule.hours}
    # Whose it is, is not what tests of rules are about.
    theirs = {whose(code) for rule in rules.rules for code in rule.institutions}
    layers = Layers(
        {name: [_held(name, steps, begin, settings)] for name, steps in trial.series.items()},
        {tag: Holds(_SUBJECT, window.begin, window.end, np.ones(1)) for tag in trial.tags | theirs},
        {
            code: of_all(working(one, calendar, zone, begin, end), window)
            for code, one in hours.items()
        },
    )
    return sorted(
        (one.version.rule.code, (since - begin) // _MINUTE_US, (until - begin) // _MINUTE_US)
        for one in evaluate(versions, layers, window)
        for since, until in zip(one.runs.since.tolist(), one.runs.until.tolist(), strict=True)
    )


def _held(
    name: str, steps: Sequence[tuple[int, float]], begin: int, settings: GaugeSettings
) -> Holds:
    silence = _silence_s(name, settings)
    ts = np.array([begin + minute * _MINUTE_US for minute, _ in steps], np.int64)
    found = holds(of_one(ts, np.array([value for _, value in steps])), silence * 1_000_000)
    return Holds(np.ones(len(found), np.int64), found.since, found.until, found.value)


def _silence_s(name: str, settings: GaugeSettings) -> int:
    """How long a value holds at most, s; that of a layer nobody measures, until the next one."""
    if name in _GAUGES:
        return settings.gauge_silence_s
    return settings.state_silence_s if name in _POINTS else _LAYER_S


def _trial(entry: Entry, zone: ZoneInfo, codes: Sequence[str]) -> Trial:
    name = entry.text("name")
    if not entry.has("begin"):
        entry.problem("begin", "begin is missing: a local time, like 2026-07-06 09:00")
    begin = entry.moment("begin", zone)
    minutes = entry.integer("minutes", 1, 60 * 24 * 60)
    section = entry.section("series")
    if section is None:
        entry.problem("series", "series is missing: what is measured, by point")
    series = {} if section is None else _series(section)
    tags = frozenset(entry.texts("tags"))
    expected = entry.entries("expect", "doubt") if entry.has("expect") else []
    told = sorted(_told(one, codes) for one in expected)
    entry.finish()
    return Trial(name, begin or datetime.now(zone), minutes, series, tags, tuple(told), entry.line)


def _series(section: Entry) -> dict[str, list[tuple[int, float]]]:
    names = sorted({name for one in SUBJECTS.values() for name in one.words})
    found = {name: _steps(section, name) for name in names if section.has(name)}
    section.finish()
    return found


def _steps(section: Entry, name: str) -> list[tuple[int, float]]:
    steps: list[tuple[int, float]] = []
    for written in section.text(name).split():
        match = _STEP.fullmatch(written)
        value = None if match is None else _value(match[1])
        if match is None or value is None or (steps and int(match[2]) <= steps[-1][0]):
            example = "write values at minutes in their order: 24@0m 26@40m ?@50m, 制冷@0m"
            section.problem(name, f"{name}: {written}: {example}")
            continue
        steps.append((int(match[2]), value))
    return steps


def _value(written: str) -> float | None:
    if written == "?":
        return float("nan")
    if written in MODES:
        return float(MODES[written])
    try:
        return float(written)
    except ValueError:
        return None


def _told(entry: Entry, codes: Sequence[str]) -> Told:
    rule = entry.reference("rule", "rule", codes)
    bounds = [_minute(entry, key) for key in ("from", "until")]
    entry.finish()
    return rule, bounds[0], bounds[1]


def _minute(entry: Entry, key: str) -> int:
    written = entry.text(key)
    match = _OFFSET.fullmatch(written)
    if match is None:
        entry.problem(key, f"{key} is {written}: write minutes after the begin, like 40m")
        return 0
    return int(match[1])
