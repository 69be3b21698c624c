"""Simulated terminals become layers as positions do: what comes twice, is refused, or late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jieyong.evaluation.city import clocks
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.run import ZONE
from jieyong.evaluation.city.score import Doubt
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.reading import read_rule_set
from simulators.city.model import Series, Subject
from storage.times import SECOND_US

DEFAULT = (Path(__file__).parents[4] / "rules" / "sets" / "default.yaml").read_text("utf-8")
BEGIN_S, HOUR_S, DAY_S = 1_772_380_800, 3_600, 86_400
Report = tuple[float, float]
"""When it was made and when it came, s behind the begin."""


def basis() -> Basis:
    rules = read_rule_set(DEFAULT, "r", ZONE).rules
    calendar = DatedCalendar(published_days())
    return Basis(rules, GaugeSettings(), calendar, ZONE, BEGIN_S, BEGIN_S + 10 * DAY_S)


def terminal(reports: Sequence[Report]) -> Subject:
    """One whose reports have these times by its own clock; what comes twice is given twice."""
    numbers = {made: number for number, made in enumerate(dict.fromkeys(m for m, _ in reports))}
    rows = sorted((made, came, numbers[made]) for made, came in reports)
    made, came, number = (np.array(column) for column in zip(*rows, strict=True))
    ts, received = (
        ((BEGIN_S + one) * SECOND_US).astype(np.int64) for one in (made.astype(float), came)
    )
    series = Series("report", ts, number.astype(float), received, BEGIN_S, BEGIN_S + 10 * DAY_S)
    return Subject("t", (series,), (), (), (), {}, ())


def live(first_h: float, last_h: float, off_s: float = 0, late_s: float = 3) -> list[Report]:
    made = np.arange(first_h * HOUR_S, last_h * HOUR_S, 30)
    return [(one + off_s, one + late_s) for one in made.tolist()]


def found(reports: Sequence[Report]) -> list[Doubt]:
    return clocks.doubts([terminal(reports)], basis())


def test_a_right_clock_is_no_doubt() -> None:
    assert found(live(8, 20)) == []


@pytest.mark.parametrize("off_s", [-8 * HOUR_S, -900, 120, 8 * HOUR_S], ids="{:g} s".format)
def test_a_wrong_clock_is_one_doubt(off_s: float) -> None:
    (doubt,) = found([*live(8, 12), *live(32, 40, off_s), *live(56, 60)])
    # What is refused as of a time to come counts when it came, all else by its own time.
    own = off_s if off_s <= 300 else 0
    assert abs(doubt.since_s - BEGIN_S - 32 * HOUR_S - own) <= HOUR_S
    assert abs(doubt.until_s - BEGIN_S - 40 * HOUR_S - own) <= HOUR_S
    assert doubt.rule == "terminal-clock"


def test_what_was_kept_and_comes_one_with_each_live_report_is_no_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = [*live(8, 11, late_s=3 * HOUR_S), *live(11, 14)]
    assert found(reports) == []
    monkeypatch.setattr(clocks._Simulated, "caught_up", lambda _, behind: iter(()))
    assert len(found(reports)) == 1


def test_what_comes_twice_counts_as_it_came_first() -> None:
    reports = live(8, 12, off_s=120)
    assert found(reports) == found([*reports, *((made, came + 9_000) for made, came in reports)])


def test_our_own_server_is_down_for_an_hour_and_all_of_it_comes_at_once() -> None:
    down = (10 * HOUR_S, 11 * HOUR_S)
    reports = [
        (made, down[1] + n / 10 if down[0] <= came < down[1] else came)
        for n, (made, came) in enumerate(live(8, 14))
    ]
    assert found(reports) == []


def test_it_is_judged_in_hours_of_each_terminal() -> None:
    wrong, right = terminal(live(8, 20, off_s=120)), replace(terminal(live(8, 20)), code="u")
    assert {one.subject for one in clocks.doubts([right, wrong], basis())} == {"t"}


def test_hardly_anything_sent_tells_nothing() -> None:
    assert found([(0.0, 9_000.0)]) == []
    assert clocks.doubts([], basis()) == []
