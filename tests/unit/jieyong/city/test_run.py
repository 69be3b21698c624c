"""The measurement can fail: a rule that is broken on purpose lowers its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE, Evaluation, evaluate
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.model import Rule
from rules.ruleset.reading import read_rule_set
from simulators.city.plan import Plan

SETS = Path(__file__).parents[4] / "rules" / "sets"
FILES = [(SETS / name).read_text("utf-8") for name in ("default.yaml", "lighting-by-power.yaml")]


@cache
def measured(good: str = "", bad: str = "") -> Evaluation:
    """Measure the default rules with one word changed wherever it stands."""
    assert any(good in text for text in FILES)
    changed = [text.replace(good, bad) if good else text for text in FILES]
    return evaluated(hamlet(), rules_of(changed))


def hamlet() -> Plan:
    return read_plan(known()["hamlet"].read_text("utf-8"), "hamlet")


def rules_of(texts: Sequence[str]) -> list[Rule]:
    return [rule for text in texts for rule in read_rule_set(text, "r.yaml", ZONE).rules]


def evaluated(plan: Plan, rules: Sequence[Rule]) -> Evaluation:
    return evaluate(plan, 11, rules, DatedCalendar(published_days()), GaugeSettings())


def found(evaluation: Evaluation, kind: str) -> int:
    """By their own rule."""
    return sum(
        one.delay_s is not None and one.case.told and not one.otherwise
        for one in evaluation.tally.told
        if one.case.kind == kind
    )


def false(evaluation: Evaluation, rule: str) -> int:
    return sum(one.doubt.rule == rule for one in evaluation.tally.false)


def test_the_default_rules_find_what_they_should_in_a_small_place() -> None:
    assert {one.kind for one in measured().curves if sum(s.found for s in one.sizes)} == {
        one.kind for one in measured().curves
    }
    assert len(measured().tally.false) == 0


@pytest.mark.parametrize(
    ("good", "bad", "kind"),
    [
        ("at_least: 26", "at_least: 24", "aircon.cooling"),
        ("for: 1h", "for: 20h", "aircon.outside_hours"),
        ("lamps: 500", "lamps: 2000", "lighting.daylight"),
        ("on_above: 20", "on_above: 900", "lighting.power_never_off"),
        ("for: 36h", "for: 90h", "lighting.never_off"),
    ],
)
def test_a_rule_that_is_too_slack_finds_less(good: str, bad: str, kind: str) -> None:
    assert found(measured(good, bad), kind) < found(measured(), kind)


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ("at_least: 26", "at_least: 30", "cooling-below-26"),
        (", overtime, emergency-response, event]", "]", "lighting-outside-hours"),
        ("workday: [07:30-19:00]", "workday: [07:30-12:00]", "lighting-outside-hours"),
        ("    for: 45m\n    gap: 1m", "    for: 5m\n    gap: 10m", "lighting-nobody"),
        ("lamps: 500", "lamps: 0", "lighting-daylight"),
        ("for: 36h", "for: 1h", "lighting-never-off"),
    ],
)
def test_a_rule_that_is_too_strict_raises_false_doubts(good: str, bad: str, rule: str) -> None:
    assert false(measured(good, bad), rule) > false(measured(), rule)


def test_two_rules_of_one_matter_raise_one_doubt() -> None:
    apart = measured("    matter: lamps-left-on\n", "")
    assert apart.tally.doubts > measured().tally.doubts
    spoken = [one for one in measured().tally.told if one.otherwise]
    assert {one.case.kind for one in spoken} >= {"lighting.outside_hours"}


def test_landscape_lighting_that_burns_every_evening_is_rightly_asked_about() -> None:
    plan = replace(hamlet(), exempt={"landscape-lighting": 1}, harmless={}, disturbances={})
    asked = evaluated(
        plan, [one for one in rules_of(FILES) if one.kind.code == "lighting.landscape"]
    )
    assert asked.tally.doubts > 0
    assert asked.tally.false == []
