"""Reads a rule set, and tells every mistake at once with its line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from notify.model import Severity
from registry import tag_words
from registry.day_kind import DayKind
from registry.document import Entry, Problems, compose
from rules.kinds import custom
from rules.kinds.catalogue import CODES, KINDS
from rules.kinds.model import Kind, Parameter
from rules.ruleset.model import Escalation, Hours, Rule, RuleSet
from rules.timeline.persistence import Persistence

_DURATION: Final = re.compile(r"(\d{1,6})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S: Final = 400 * 86_400
_WORKDAYS: Final = re.compile(r"([1-9]\d?)d")
_SPAN: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_NUMBER: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?")
_DAY_MINUTES: Final = 24 * 60


def read_rule_set(text: str, source: str, zone: ZoneInfo) -> RuleSet:
    """Read a rule set.

    Args:
        text: YAML.
        source: the file's name, for what is said about it.
        zone: of dates without an offset.

    Raises:
        InventoryError: something is wrong: every problem with its line. Nothing else happened.
    """
    problems = Problems(source)
    top = compose(text, "rule set", problems)
    code, title = top.text("code"), top.text("title")
    hours, above = _hours(top), _escalations(top)
    rules: dict[str, Rule] = {}
    for entry in top.entries("rules", "rule") if _required(top, "rules") else []:
        rule = _rule(entry, hours, above, zone)
        if rule is None:
            continue
        if rule.code in rules:
            first = rules[rule.code].line
            entry.problem("code", f"this code stands in line {first} already: give it another")
        rules[rule.code] = rule
    top.finish()
    problems.raise_if_any()
    return RuleSet(code, title, tuple(rules.values()), text)


def _required(entry: Entry, key: str) -> bool:
    if not entry.has(key):
        entry.problem(key, f"{key} is missing: add it")
        return False
    return True


def _rule(
    entry: Entry,
    hours: Mapping[str, Hours],
    above: Mapping[Severity, Escalation],
    zone: ZoneInfo,
) -> Rule | None:
    code, title, kind = entry.text("code"), entry.text("title"), _kind(entry)
    severity = entry.choice("severity", [s.value for s in Severity])
    source = entry.text("source")
    reported = kind is not None and kind.reported
    persistence = Persistence(0) if reported else _persistence(entry)
    only, without = _tags(entry, "only"), _tags(entry, "except")
    since, until = entry.moment("from", zone), entry.moment("until", zone)
    if since is not None and until is not None and until <= since:
        entry.problem("until", "until is not after from")
    route = entry.optional_text("route")
    matter = entry.optional_text("matter")
    named = _hours_of(entry, hours, kind)
    values = {} if kind is None else _values(entry, kind)
    reading = entry.optional_text("reading") if reported else None
    institutions = frozenset(entry.texts("institutions"))
    own = entry.section("escalate")
    escalation = None if own is None else _escalation(own)
    entry.finish()
    if kind is None or severity not in set(Severity):
        return None
    return Rule(
        code,
        title,
        kind,
        values,
        persistence,
        named,
        only,
        without,
        since,
        until,
        Severity(severity),
        route,
        source,
        entry.line,
        escalation or above.get(Severity(severity)),
        reading,
        institutions,
        matter,
    )


def _persistence(entry: Entry) -> Persistence:
    return Persistence(*(_duration(entry, key) for key in ("for", "gap", "silence")))


def _escalations(top: Entry) -> dict[Severity, Escalation]:
    """Read what holds for rules without their own, by their severity."""
    section = top.section("escalate")
    if section is None:
        return {}
    named = {one: section.section(one.value) for one in Severity}
    section.finish()
    return {one: _escalation(entry) for one, entry in named.items() if entry is not None}


def _escalation(entry: Entry) -> Escalation:
    written = entry.text("after")
    match = _WORKDAYS.fullmatch(written)
    if match is None:
        entry.problem("after", f"after is {written}: write workdays from 1d to 99d, like 3d")
    route = entry.optional_text("route")
    entry.finish()
    return Escalation(1 if match is None else int(match[1]), route)


def _tags(entry: Entry, key: str) -> frozenset[str]:
    found = frozenset(entry.texts(key))
    for tag in sorted(found - tag_words.known().keys()):
        if not tag.startswith(tag_words.OWN):
            near = entry.nearest(tag, tag_words.known())
            advice = "take one of `jieyong tag words`, or begin a word of your own with x-"
            entry.problem(key, f"{key}: {tag} is no tag that is known{near}: {advice}")
    return found


def _kind(entry: Entry) -> Kind | None:
    code = entry.choice("kind", sorted(CODES))
    return _written(entry) if code == custom.CODE else KINDS.get(code)


def _written(entry: Entry) -> Kind | None:
    """Read a condition that people wrote themselves."""
    expression = entry.text("expression")
    try:
        return custom.kind_of(expression) if expression else None
    except custom.ExpressionError as error:
        entry.problem("expression", f"expression {expression}: {error}")
        return None


def _hours_of(entry: Entry, hours: Mapping[str, Hours], kind: Kind | None) -> Hours | None:
    if kind is None or not kind.hours:
        return None
    return hours.get(entry.reference("hours", "working hours", hours))


def _values(entry: Entry, kind: Kind) -> dict[str, float]:
    return {name: _value(entry, name, one) for name, one in kind.parameters.items()}


def _value(entry: Entry, name: str, parameter: Parameter) -> float:
    if not entry.has(name):
        if parameter.default is None:
            entry.problem(name, f"{name} is missing: {parameter.what}, {parameter.unit}")
        return parameter.default or 0.0
    written = entry.text(name)
    if not _NUMBER.fullmatch(written):
        entry.problem(name, f"{name} is {written}: write a number, {parameter.unit}")
        return 0.0
    if not parameter.low <= float(written) <= parameter.high:
        bounds = f"{parameter.low:g} to {parameter.high:g} {parameter.unit}"
        entry.problem(name, f"{name} is {written}: it must be from {bounds}")
    return float(written)


def _duration(entry: Entry, key: str) -> int:
    """Read a time like 15m, 2h or 1d as µs; nothing written is none."""
    if not entry.has(key):
        if key == "for":
            entry.problem(key, "for is missing: how long it must hold, 15m or 2h")
        return 0
    written = entry.text(key)
    match = _DURATION.fullmatch(written)
    if match is None:
        entry.problem(key, f"{key} is {written}: write a number and s, m, h or d, like 15m")
        return 0
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > _LONGEST_S or (key == "for" and not seconds):
        entry.problem(key, f"{key} is {written}: it must be above 0 and at most 400d")
    return min(seconds, _LONGEST_S) * 1_000_000


def _hours(top: Entry) -> dict[str, Hours]:
    if not top.has("hours"):
        return {}
    found: dict[str, Hours] = {}
    for entry in top.entries("hours", "working hours"):
        code = entry.text("code")
        if code in found:
            entry.problem("code", "these hours stand here twice: give one another code")
        found[code] = Hours(code, {kind: _spans(entry, kind.value) for kind in DayKind})
        entry.finish()
    return found


def _spans(entry: Entry, key: str) -> tuple[tuple[int, int], ...]:
    if not _required(entry, key):
        return ()
    spans: list[tuple[int, int]] = []
    for written in entry.texts(key):
        match = _SPAN.fullmatch(written)
        begin, end = (-math.inf, -math.inf) if match is None else _minutes(match)
        after = spans[-1][1] if spans else 0
        if not after <= begin < end <= _DAY_MINUTES:
            example = "write times of the day in their order, like 08:00-12:00"
            entry.problem(key, f"{key} {written}: {example}")
            continue
        spans.append((int(begin), int(end)))
    return tuple(spans)


def _minutes(match: re.Match[str]) -> tuple[int, int]:
    a, b, c, d = (int(group) for group in match.groups())
    return a * 60 + b, c * 60 + d
