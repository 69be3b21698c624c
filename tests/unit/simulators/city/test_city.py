"""A simulated city as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from registry.published_days import published_days
from simulators.city.happenings import each, happenings, rooms
from simulators.city.plan import KINDS, MEASURES, MISSING, Plan
from simulators.city.rooms import city, institution
from simulators.city.weather import seasons

EPOCH = date(1970, 1, 1)


def plan(name: str) -> Plan:
    return read_plan(known()[name].read_text("utf-8"), name)


@pytest.mark.parametrize("name", known())
def test_the_days_of_a_scenario_are_those_that_were_published(name: str) -> None:
    calendar, one = DatedCalendar(published_days()), plan(name)
    for day in range(one.first, one.first + one.days):
        worked = calendar.kind(EPOCH + timedelta(days=day)) is DayKind.WORKDAY
        assert one.works(day) == worked, EPOCH + timedelta(days=day)


@pytest.mark.parametrize("name", [name for name in known() if plan(name).reporters])
def test_the_years_that_units_report_have_the_days_that_were_published(name: str) -> None:
    one = plan(name)
    year = (EPOCH + timedelta(days=one.first)).year
    wanted = {DayKind.HOLIDAY: set[int](), DayKind.WORKDAY: set[int]()}
    for day, kind in published_days().items():
        if day.year in {year - 1, year}:
            wanted[kind].add((day - EPOCH).days)
    assert one.reported_holidays == wanted[DayKind.HOLIDAY]
    assert one.reported_makeup == wanted[DayKind.WORKDAY]


@pytest.mark.parametrize("name", ["autumn", "spring"])
def test_the_large_scenarios_are_a_quarter_of_a_city_with_cases_of_every_kind(name: str) -> None:
    one = plan(name)
    assert one.institutions >= 50
    assert one.institutions * one.rooms >= 500
    assert 89 <= one.days <= 92
    # Months are the institution's own ledger: rules that come with the program ask for no month.
    assert {(want.kind, want.by) for want in one.wanted} == {
        (kind, by)
        for kind, measures in KINDS.items()
        for by in measures
        if kind != MISSING["month"]
    }


def test_all_that_is_wanted_happens_once_a_day_in_rooms_that_are_plain() -> None:
    one = plan("autumn")
    of = rooms(one, 3)
    found = list(each(happenings(one, 3, of, seasons(one, 3))))
    asked = Counter(
        want.kind
        for want in one.wanted
        if want.kind in MEASURES
        for _ in range(want.each * len(want.sizes))
    )
    assert Counter(happening.name for happening in found) == asked + Counter(one.harmless)
    assert not {happening.room for happening in found} & set(of.exempt)


def test_a_city_is_the_same_again_and_another_with_another_seed() -> None:
    first, again, other = (institution(city(plan("hamlet"), seed), 0) for seed in (1, 1, 2))
    assert [one.cases for one in first] == [one.cases for one in again]
    assert [one.series[0].ts.tolist() for one in first] == [
        one.series[0].ts.tolist() for one in again
    ]
    assert [one.cases for one in first] != [one.cases for one in other]


def test_what_does_not_fit_into_the_city_is_refused() -> None:
    one = plan("hamlet")
    with pytest.raises(ValueError, match="no room and day is left"):
        city(replace(one, harmless={"cleaners": 2_000}), 1)
    with pytest.raises(ValueError, match="too many"):
        city(replace(one, exempt={"ward": 90}), 1)
