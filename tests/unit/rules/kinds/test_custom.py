"""Conditions that people write: what they may say, and what they hold true."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from registry.document import InventoryError
from rules.kinds.custom import ExpressionError, kind_of
from rules.kinds.model import Sort
from rules.ruleset.model import RuleSet
from rules.ruleset.reading import read_rule_set
from rules.ruleset.restored import restored
from rules.timeline.overlay import Pieces
from rules.timeline.truth import FALSE, TRUE, UNKNOWN

NAN = float("nan")
TEXT = """\
code: s
title: t
rules:
  - code: own
    kind: custom
    title: 自定义
    expression: EXPRESSION
    for: 15m
    severity: notice
    source: 惯例
"""


def read(expression: str) -> RuleSet:
    text = TEXT.replace("EXPRESSION", f"'{expression}'")
    return read_rule_set(text, "r.yaml", ZoneInfo("Asia/Shanghai"))


def answers(expression: str, **columns: list[float]) -> list[int]:
    count = len(next(iter(columns.values())))
    at = np.arange(count)
    found = {name: np.array(values) for name, values in columns.items()}
    pieces = Pieces(np.ones(count, np.int64), at, at + 1, found)
    return list(kind_of(expression).holds(pieces, {}))


def test_it_is_true_false_or_unknown_by_the_values_it_names() -> None:
    found = answers(
        "relay == 1 and power > 200",
        relay=[1, 1, 0, NAN, 1, 0],
        power=[201, 200, 500, 500, NAN, NAN],
        lux=[NAN] * 6,
    )
    assert found == [TRUE, FALSE, FALSE, UNKNOWN, UNKNOWN, UNKNOWN]


def test_modes_are_told_by_their_labels() -> None:
    assert answers('mode in ["制冷", "制热"]', mode=[1, 2, 4]) == [TRUE, FALSE, TRUE]
    assert answers('mode == "送风"', mode=[1, 3]) == [FALSE, TRUE]


def test_a_tenth_is_a_tenth() -> None:
    assert answers("power * 3 == 0.3", power=[0.1, 0.2]) == [TRUE, FALSE]


def test_what_cannot_be_computed_is_unknown() -> None:
    assert answers("power / lux > 2", power=[10, 10], lux=[0, 2]) == [UNKNOWN, TRUE]


def test_it_looks_at_what_it_names() -> None:
    kind = kind_of("lux > 600 and relay == 1 and working == 1")
    assert kind.inputs == ("relay", "lux")
    assert kind.hours


def test_its_names_say_what_it_is_about() -> None:
    assert kind_of("power > 1").sort is Sort.PLACE
    assert kind_of("water_hour > 2 * water_hour_usual").sort is Sort.METER
    assert kind_of("month_water > 2 * month_before_water").sort is Sort.INSTITUTION
    assert kind_of("heard == 0 and working == 1").sort is Sort.DEVICE
    assert kind_of("away == 1 and duty == 0").sort is Sort.VEHICLE


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("powr > 200", "it names powr, which nobody measures"),
        ("power >", "it cannot be read"),
        ('power > "a"', "it cannot be read: data type mismatch"),
        ("mode == 1", "it compares a number with a text"),
        ("run == true", "it compares a number with a text"),
        ('mode == "制冰"', "there is no mode 制冰"),
        ("power + 1", "it is a value, not a condition"),
        ("1 > 0", "it names nothing that is measured"),
        ("working == 0", "it names nothing that is measured"),
        ("power > $random(5)", "functions ($…) are not known here"),
        ("1 in [power]", '"in" is for modes only'),
        ("power > 1 and water_hour > 2", "it names what different subjects have"),
        ("power > 1 or " * 60 + "power > 1", "longer than 500"),
    ],
)
def test_what_cannot_be_meant_is_refused(expression: str, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        kind_of(expression)
    assert said in str(caught.value)


def test_a_mistake_is_told_with_file_and_line() -> None:
    with pytest.raises(InventoryError) as caught:
        read("powr > 200")
    assert str(caught.value).startswith("r.yaml:7: rule own: expression powr > 200: it names powr")


def test_without_an_expression_there_is_no_condition() -> None:
    text = TEXT.replace("    expression: EXPRESSION\n", "")
    with pytest.raises(InventoryError, match=r"r\.yaml:4: rule own: expression is missing"):
        read_rule_set(text, "r.yaml", ZoneInfo("Asia/Shanghai"))


def test_it_comes_back_from_the_database_and_another_one_is_another_version() -> None:
    (one,) = read("power > 200").rules
    (other,) = read("power > 300").rules
    back = restored("own", "t", "notice", None, "s", one.meaning)
    assert back.digest == one.digest != other.digest
    assert back.kind.inputs == ("power",)


def test_what_is_said_quotes_it() -> None:
    (rule,) = read('mode == "制冷" and power > 200').rules
    assert rule.sentence() == '满足自定义条件（mode == "制冷" and power > 200）。'
