"""Rule sets that people write: read whole, every mistake with its line."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from notify.model import Severity
from registry.day_kind import DayKind
from registry.document import InventoryError
from rules.kinds.catalogue import KINDS
from rules.ruleset.model import Escalation, RuleSet
from rules.ruleset.reading import read_rule_set
from rules.ruleset.restored import restored
from rules.timeline.overlay import Pieces
from rules.timeline.persistence import Persistence

ZONE = ZoneInfo("Asia/Shanghai")
SETS = [p for p in sorted(Path("rules/sets").glob("*.yaml")) if ".test." not in p.name]
HEAD = """\
code: s
title: 测试
hours:
  - {code: office, workday: [08:00-12:00, 14:00-18:00], weekend: [], holiday: []}
rules:
"""
ONE = """\
  - code: cold
    kind: aircon.cooling
    title: 制冷
    for: 15m
    severity: notice
    source: 42号
"""


def read(text: str) -> RuleSet:
    return read_rule_set(text, "r.yaml", ZONE)


def problems(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        read(text)
    return str(caught.value).split("\n")


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.name)
def test_every_rule_set_that_comes_along_can_be_read(path: Path) -> None:
    found = read_rule_set(path.read_text("utf-8"), path.name, ZONE)
    assert found.rules
    for rule in found.rules:
        assert "{" not in rule.sentence()
        assert not set(rule.sentence() + rule.title) & set("违骗")


def test_what_is_not_written_has_its_default() -> None:
    (rule,) = read(HEAD + ONE).rules
    assert rule.values == {"at_least": 26.0, "tolerance": 0.5}
    assert rule.persistence == Persistence(15 * 60_000_000)
    assert (rule.severity, rule.hours, rule.only) == (Severity.NOTICE, None, frozenset())


def test_working_hours_are_minutes_of_the_local_day() -> None:
    text = HEAD + ONE.replace("aircon.cooling", "aircon.outside_hours") + "    hours: office\n"
    (rule,) = read(text).rules
    assert rule.hours is not None
    assert rule.hours.of_day[DayKind.WORKDAY] == ((480, 720), (840, 1080))


def test_all_mistakes_are_told_at_once_with_their_lines() -> None:
    text = HEAD + ONE.replace("15m", "15").replace("notice", "bad").replace(
        "42号", "42号\n    at_leas: 3"
    )
    assert problems(text) == [
        "r.yaml:9: rule cold: for is 15: write a number and s, m, h or d, like 15m",
        "r.yaml:10: rule cold: severity bad is not known: use one of notice, warning, urgent",
        "r.yaml:12: rule cold: at_leas is not a key that is known here (did you mean at_least?)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: aircon.cooling", "kind: aircon.coolin", "did you mean aircon.cooling?"),
        ("for: 15m", "for: 0m", "above 0"),
        ("for: 15m", "gap: 1m", "for is missing"),
        ("42号", "42号\n    at_least: 99", "it must be from 10 to 40 ℃"),
        ("42号", "42号\n    at_least: warm", "write a number"),
        ("42号", "42号\n    except: ward", "must be a list"),
        ("42号", "42号\n    except: [wrad]", "did you mean ward?"),
        ("42号", "42号\n    from: 2026-02-01\n    until: 2026-01-01", "until is not after from"),
        ("aircon.cooling", "aircon.outside_hours", "hours is missing"),
        ("aircon.cooling", "lighting.power_never_off", "on_above is missing"),
    ],
)
def test_a_mistake_says_what_to_do(old: str, new: str, said: str) -> None:
    text = HEAD + ONE.replace(old, new)
    assert any(said in line for line in problems(text)), problems(text)


@pytest.mark.parametrize(
    "spans", ["[18:00-08:00]", "[8:00-9:00]", "[08:00-12:00, 11:00-13:00]", "[24:30-24:40]"]
)
def test_times_of_a_day_follow_one_another(spans: str) -> None:
    text = HEAD.replace("[08:00-12:00, 14:00-18:00]", spans) + ONE
    assert any("write times of the day" in line for line in problems(text))


def test_a_code_stands_once() -> None:
    assert any("this code stands in line 6 already" in line for line in problems(HEAD + ONE + ONE))


def test_what_changes_no_doubt_changes_no_version() -> None:
    (one,) = read(HEAD + ONE).rules
    (named,) = read(HEAD + ONE.replace("制冷", "制冷偏低").replace("notice", "urgent")).rules
    (other,) = read(HEAD + ONE.replace("15m", "16m")).rules
    assert one.digest == named.digest != other.digest


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.name)
def test_a_rule_comes_back_from_the_database_as_it_went_in(path: Path) -> None:
    for rule in read_rule_set(path.read_text("utf-8"), path.name, ZONE).rules:
        back = restored(
            rule.code, rule.title, rule.severity.value, rule.route, rule.source, rule.meaning
        )
        assert back.digest == rule.digest


def test_every_kind_is_on_its_page_with_its_parameters() -> None:
    page = Path("docs/rules.md").read_text("utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    for code, kind in KINDS.items():
        assert kind.label in rows[code]
        for name, parameter in kind.parameters.items():
            assert f"`{name}`" in rows[code]
            if parameter.default is not None:
                assert f"`{name}` {parameter.default:g} {parameter.unit}" in rows[code]


def test_escalation_is_of_the_rule_or_else_of_its_severity() -> None:
    above = "escalate:\n  notice: {after: 5d}\n  urgent: {after: 1d, route: chief}\n"
    own = ONE.replace("code: cold", "code: own\n    escalate: {after: 3d, route: bureau}")
    text = HEAD.replace("rules:", above + "rules:") + ONE + own
    urgent = ONE.replace("code: cold", "code: now").replace("severity: notice", "severity: urgent")
    found = [rule.escalation for rule in read(text + urgent).rules]
    assert found == [Escalation(5, None), Escalation(3, "bureau"), Escalation(1, "chief")]
    assert read(HEAD + ONE).rules[0].escalation is None
    # What people do about doubts does not decide which there are.
    assert read(text).rules[0].digest == read(HEAD + ONE).rules[0].digest


@pytest.mark.parametrize("after", ["0d", "3h", "soon", "100d"])
def test_a_deadline_is_in_workdays(after: str) -> None:
    text = HEAD + ONE.replace("code: cold", f"code: cold\n    escalate: {{after: {after}}}")
    with pytest.raises(InventoryError, match=rf":\d+: escalate: after is {after}: write workdays"):
        read(text)


def test_a_rule_of_a_newer_kind_fails_alone_and_says_why() -> None:
    (rule,) = read(HEAD + ONE).rules
    meaning = {**rule.meaning, "kind": "lift.second"}
    newer = restored("cold", "t", "notice", None, "s", meaning)
    assert newer.meaning == meaning
    nothing = np.empty(0, np.int64)
    with pytest.raises(LookupError, match=r"this program knows no kind lift\.second"):
        newer.kind.holds(Pieces(nothing, nothing, nothing, {}), newer.values)
