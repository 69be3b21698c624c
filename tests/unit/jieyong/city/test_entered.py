"""A figure that is missing is asked about until it is there, by what was known at each moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from jieyong.evaluation.city import entered
from jieyong.evaluation.city.places import Basis
from jieyong.evaluation.city.run import ZONE
from jieyong.evaluation.city.score import Doubt
from metering.gauge.settings import GaugeSettings
from registry.calendar import DatedCalendar
from registry.published_days import published_days
from rules.ruleset.reading import read_rule_set
from rules.subjects.institutions.missing import later
from simulators.city.ledgers import MONTHS, Figure, Ledger

SETS = Path(__file__).parents[4] / "rules" / "sets"
MONTH = """
code: tests
title: 测试
rules:
  - {code: month-missing, kind: report.missing.month, title: 月, for: 1h, severity: notice,
     source: 惯例}
"""
YEAR = 2026
FEBRUARY = 25
"""Of the year that is looked at, counted from the first month of the year before the last one."""


def at(day: date, hour: int = 10) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=ZONE).timestamp())


END_S = at(date(YEAR + 1, 1, 1), 0)


def basis(text: str = "") -> Basis:
    default = (SETS / "default.yaml").read_text("utf-8")
    rules = read_rule_set(text or default, "r", ZONE).rules
    calendar = DatedCalendar(published_days())
    begin = at(date(YEAR, 3, 2), 0)
    return Basis(rules, GaugeSettings(), calendar, ZONE, begin, begin + 91 * 86_400)


def ledger() -> Ledger:
    """Electricity, entered on the third day behind each month."""
    figures = tuple(
        Figure(5_000, True, ((at(later(date(YEAR - 2, 1, 1), n + 1) + timedelta(days=2)), END_S),))
        for n in range(MONTHS - 1)
    )
    figures += (Figure(5_000, True, ()),)
    return Ledger("l", (), (), (), (), {}, (), year=YEAR, figures={"electricity": figures})


def known(*spans: tuple[int, int], month: int = FEBRUARY) -> Ledger:
    """The same, but for when the figure of one month stood there."""
    whole = ledger()
    its = [*whole.figures["electricity"]]
    its[month] = replace(its[month], known=spans)
    return replace(whole, figures={"electricity": tuple(its)})


def found(one: Ledger, text: str = "") -> list[Doubt]:
    return sorted(entered.doubts([one], basis(text)), key=lambda doubt: doubt.since_s)


def test_what_comes_in_time_is_no_doubt() -> None:
    assert found(ledger()) == []
    assert entered.doubts([], basis()) == []


def test_what_comes_late_is_asked_about_until_it_is_there() -> None:
    there = at(date(YEAR, 4, 25))
    (doubt,) = found(known((there, END_S)))
    assert (doubt.rule, doubt.subject) == ("quarter-missing", "l")
    assert doubt.since_s == at(date(YEAR, 4, 11), 0)
    assert doubt.confirmed_s == doubt.since_s + 3_600
    assert doubt.until_s == there


@pytest.mark.parametrize(
    ("day", "asked"), [(date(YEAR, 4, 10), 0), (date(YEAR, 4, 11), 1)], ids=["before", "after"]
)
def test_what_comes_on_the_day_before_the_reminder_is_not_reminded_of(
    day: date, asked: int
) -> None:
    assert len(found(known((at(day, 23), END_S)))) == asked


def test_what_never_comes_is_asked_about_until_the_next_quarter_is_over_and_of_the_year_later() -> (
    None
):
    assert [(one.rule, one.until_s) for one in found(known())] == [
        ("quarter-missing", at(date(YEAR, 7, 1), 0))
    ]
    of_before = found(known(month=14))
    assert [(one.rule, one.since_s, one.until_s) for one in of_before] == [
        ("year-missing", at(date(YEAR, 3, 17), 0), END_S)
    ]


def test_a_figure_that_is_corrected_in_one_act_is_always_there() -> None:
    begun, anew = at(date(YEAR, 3, 3)), at(date(YEAR, 5, 20))
    assert found(known((begun, anew), (anew, END_S))) == []


def test_a_figure_that_is_taken_back_is_asked_about_an_hour_later_until_it_is_entered_anew() -> (
    None
):
    begun, back = at(date(YEAR, 3, 3)), at(date(YEAR, 5, 20))
    assert found(known((begun, back), (back + 3_600, END_S))) == []
    (doubt,) = found(known((begun, back), (back + 7_200, END_S)))
    assert (doubt.since_s, doubt.confirmed_s) == (back, back + 3_600)
    assert doubt.until_s == back + 7_200


def test_months_are_asked_about_where_a_rule_does_so() -> None:
    there = at(date(YEAR, 3, 20))
    (doubt,) = found(known((there, END_S)), MONTH)
    assert (doubt.since_s, doubt.until_s) == (at(date(YEAR, 3, 11), 0), there)


def test_an_account_that_was_handed_over_is_missed_no_more() -> None:
    whole = ledger()
    gas = tuple(
        replace(one, used=0, account=False, known=()) if month >= FEBRUARY else one
        for month, one in enumerate(whole.figures["electricity"])
    )
    moved = replace(whole, figures={**whole.figures, "gas": gas})
    assert found(moved) == []
    kept = tuple(replace(one, account=True) for one in gas)
    assert len(found(replace(whole, figures={**whole.figures, "gas": kept}))) > 0
