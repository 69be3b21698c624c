from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.counter.model import GRAIN_US
from metering.factors.cost import Cost, Pricer, cost
from metering.factors.rounding import rounded, total
from metering.factors.tariff import Tariff
from tests.unit.metering.factors.samples import SHANGHAI, quarters, shipped, steady, tariff, us
from tests.unit.metering.factors.test_tariff_files import FLAT, HEAD, TOU

D = Decimal
KWH = 1_000_000
BASE = [(date(2023, 1, 1), D("0.6"))]


def no_calendar(day: date) -> str:
    raise AssertionError(f"the calendar was asked for {day}")


def calendar(day: date) -> str:
    if day == date(2026, 10, 1):
        return "holiday"
    return "weekend" if day.weekday() >= 5 else "workday"


def shanghai() -> Tariff:
    return shipped("sh-two-part").with_bases(BASE)


def day_cost(day: str) -> Cost:
    """A kilowatt-hour in every hour of a day."""
    end = str(date.fromordinal(date.fromisoformat(day).toordinal() + 1))
    return cost(steady(f"{day} 00:00", f"{end} 00:00", KWH // 4), shanghai(), no_calendar, SHANGHAI)


@pytest.mark.parametrize(
    ("day", "hours", "yuan"),
    [
        ("2023-07-15", {"尖": 2, "峰": 8, "平": 6, "谷": 8}, "16.86"),
        ("2023-08-01", {"尖": 2, "峰": 8, "平": 6, "谷": 8}, "16.86"),
        ("2023-09-30", {"峰": 10, "平": 6, "谷": 8}, "16.32"),
        ("2023-01-01", {"尖": 2, "峰": 4, "平": 10, "谷": 8}, "14.94"),
        ("2023-12-31", {"尖": 2, "峰": 4, "平": 10, "谷": 8}, "14.94"),
        ("2023-06-30", {"峰": 6, "平": 10, "谷": 8}, "14.16"),
        ("2023-10-01", {"峰": 6, "平": 10, "谷": 8}, "14.16"),
    ],
)
def test_shanghai_2023_a_kilowatt_through_a_day(day: str, hours: dict[str, int], yuan: str) -> None:
    found = day_cost(day)
    assert {label: micro / KWH for label, micro in found.by_label().items()} == hours
    assert found.yuan == D(yuan)
    assert found.tariff == "sh-two-part@2023-01-01.1"
    assert found.quarters == 96


def test_shanghai_2023_a_kilowatt_through_the_year() -> None:
    year = steady("2023-01-01 00:00", "2024-01-01 00:00", KWH // 4)
    found = cost(year, shanghai(), no_calendar, SHANGHAI)
    assert found.by_label() == {
        "尖": 2 * 124 * KWH,
        "峰": (8 * 62 + 10 * 30 + 4 * 62 + 6 * 211) * KWH,
        "平": (6 * 92 + 10 * 273) * KWH,
        "谷": 8 * 365 * KWH,
    }
    assert found.micro == 8760 * KWH
    assert found.yuan == 62 * D("16.86") + 30 * D("16.32") + 62 * D("14.94") + 211 * D("14.16")
    assert {part.begin for part in found.parts} == {date(2023, m, 1) for m in range(1, 13)}


def test_shanghais_single_rate() -> None:
    one = shipped("sh-single").with_bases(BASE)
    day = cost(steady("2023-08-01 00:00", "2023-08-02 00:00", KWH // 4), one, no_calendar, SHANGHAI)
    assert day.by_label() == {"峰": 16 * KWH, "谷": 8 * KWH}
    assert day.yuan == 16 * D("0.72") + 8 * D("0.33")


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        ("2023-07-15 05:45", "谷"),
        ("2023-07-15 06:00", "平"),
        ("2023-07-15 11:45", "峰"),
        ("2023-07-15 12:00", "尖"),
        ("2023-07-15 13:45", "尖"),
        ("2023-07-15 14:00", "峰"),
        ("2023-07-15 22:00", "谷"),
        ("2023-06-30 12:00", "平"),
        ("2023-07-01 00:00", "谷"),
        ("2023-09-01 12:00", "峰"),
        ("2023-12-01 19:00", "尖"),
        ("2023-11-30 19:00", "峰"),
    ],
)
def test_a_boundary_belongs_to_what_begins(moment: str, label: str) -> None:
    one = quarters([us(moment)], [7])
    assert cost(one, shanghai(), no_calendar, SHANGHAI).by_label() == {label: 7}


def test_without_a_base_price_the_cost_is_unknown_and_says_for_which_months() -> None:
    one = shipped("sh-two-part").with_bases([(date(2023, 8, 1), D("0.6"))])
    found = cost(steady("2023-06-30 00:00", "2023-08-02 00:00", 1), one, no_calendar, SHANGHAI)
    assert found.yuan is None
    assert found.why == "2023-06、2023-07 没有平段基准电价"
    assert found.micro == 33 * 96
    assert [part.yuan is None for part in found.parts if part.begin == date(2023, 8, 1)] == [
        False
    ] * 4


def test_a_new_base_price_holds_from_its_month_on(tmp_path: Path) -> None:
    text = TOU.replace("rates: price", "rates: multiplier\nsurcharge: 0.05", 1)
    one = tariff(tmp_path, text).with_bases([(date(2026, 7, 1), D(2)), (date(2026, 6, 1), D(1))])
    both = quarters([us("2026-06-30 12:00"), us("2026-07-01 12:00")], [KWH, KWH])
    found = cost(both, one, no_calendar, SHANGHAI)
    assert [part.price for part in found.parts] == [D("1.05"), D("2.05")]


def test_day_types_come_from_the_calendar(tmp_path: Path) -> None:
    one = tariff(tmp_path, TOU)
    days = ["2026-09-30", "2026-10-01", "2026-10-02", "2026-10-03"]
    found = cost(
        quarters([us(f"{d} 12:00") for d in days], [1, 10, 100, 1000]), one, calendar, SHANGHAI
    )
    assert found.by_label() == {"平": 101, "深谷": 1010}
    with pytest.raises(ValueError, match="calls 2026-10-01 'closed': it must be workday"):
        cost(quarters([us("2026-10-01 12:00")], [1]), one, lambda _: "closed", SHANGHAI)


def test_periods_follow_the_clock_on_the_wall_when_it_changes(tmp_path: Path) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = TOU.replace("months: 6-8", "months: all", 1).partition("  - code: other-workdays")[0]
    one = tariff(tmp_path, night.replace("22:30", "03:00").replace("08:00", "02:00"))
    short = steady("2026-03-29 00:00", "2026-03-30 00:00", 1, berlin)
    assert len(short.slot) == 92
    assert cost(short, one, no_calendar, berlin).by_label() == {"谷": 92}
    long = steady("2026-10-25 00:00", "2026-10-26 00:00", 1, berlin)
    assert cost(long, one, no_calendar, berlin).by_label() == {"峰": 8, "谷": 92}


def test_a_flat_price_by_month(tmp_path: Path) -> None:
    found = cost(
        steady("2026-09-30 23:00", "2026-10-01 01:00", KWH),
        tariff(tmp_path, FLAT),
        no_calendar,
        SHANGHAI,
    )
    assert [(p.begin, p.label, p.micro, p.yuan) for p in found.parts] == [
        (date(2026, 9, 1), "", 4 * KWH, D("2.6")),
        (date(2026, 10, 1), "", 4 * KWH, D("2.6")),
    ]


def household(micro: int, begin: str, end: str, already: int | None = None) -> Cost:
    return cost(
        steady(begin, end, micro),
        shipped("sh-household-tiers"),
        no_calendar,
        SHANGHAI,
        already_micro=already,
    )


def test_yearly_tiers_fill_one_after_the_other_and_begin_anew() -> None:
    # 0.1644 kWh a quarter: 5,760.576 kWh in 2025 (365 days), 15.7824 on the first day of 2026.
    found = household(164_400, "2025-01-01 00:00", "2026-01-02 00:00")
    assert all(part.yearly for part in found.parts)
    assert [(p.begin.year, p.label, p.micro) for p in found.parts] == [
        (2025, "第1档", 3120 * KWH),
        (2025, "第2档", 1680 * KWH),
        (2025, "第3档", 960_576_000),
        (2026, "第1档", 15_782_400),
    ]
    expected = 3120 * D("0.617") + 1680 * D("0.667") + D("960.576") * D("0.917")
    assert found.yuan == expected + D("15.7824") * D("0.617")


def test_tiers_need_what_was_used_before() -> None:
    with pytest.raises(ValueError, match="pass already_micro"):
        household(KWH, "2025-02-01 00:00", "2025-03-01 00:00")
    found = household(KWH, "2025-02-01 00:00", "2025-02-02 00:00", already=3_100 * KWH)
    assert found.by_label() == {"第1档": 20 * KWH, "第2档": 76 * KWH}
    past = household(KWH, "2025-02-01 00:00", "2025-02-02 00:00", already=9_000 * KWH)
    assert past.by_label() == {"第3档": 96 * KWH}


def test_what_is_fed_back_is_taken_out_of_the_tier_it_had_filled() -> None:
    noon = us("2025-07-01 12:00")
    one = quarters([noon + i * GRAIN_US for i in range(3)], [40 * KWH, -50 * KWH, 0])
    found = cost(
        one, shipped("sh-household-tiers"), no_calendar, SHANGHAI, already_micro=3_100 * KWH
    )
    assert [(p.label, p.micro) for p in found.parts] == [("第1档", -10 * KWH)]
    assert found.yuan == -10 * D("0.617")
    assert (found.backward_quarters, found.backward_micro) == (1, -50 * KWH)


def test_below_nothing_used_the_first_tier_counts() -> None:
    found = household(-KWH, "2025-01-01 00:00", "2025-01-01 00:30")
    assert found.by_label() == {"第1档": -2 * KWH}


def test_monthly_tiers_begin_anew_each_month(tmp_path: Path) -> None:
    body = "kind: tiered\nspan: month\ntiers:\n  - {upto: 100, price: 1}\n  - {price: 2}\n"
    one = tariff(tmp_path, HEAD + body)
    found = cost(steady("2026-01-01 00:00", "2026-03-01 00:00", 40_000), one, no_calendar, SHANGHAI)
    assert not any(part.yearly for part in found.parts)
    assert [(p.begin.month, p.label, p.micro) for p in found.parts] == [
        (1, "第1档", 100 * KWH),
        (1, "第2档", 19_040_000),
        (2, "第1档", 100 * KWH),
        (2, "第2档", 7_520_000),
    ]


def test_a_tariff_that_does_not_hold_yet_is_refused() -> None:
    with pytest.raises(ValueError, match="does not hold on 2022-12-31 yet"):
        cost(quarters([us("2022-12-31 23:45")], [1]), shanghai(), no_calendar, SHANGHAI)


def test_nothing_is_not_zero() -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        cost(quarters([], []), shanghai(), no_calendar, SHANGHAI)
    pricer = Pricer(shanghai(), no_calendar, SHANGHAI, us("2023-01-01"), us("2023-01-02"))
    empty = pricer.cost(quarters([], []))
    assert (empty.quarters, empty.micro, empty.parts) == (0, 0, ())


def test_a_pricer_refuses_what_is_outside_off_the_grid_or_too_large() -> None:
    pricer = Pricer(shanghai(), no_calendar, SHANGHAI, us("2023-01-02"), us("2023-01-03"))
    for slot in (us("2023-01-01 23:45"), us("2023-01-03 00:00")):
        with pytest.raises(ValueError, match="outside the window"):
            pricer.cost(quarters([slot], [1]))
    with pytest.raises(ValueError, match="off the quarter hour"):
        pricer.cost(quarters([us("2023-01-02 00:05")], [1]))
    two = [us("2023-01-02 00:00"), us("2023-01-02 00:15")]
    for disorder in (two[::-1], two[:1] * 2):
        with pytest.raises(ValueError, match="in the order of time, each once"):
            pricer.cost(quarters(disorder, [1, 1]))
    with pytest.raises(OverflowError, match="too large to add"):
        pricer.cost(quarters(two, [2**62, 2**62]))
    tiers = Pricer(
        shipped("sh-household-tiers"), no_calendar, SHANGHAI, us("2023-01-02"), us("2023-01-03")
    )
    with pytest.raises(OverflowError, match="too large to add"):
        tiers.cost(quarters(two, [1, 1]), already_micro=2**62)


WEEK = us("2023-06-28 00:00")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(0, 7 * 96 - 1), st.integers(-(10**12), 10**12), min_size=1),
    st.integers(1, 7 * 96 - 1),
)
def test_parts_add_up_exactly_and_windows_join(use: dict[int, int], cut: int) -> None:
    slots = sorted(use)
    one = quarters([WEEK + i * GRAIN_US for i in slots], [use[i] for i in slots])
    whole = cost(one, shanghai(), no_calendar, SHANGHAI)
    assert whole.micro == sum(use.values())
    assert whole.yuan == total(p.yuan for p in whole.parts if p.yuan is not None)
    yuan = D(0)
    for index in slots:
        single = quarters([WEEK + index * GRAIN_US], [use[index]])
        price = cost(single, shanghai(), no_calendar, SHANGHAI)
        yuan += price.yuan or D(0)
    assert whole.yuan == yuan
    halves = [
        quarters([WEEK + i * GRAIN_US for i in half], [use[i] for i in half])
        for half in ([i for i in slots if i < cut], [i for i in slots if i >= cut])
    ]
    costs = [cost(half, shanghai(), no_calendar, SHANGHAI) for half in halves if len(half.slot)]
    assert total(c.yuan for c in costs if c.yuan is not None) == whole.yuan


def test_one_pricer_serves_many_meters_as_each_alone() -> None:
    rng = np.random.default_rng(20261122)
    year = steady("2023-01-01 00:00", "2024-01-01 00:00", 0)
    pricer = Pricer(
        shanghai(), no_calendar, SHANGHAI, us("2023-01-01 00:00"), us("2024-01-01 00:00")
    )
    for _ in range(3):
        keep = rng.random(len(year.slot)) < 0.9
        micro = rng.integers(0, 50 * KWH, len(year.slot))
        one = quarters(list(year.slot[keep]), list(micro[keep]))
        assert pricer.cost(one) == cost(one, shanghai(), no_calendar, SHANGHAI)


def test_money_is_rounded_at_the_edge_only() -> None:
    found = cost(quarters([us("2023-07-15 12:00")], [3703]), shanghai(), no_calendar, SHANGHAI)
    assert found.yuan == D("0.00499905")
    assert rounded(found.yuan, 2) == D("0.00")


def test_what_was_used_before_counts_in_its_own_year_only() -> None:
    found = household(KWH, "2025-12-31 00:00", "2026-01-02 00:00", already=3_100 * KWH)
    assert [(p.begin.year, p.label, p.micro // KWH) for p in found.parts] == [
        (2025, "第1档", 20),
        (2025, "第2档", 76),
        (2026, "第1档", 96),
    ]


def test_a_surcharge_is_not_multiplied(tmp_path: Path) -> None:
    text = TOU.replace("rates: price", "rates: multiplier\nsurcharge: 0.05", 1)
    one = tariff(tmp_path, text).with_bases([(date(2026, 7, 1), D(2))])
    found = cost(quarters([us("2026-07-01 00:00")], [KWH]), one, no_calendar, SHANGHAI)
    assert found.yuan == D("0.3") * 2 + D("0.05")


def test_a_surcharge_comes_on_top_of_stated_prices_too(tmp_path: Path) -> None:
    one = tariff(tmp_path, TOU.replace("rates: price", "rates: price\nsurcharge: 0.05", 1))
    noon = quarters([us("2026-09-30 12:00")], [KWH])
    plain = cost(noon, tariff(tmp_path, TOU), calendar, SHANGHAI).yuan
    assert cost(noon, one, calendar, SHANGHAI).yuan == (plain or D(0)) + D("0.05")


def test_what_is_entered_for_a_month_goes_before_the_files_base_price(tmp_path: Path) -> None:
    text = TOU.replace(
        "rates: price", "rates: multiplier\nbases: [{from: 2026-07-01, price: 5}]", 1
    )
    one = tariff(tmp_path, text).with_bases([(date(2026, 7, 1), D(2))])
    found = cost(quarters([us("2026-07-01 00:00")], [KWH]), one, no_calendar, SHANGHAI)
    assert found.yuan == D("0.3") * 2


def test_the_calendar_is_asked_on_the_days_on_which_it_matters(tmp_path: Path) -> None:
    seasons = """\
kind: time-of-use
rates: price
seasons:
  - {code: a, dates: 06-16..06-30, days: workday, hours: {peak: "00:00-24:00"}, rates: {peak: 3}}
  - code: b
    dates: 06-16..06-30
    days: weekend, holiday
    hours: {valley: "00:00-24:00"}
    rates: {valley: 1}
  - {code: c, dates: 07-01..06-15, days: all, hours: {flat: "00:00-24:00"}, rates: {flat: 2}}
"""
    asked: list[date] = []

    def weekend(day: date) -> str:
        asked.append(day)
        return "weekend"

    both = quarters([us("2026-06-15 12:00"), us("2026-06-20 12:00")], [KWH, KWH])
    found = cost(both, tariff(tmp_path, HEAD + seasons), weekend, SHANGHAI)
    assert found.by_label() == {"平": KWH, "谷": KWH}
    assert asked == [date(2026, 6, 16 + n) for n in range(5)]
