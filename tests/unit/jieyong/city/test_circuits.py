"""Rules about circuits with a timetable find what they should; less, or too much, when broken."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE, Evaluation, evaluate
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.reading import read_rule_set
from simulators.city import circuits
from simulators.city.plan import TIMED, By, Plan, Wanted

RULES = (Path(__file__).parents[4] / "rules" / "sets" / "default.yaml").read_text("utf-8")
WANTED = tuple(Wanted(kind, By.MINUTES, (60.0, 240.0), 25) for kind in TIMED)


def plan() -> Plan:
    hamlet = read_plan(known()["hamlet"].read_text("utf-8"), "hamlet")
    return replace(
        hamlet, circuits=20, wanted=WANTED, harmless={}, disturbances={}, rooms=2, exempt={}
    )


@cache
def measured(good: str = "", bad: str = "") -> Evaluation:
    assert good in RULES
    text = RULES.replace(good, bad) if good else RULES
    rules = read_rule_set(text, "r.yaml", ZONE).rules
    calendar = DatedCalendar(published_days())
    return evaluate(plan(), 6102, rules, calendar, GaugeSettings())


def found(evaluation: Evaluation, kind: str) -> int:
    return sum(one.delay_s is not None for one in evaluation.tally.told if one.case.kind == kind)


def false(evaluation: Evaluation, rule: str) -> int:
    return sum(one.doubt.rule == rule for one in evaluation.tally.false)


def test_what_is_above_the_floors_is_found_and_little_else() -> None:
    assert {curve.kind for curve in measured().curves} == set(TIMED)
    for curve in measured().curves:
        assert all((size.recall or 0) >= 0.95 for size in curve.sizes), curve
        assert (curve.precision(0) or 0) >= 0.95, curve


@pytest.mark.parametrize(
    ("good", "bad", "kind"),
    [
        ("hours: boiled-water\n    for: 1h", "hours: boiled-water\n    for: 3h", TIMED[0]),
        ("hours: landscape\n    for: 30m", "hours: landscape\n    for: 3h", TIMED[1]),
    ],
)
def test_a_rule_that_is_too_slack_finds_less(good: str, bad: str, kind: str) -> None:
    assert found(measured(good, bad), kind) < found(measured(), kind)


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        ("workday: [06:30-18:30]", "workday: []", "boiled-water-outside-schedule"),
        ("fire-control-room, overtime]", "fire-control-room]", "boiled-water-outside-schedule"),
        ("holiday: [18:00-22:30]", "holiday: []", "lighting-landscape"),
        ("    except: [event]\n", "", "lighting-landscape"),
    ],
)
def test_a_rule_that_is_too_strict_raises_false_doubts(good: str, bad: str, rule: str) -> None:
    assert false(measured(good, bad), rule) > false(measured(), rule)


def test_too_few_circuits_are_refused() -> None:
    with pytest.raises(ValueError, match="fewer of it, or more"):
        circuits.live(replace(plan(), institutions=1, circuits=2), 1)
