"""Money as litres at the price of its time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.joining.rules import DAY_US
from fleet.norms.prices import FAR_US, Line, Prices, in_money
from tests.unit.fleet.norms.town import TANK, Habits, papers


def lines(day: int, fen_a_litre: int, count: int = 6) -> list[Line]:
    at = day * DAY_US
    return [Line(n, at + n, "petrol", 40_000, 40 * fen_a_litre) for n in range(count)]


def test_the_price_is_the_median_about_the_day_and_follows_a_change() -> None:
    odd = Line(9, 110 * DAY_US, "petrol", 100, 9_000_000)
    prices = Prices([*lines(100, 750), *lines(110, 900), odd])
    assert prices.at("petrol", 100 * DAY_US) == pytest.approx(0.75)
    assert prices.at("petrol", 110 * DAY_US) == pytest.approx(0.90)
    assert prices.at("diesel", 100 * DAY_US) is None


def test_few_lines_are_looked_for_further_away_and_at_last_nothing_is_said() -> None:
    prices = Prices(lines(100, 750))
    assert prices.at("petrol", 115 * DAY_US) == pytest.approx(0.75)
    assert prices.at("petrol", 100 * DAY_US + FAR_US + DAY_US) is None
    assert Prices(lines(100, 750, count=4)).at("petrol", 100 * DAY_US) is None


def test_a_dearer_litre_is_more_and_money_without_litres_counts() -> None:
    one = replace(papers("v", Habits())[0], ml=40_000)
    day = one.at_us // DAY_US
    prices = Prices(lines(day, 750))
    paid = Line(0, one.at_us, "petrol", 40_000, 36_000)
    dear = in_money(one, paid, prices)
    assert dear.ml == 48_000
    assert dear.tank_ml == TANK * 48 // 40
    assert in_money(replace(one, ml=None), paid, prices).ml == 48_000
    assert in_money(one, None, prices).ml is None
    assert in_money(one, replace(paid, product=""), Prices([])).ml is None
