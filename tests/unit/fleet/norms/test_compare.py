"""What is above normal: of the own past, with the season, and of others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise

import pytest

from fleet.norms.compare import Compared, Member, compared
from fleet.norms.peers import others
from tests.unit.fleet.norms.town import BEGINS, RULES, Habits, member, number_of

MAY = date(2026, 5, 1)
RATES = (9.5, 9.8, 10.0, 10.1, 10.3, 10.6, 9.9, 10.2, 9.7, 10.4, 10.05)


def fleet(*more: Member, season: Callable[[date], float] = lambda _: 1.0) -> list[Member]:
    usual = [
        member(f"c{n}", Habits(rate=lambda day, rate=rate: rate * season(day)))  # type: ignore[misc]
        for n, rate in enumerate(RATES)
    ]
    return [*usual, *more]


def of(members: list[Member], code: str, months: int, month: date = MAY) -> Compared:
    found = compared(members, BEGINS, [number_of(month)], RULES)[number_of(month)]
    return next(one for one in found if (one.code, one.months) == (code, months))


def from_april(factor: float) -> Callable[[date], float]:
    return lambda day: 10.0 * (factor if day >= date(2026, 4, 1) else 1.0)


def test_what_is_used_more_shows_against_the_own_past_in_every_window() -> None:
    members = fleet(member("v", Habits(rate=from_april(1.3))))
    month, quarter, half = (of(members, "v", months).own for months in (1, 3, 6))
    assert month is not None
    assert month.least < 30 < month.most
    assert quarter is not None
    assert quarter.least < 20 < quarter.most, "two of its three months"
    assert half is not None
    assert half.least < 10 < half.most
    assert half.most - half.least < quarter.most - quarter.least < month.most - month.least


def test_a_season_that_all_have_is_nobodys_doubt_and_is_told() -> None:
    def winter(day: date) -> float:
        return 1.25 if day >= date(2026, 4, 1) else 1.0

    members = fleet(member("v", Habits(rate=lambda day: 10.0 * winter(day))), season=winter)
    one = of(members, "v", 1)
    assert one.season == pytest.approx(1.25 / (1 + 0.25 / 12), rel=0.01), "April is in its past"
    assert one.own is not None
    assert one.own.least < 0 < one.own.most


def test_without_others_a_season_is_allowed_for() -> None:
    alone = of([member("v", Habits(rate=from_april(1.09), kind=""))], "v", 1)
    assert alone.season is None
    assert alone.own is not None
    assert alone.own.least < 0
    assert (alone.class_, alone.fleet) == (None, None)


def test_who_always_used_too_much_shows_against_class_and_fleet_alone() -> None:
    members = fleet(member("v", Habits(rate=lambda _: 19.0)))
    one = of(members, "v", 6)
    assert one.own is not None
    assert one.own.least < 0
    assert one.class_ is not None
    assert one.class_.least > 10
    assert one.fleet is not None
    assert one.fleet.least > 10
    assert one.of_class is not None
    assert one.of_class.vehicles == len(RATES)
    assert one.of_class.median == pytest.approx(10.05)


def test_another_energy_and_another_class_are_no_peers() -> None:
    other = fleet(member("v", Habits(energy="diesel")), member("w", Habits(kind="large_bus")))
    assert of(other, "v", 6).of_fleet is None
    assert of(other, "w", 6).of_class is None
    assert of(other, "w", 6).of_fleet is not None
    assert of(other, "w", 3).of_fleet is None, "a level shows in half a year"


def test_a_month_without_a_filling_and_too_few_of_them_say_nothing() -> None:
    short = [member("v", Habits(), days=31 + 28 + 31 + 30 + 8)]
    found = compared(short, BEGINS, range(12, 24), RULES)
    assert all(not its for its in found.values()), "nothing came after the spring before"
    young = compared([member("v", Habits(), days=8)], BEGINS, [0], RULES)
    assert young == {0: []}


def test_with_a_longer_look_the_same_is_found() -> None:
    members = fleet(member("v", Habits(rate=from_april(1.3))))
    at_once = compared(members, BEGINS, range(17, 24), RULES)
    for month, _ in pairwise(range(17, 24)):
        assert compared(members, BEGINS, [month], RULES)[month] == at_once[month]


def test_one_odd_vehicle_moves_no_norm_and_few_are_none() -> None:
    values = [("g", value) for value in (10.0, 10.2, 9.8, 10.1, 9.9, 10.0)]
    quiet, loud = others(values, 0.08), others([*values, ("g", 90.0)], 0.08)
    assert quiet[0] is not None
    assert loud[0] is not None
    assert loud[0].median == pytest.approx(quiet[0].median, abs=0.1)
    assert loud[0].fence < 14
    assert others(values[:5], 0.08) == [None] * 5, "four others"
    assert others([("g", None), *values], 0.08)[0] is not None
