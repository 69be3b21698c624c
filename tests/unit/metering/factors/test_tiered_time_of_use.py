"""Tiers with time of use: exact, whatever the order and wherever the time is split."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.factors.cost import Cost, Pricer
from metering.factors.rounding import of_micro, total
from metering.factors.tariff import Tariff
from tests.unit.metering.factors.samples import SHANGHAI, quarters, tariff, us
from tests.unit.metering.factors.test_tariff_files import HEAD, refused

D = Decimal
KWH = 1_000_000
# Zhejiang's households, as quoted in github cc01cc/Eru, living-cost-electricity.md: by time of use
# a kilowatt-hour costs 0.03 more by day and 0.25 less by night, in every tier. Hours: a guess.
HOUSEHOLD = (
    HEAD
    + """\
kind: tiered-time-of-use
rates: difference
span: year
tiers:
  - {upto: 2760, price: 0.538}
  - {upto: 4800, price: 0.588}
  - {price: 0.838}
seasons:
  - code: all
    months: all
    days: all
    hours: {peak: "08:00-22:00", valley: "22:00-08:00"}
    rates: {peak: 0.03, valley: -0.25}
"""
)
TIMES = HOUSEHOLD.replace("difference", "multiplier").replace("0.03", "1.2").replace("-0.25", "0.5")
TIMES = TIMES.replace("span: year", "span: month\nsurcharge: 0.02")


def priced(one: Tariff, use: dict[int, int], begin: str, end: str, already: int = 0) -> Cost:
    """Price uses by quarter hours since the begin."""
    pricer = Pricer(one, lambda _: "workday", SHANGHAI, us(begin), us(end))
    slots = sorted(use)
    given_ = quarters([us(begin) + i * GRAIN_US for i in slots], [use[i] for i in slots])
    return pricer.cost(given_, already_micro=already)


def test_zhejiang_every_published_price_of_tier_and_period(tmp_path: Path) -> None:
    one = tariff(tmp_path, HOUSEHOLD)
    noon, night = 4 * 12, 4 * 23
    for already, prices in ((0, "0.568 0.288"), (2760, "0.618 0.338"), (4800, "0.868 0.588")):
        found = priced(one, {noon: 1, night: 1}, "2026-05-01", "2026-05-02", already * KWH)
        assert [part.price for part in found.parts] == [D(p) for p in prices.split()]


def test_a_quarter_across_a_bound_is_cut_there(tmp_path: Path) -> None:
    found = priced(
        tariff(tmp_path, HOUSEHOLD), {48: 5 * KWH}, "2026-05-01", "2026-05-02", 2758 * KWH
    )
    assert [(p.label, p.micro, p.yuan) for p in found.parts] == [
        ("第1档 峰", 2 * KWH, D("1.136")),
        ("第2档 峰", 3 * KWH, D("1.854")),
    ]
    assert found.parts[0].begin == date(2026, 5, 1)


def test_the_rate_multiplies_the_tier_and_not_the_surcharge(tmp_path: Path) -> None:
    found = priced(tariff(tmp_path, TIMES), {48: 2761 * KWH, 92: KWH}, "2026-05-01", "2026-05-02")
    assert [(p.label, p.price) for p in found.parts] == [
        ("第1档 峰", D("0.538") * D("1.2") + D("0.02")),
        ("第2档 峰", D("0.588") * D("1.2") + D("0.02")),
        ("第2档 谷", D("0.588") * D("0.5") + D("0.02")),
    ]


def test_a_price_may_come_to_nothing(tmp_path: Path) -> None:
    free_by_night = tariff(tmp_path, HOUSEHOLD.replace("-0.25", "-0.538"))
    found = priced(free_by_night, {0: KWH}, "2026-07-01", "2026-07-02")
    assert found.yuan == 0


def test_tiers_of_a_month_begin_anew_within_a_window(tmp_path: Path) -> None:
    two = {95: 2761 * KWH, 96: KWH}
    found = priced(tariff(tmp_path, TIMES), two, "2026-04-30", "2026-05-02")
    assert [(p.begin.month, p.label) for p in found.parts] == [
        (4, "第1档 谷"),
        (4, "第2档 谷"),
        (5, "第1档 谷"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("-0.25", "-0.54", "21: season all: valley costs -0.002 in a tier: a price is not below 0"),
        ("difference", "multiplier", "21: rates: valley is -0.25: write a number ≥ 0"),
        ("difference", "price", "rates price is not known: use one of multiplier, difference"),
        ("span: year\n", "", "span is missing"),
        ("span: year", "bases: [{from: 2023-01-01, price: 1}]\nspan: year", "bases is not a key"),
        ("- {price: 0.838}", "- {upto: 9000, price: 0.838}", "the last tier has no bound"),
        ("22:00-08:00", "22:00-07:00", "no period holds 07:00-08:00"),
    ],
)
def test_a_wrong_one_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in HOUSEHOLD
    assert problem in refused(tmp_path, HOUSEHOLD.replace(old, new, 1))


USES = st.dictionaries(st.integers(0, 4 * 96 - 1), st.integers(-(10**9), 5 * 10**9), min_size=1)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(USES, st.integers(1, 3), st.sampled_from([HOUSEHOLD, TIMES]), st.integers(0, 10**10))
def test_tiers_add_up_to_the_use_and_a_split_changes_nothing(
    tmp_path: Path, use: dict[int, int], cut: int, text: str, already: int
) -> None:
    """Four days over the end of a month and of a year; split at a midnight."""
    one = tariff(tmp_path, text)
    days = ["2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03"]
    whole = priced(one, use, days[0], days[-1], already)
    assert whole.micro == sum(use.values())
    assert whole.yuan == total(p.yuan for p in whole.parts if p.yuan is not None)
    first = {i: micro for i, micro in use.items() if i < 96 * cut}
    rest = {i - 96 * cut: micro for i, micro in use.items() if i >= 96 * cut}
    before = already + sum(first.values()) if cut < 2 else 0
    before = before if cut <= 2 else sum(m for i, m in use.items() if 192 <= i < 96 * cut)
    halves = [
        priced(one, first, days[0], days[cut], already),
        priced(one, rest, days[cut], days[-1], before),
    ]
    assert total(half.yuan for half in halves if half.yuan is not None) == whole.yuan
    assert sum(half.micro for half in halves) == whole.micro


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(st.dictionaries(st.integers(0, 95), st.integers(0, 10**9), min_size=1))
def test_a_difference_costs_the_same_as_tiers_and_periods_apart(
    tmp_path: Path, use: dict[int, int]
) -> None:
    """As bills have it: the tiers of all that was used, then the differences of the periods."""
    found = priced(tariff(tmp_path, HOUSEHOLD), use, "2026-05-01", "2026-05-02", 2700 * KWH)
    apart = tariff(tmp_path, HOUSEHOLD.replace("0.03, valley: -0.25", "0, valley: 0"))
    tiers = priced(apart, use, "2026-05-01", "2026-05-02", 2700 * KWH)
    day = sum(micro for i, micro in use.items() if 32 <= i < 88)
    night = sum(use.values()) - day
    assert tiers.yuan is not None
    expected = tiers.yuan + of_micro(day) * D("0.03") - of_micro(night) * D("0.25")
    assert found.yuan == expected
