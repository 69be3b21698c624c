from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from metering.factors.basic import Charge
from metering.factors.bill import BASIC, ENERGY, bill, to_json
from metering.factors.cost import Cost, Part
from metering.factors.meter_basic import BasicLine
from metering.factors.meter_cost import MeterCost
from metering.factors.rounding import of_micro, product, rounded, total

D = Decimal
JULY = date(2026, 7, 1)
AUGUST = date(2026, 8, 1)


def part(label: str, micro: int, price: str | None) -> Part:
    yuan = None if price is None else product(of_micro(micro), D(price))
    return Part(JULY, label, micro, None if price is None else D(price), yuan)


def cost(*parts: Part, basic: tuple[Charge, ...] = (), days: int = 31) -> MeterCost:
    lines = tuple(BasicLine(JULY, AUGUST, "t@1", one, "", days, 31) for one in basic)
    return MeterCost((Cost("t@1", parts, 96),), lines, (), 0, ("一条说明",))


def test_lines_add_up_to_what_is_rounded_once() -> None:
    """Three times 0.004 is 0.01: the largest line bears it."""
    parts = [part("峰", 4_000, "1"), part("平", 4_000, "1"), part("谷", 4_000, "1")]
    found = bill(cost(*parts, basic=(Charge("变压器容量", D(315), D(28), unit="kVA"),)), "kWh")
    assert [line.yuan for line in found.of(ENERGY)] == [D("0.01"), D(0), D(0)]
    assert (found.energy, found.basic, found.yuan) == (D("0.01"), D(8_820), D("8820.01"))


def test_what_is_unknown_stays_so_and_what_is_known_stands_beside_it() -> None:
    missing = Charge("实际最大需量", None, D(42), "3 个刻钟的需量未知")
    found = bill(cost(part("峰", 4_000_000, "1"), part("谷", 1, None), basic=(missing,)), "kWh")
    assert (found.energy, found.basic, found.yuan, found.known) == (None, None, None, D(4))
    content = json.loads(to_json("m-1", JULY, AUGUST, found))
    assert (content["total_yuan"], content["known_yuan"]) == (None, "4.00")
    assert content["basic"][0]["quantity"] is None
    assert content["basic"][0]["why"] == "3 个刻钟的需量未知"
    assert content["notes"] == ["一条说明"]


def test_beside_an_unknown_line_each_is_rounded_by_itself() -> None:
    parts = [part("峰", 4_000, "1"), part("平", 4_000, "1"), part("谷", 1, None)]
    found = bill(cost(*parts), "kWh")
    assert [line.yuan for line in found.of(ENERGY)] == [D(0), D(0), None]


def test_water_has_no_electricity_on_its_bill() -> None:
    found = bill(cost(part("", 5_000_000, "3")), "m3")
    assert [(line.item, line.unit, line.yuan) for line in found.lines] == [
        ("用量费用", "m3", D(15))
    ]


def test_tiers_of_a_year_are_of_the_year() -> None:
    yearly = replace(part("第1档", 1, "1"), begin=date(2026, 1, 1), yearly=True)
    assert [line.time for line in bill(cost(yearly, part("峰", 1, "1")), "kWh").lines] == [
        "2026 年",
        "2026-07",
    ]


def test_days_of_a_month_are_said() -> None:
    found = bill(cost(part("峰", 1, "1"), basic=(Charge("x", D(31), D(1)),), days=10), "kWh")
    (line,) = found.of(BASIC)
    assert (line.time, line.yuan) == ("2026-07-01 至 2026-07-31（10/31 月）", D(10))


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 10**8)), min_size=1))
def test_a_bill_adds_up_to_the_fen_and_its_sum_is_rounded_once(
    uses: list[tuple[int, int]],
) -> None:
    parts = [part("峰", micro, str(D(price) / 10**8)) for micro, price in uses]
    found = bill(cost(*parts), "kWh")
    exact = total(one.yuan for one in parts if one.yuan is not None)
    assert found.energy == rounded(exact, 2)
    assert total(line.yuan for line in found.lines if line.yuan is not None) == found.energy
