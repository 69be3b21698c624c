"""What `jieyong rules evaluate` prints fits a screen and speaks in units of people."""

from __future__ import annotations

import io
import json
from functools import cache

import pytest
from rich.cells import cell_len
from rich.console import Console

from jieyong.commands import rules_evaluate_tables as tables
from jieyong.evaluation.city.run import Evaluation
from jieyong.evaluation.city.score import Curve, Doubt, FalseDoubt, Size, Tally, Told
from rules.kinds.catalogue import KINDS
from simulators.city.model import Case
from simulators.city.plan import KINDS as SIMULATED
from simulators.city.plan import By
from tests.unit.jieyong.city.test_run import hamlet

DAY, MONTH = 86_400, 20 * 86_400


def size(at: float) -> Size:
    return Size(at, 12_345, 12_300, 12_300, 1_234, 12_222, (60, 3 * DAY, MONTH))


@cache
def evaluation() -> Evaluation:
    """Of every kind, with large figures and long names."""
    curves = tuple(
        Curve(kind, by, (size(0.6), size(10_000.0)), 4_321)
        for kind, measures in SIMULATED.items()
        for by in measures
    )
    tally = Tally()
    for kind, measures in SIMULATED.items():
        case = Case(kind, 0, MONTH, dict.fromkeys(measures, 10_000.0), told=True)
        tally.told.append(Told("i000-b0000-sub0", case, None))
        rule = "boiled-water-outside-schedule-by-power"
        doubt = Doubt("i000-b0000-sub0", kind, rule, 0, DAY, MONTH)
        tally.false.append(FalseDoubt(doubt, ("landscape-lighting", "sitting_still", "exchanged")))
    return Evaluation(curves, tally, 99_999)


def printed() -> str:
    screen = Console(file=io.StringIO(), width=240)
    found = evaluation()
    shown = [tables.summary(hamlet(), 1, found), *map(tables.curve, found.curves)]
    for table in (*shown, tables.missed(found), tables.false(found)):
        screen.print(table, width=min(screen.width, tables.COLUMNS))
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_no_line_is_wider_than_a_screen_and_nothing_is_cut() -> None:
    text = printed()
    assert max(map(cell_len, text.splitlines())) <= 100
    assert "…" not in text
    for kind in SIMULATED:
        assert KINDS[kind].label in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 min"),
        (7_199, "120 min"),
        (7_200, "2.0 h"),
        (3 * DAY - 1, "72.0 h"),
        (3 * DAY, "3.0 d"),
        (MONTH, "20.0 d"),
    ],
)
def test_delays_are_told_in_units_of_people(seconds: int, said: str) -> None:
    assert tables.lasting(seconds) == said


def test_programs_are_told_seconds() -> None:
    told = json.loads(tables.as_json(hamlet(), 1, evaluation(), misses=False))
    assert told["kinds"][0]["sizes"][0]["delay_median_s"] == 3 * DAY
    assert "3.0 d" in printed()


def test_of_a_measure_that_is_too_small_along_another_nothing_is_missed() -> None:
    kind = "quota.ahead.heat"
    short = Case(kind, 0, DAY, {By.SHARE: 30.0, By.MONTHS: 1.0}, told=True)
    long = Case(kind, 0, DAY, {By.SHARE: 30.0, By.MONTHS: 9.0}, told=True)
    tally = Tally(told=[Told("a", short, None), Told("b", long, None)])
    found = Evaluation((Curve(kind, By.SHARE, (size(8.0),), 0),), tally, 2)
    told = json.loads(tables.as_json(hamlet(), 1, found, misses=True))
    assert [one["subject"] for one in told["misses"]] == ["b"]


def test_a_case_is_missed_from_the_floor_of_its_own_measure_on() -> None:
    kind = "terminal.clock"
    behind, ahead = (
        Told("t", Case(kind, 0, DAY, {by: 10.0}, told=True), None) for by in (By.BEHIND, By.AHEAD)
    )
    full = Size(1.5, 40, 40, 40, 0, 40, (60,)), Size(12.0, 40, 40, 40, 0, 40, (60,))
    curves = Curve(kind, By.AHEAD, full[:1], 0), Curve(kind, By.BEHIND, full[1:], 0)
    found = Evaluation(curves, Tally(told=[behind, ahead]), 1)
    assert [one.floor for one in curves] == [1.5, 12.0]
    told = json.loads(tables.as_json(hamlet(), 1, found, misses=True))
    assert [one["size"] for one in told["misses"]] == [{"ahead": 10.0}]
