"""Rules about meters find what they should, and less, or too much, when they are broken."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from jieyong.evaluation.city.metered import figures, lay
from jieyong.evaluation.city.places import Basis, Laid
from jieyong.evaluation.city.reading import known, read_plan
from jieyong.evaluation.city.run import ZONE, alike, tally
from jieyong.evaluation.city.score import Tally, curves
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.model import Rule
from rules.ruleset.reading import read_rule_set
from rules.subjects.meters.read import DAY_GAP_US, HOUR_GAP_US
from simulators.city import buildings
from simulators.city.life import span
from simulators.city.model import Series, Subject
from simulators.city.plan import METERED, Plan

RULES = (Path(__file__).parents[4] / "rules" / "sets" / "default.yaml").read_text("utf-8")
HOUR_US = 3_600_000_000
FLOOR = 0.95


def plan() -> Plan:
    return read_plan(known()["meters"].read_text("utf-8"), "meters")


@cache
def rules(rule: str = "", good: str = "", bad: str = "") -> list[Rule]:
    """The default rules, a word of one of them changed."""
    head, code, tail = RULES.partition(f"  - code: {rule}\n") if rule else (RULES, "", "")
    assert good in tail
    text = head + code + tail.replace(good, bad, 1) if rule else RULES
    return list(read_rule_set(text, "r.yaml", ZONE).rules)


@cache
def world() -> tuple[list[Subject], list[Laid]]:
    """All meters, and what is known of them: rules that are broken look at the same."""
    made, calendar = buildings.live(plan(), 6101), DatedCalendar(published_days())
    basis = Basis(rules(), GaugeSettings(), calendar, ZONE, *span(plan()))
    those = [made(number) for number in range(plan().institutions)]
    return [one for some in those for one in some], [
        one for some in those for one in lay(some, basis)
    ]


@cache
def measured(rule: str = "", good: str = "", bad: str = "") -> Tally:
    """Measure the default rules, a word of one of them changed."""
    subjects, parts = world()
    of = rules(rule, good, bad)
    return tally(subjects, [doubt for one in parts for doubt in one.doubts(of)], alike(of))


def found(measured: Tally, kind: str) -> int:
    return sum(
        one.delay_s is not None and not one.otherwise
        for one in measured.told
        if one.case.kind == kind
    )


def false(measured: Tally, rule: str) -> int:
    return sum(one.doubt.rule == rule for one in measured.false)


@pytest.mark.parametrize("kind", METERED)
def test_what_is_above_the_floors_is_found_and_little_else(kind: str) -> None:
    for curve in (one for one in curves(measured(), plan().wanted) if one.kind == kind):
        assert all((size.recall or 0) >= FLOOR for size in curve.sizes), curve
        assert (curve.precision(0) or 0) >= FLOOR, curve


@pytest.mark.parametrize(
    ("rule", "good", "bad", "kind"),
    [
        ("water-night-flow", "least: 0.1", "least: 0.8", "water.night_flow"),
        ("water-burst", "times: 3", "times: 6", "water.burst"),
        ("electricity-base-load", "share: 30", "share: 95", "electricity.base_load"),
        ("consumption-step", "for: 5d", "for: 12d", "consumption.step"),
        ("meter-mains", "more: 10", "more: 30", "meter.mains"),
        ("meter-stuck", "share: 30", "share: 300", "meter.stuck"),
        ("meter-still", "for: 10d", "for: 14d", "meter.still"),
    ],
)
def test_a_rule_that_is_too_slack_finds_less(rule: str, good: str, bad: str, kind: str) -> None:
    assert found(measured(rule, good, bad), kind) < found(measured(), kind)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("water-night-flow", "for: 29h", "for: 1h"),
        ("water-burst", "times: 3", "times: 1"),
        ("electricity-base-load", "for: 53h", "for: 1h"),
        ("consumption-step", "for: 5d", "for: 1d"),
        ("meter-still", "for: 10d", "for: 3d"),
        ("consumption-step", "except: [cooling-tower, ", "except: ["),
    ],
)
def test_a_rule_that_is_too_strict_raises_false_doubts(rule: str, good: str, bad: str) -> None:
    assert false(measured(rule, good, bad), rule) > false(measured(), rule)


def test_the_same_seed_is_the_same_city() -> None:
    first, again, other = (buildings.live(plan(), seed)(0) for seed in (1, 1, 2))
    assert [one.cases for one in first] == [one.cases for one in again]
    assert first[0].series[0].value.tolist() == again[0].series[0].value.tolist()
    assert first[0].series[0].value.tolist() != other[0].series[0].value.tolist()


def test_a_city_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer of it, or a larger city"):
        buildings.live(replace(plan(), institutions=1, buildings=1, uses={}), 1)


def register(hours: list[int], value: list[float], since: int = 0) -> Series:
    ts = np.array(hours, np.int64) * HOUR_US
    return Series("water", ts, np.array(value), ts, since, hours[-1] * 3_600)


def test_what_was_spread_over_a_silence_is_no_figure() -> None:
    told = [register([0, 1, 2, 6, 7, 31], [0, 1, 3, 11, 12, 40])]
    begin = np.arange(7) * HOUR_US
    hours = figures(told, begin, begin + HOUR_US, HOUR_GAP_US)
    assert np.array_equal(hours, [1, 2, *[np.nan] * 4, 1], equal_nan=True)
    day = np.array([0]), np.array([7 * HOUR_US])
    assert np.isnan(figures(told, *day, DAY_GAP_US)).all()
    assert figures(told, *day, 4 * HOUR_US).tolist() == [12]


def test_where_a_meter_was_replaced_nothing_is_told_across() -> None:
    told = [register([4, 5, 6], [0, 2, 4]), register([0, 1, 2, 3], [0, 1, 2, 3])]
    begin = np.arange(6) * HOUR_US
    hours = figures(told, begin, begin + HOUR_US, HOUR_GAP_US)
    assert np.array_equal(hours, [1, 1, 1, np.nan, 2, 2], equal_nan=True)
