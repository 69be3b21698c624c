"""Money as litres at the price of its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fleet.joining.rules import DAY_US
from fleet.norms.prices import FAR_US, Prices, in_money
from tests.unit.fleet.norms.town import TANK, Habits, papers

Paid = list[tuple[int, float]]


def lines(day: int, fen_a_litre: int, count: int = 6) -> Paid:
    return [(day * DAY_US + n, fen_a_litre / 1000) for n in range(count)]


def petrol(*paid: tuple[int, float]) -> Prices:
    at, price = zip(*paid, strict=True)
    return Prices({"petrol": (np.array(at), np.array(price))})


def test_the_price_is_the_median_about_the_day_and_follows_a_change() -> None:
    odd = (110 * DAY_US + 9, 90_000.0)
    prices = petrol(*lines(100, 750), *lines(110, 900), odd)
    assert prices.at("petrol", 100 * DAY_US) == pytest.approx(0.75)
    assert prices.at("petrol", 110 * DAY_US) == pytest.approx(0.90)
    assert prices.at("diesel", 100 * DAY_US) is None


def test_few_lines_are_looked_for_further_away_and_at_last_nothing_is_said() -> None:
    prices = petrol(*lines(100, 750))
    assert prices.at("petrol", 115 * DAY_US) == pytest.approx(0.75)
    assert prices.at("petrol", 100 * DAY_US + FAR_US + DAY_US) is None
    assert petrol(*lines(100, 750, count=4)).at("petrol", 100 * DAY_US) is None


def test_a_dearer_litre_is_more_and_money_without_litres_counts() -> None:
    one = replace(papers("v", Habits())[0], ml=40_000)
    day = one.at_us // DAY_US
    prices = petrol(*lines(day, 750))
    dear = in_money(replace(one, fen=36_000), prices)
    assert dear.ml == 48_000
    assert dear.tank_ml == TANK * 48 // 40
    assert in_money(replace(one, ml=None, fen=36_000), prices).ml == 48_000
    assert in_money(one, prices).ml is None
    assert in_money(replace(one, fen=36_000), Prices({})).ml is None
