"""The basic charge in a meter's cost: its basis of the time, its demand, what is unknown."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from metering.factors.assignments import Assignment, OfMeter, assign
from metering.factors.basic import Basis
from metering.factors.basic_basis import BasisFact, change, enter
from metering.factors.bill import bill
from metering.factors.entered_demand import EnteredDemand, withdraw_demand
from metering.factors.entered_demand import enter as enter_demand
from metering.factors.meter_basic import DemandRule
from metering.factors.meter_cost import MeterCost, Pricing, meter_cost
from metering.factors.tariff import Tariff
from registry.refusal import RefusedError
from tests.integration.metering.factors.test_meter_cost import KWH, LATER, PLACED, use
from tests.integration.metering.factors.world import ACT, Conn, audit, tariffs
from tests.integration.metering.gauge.world import add_device, add_point, only
from tests.unit.metering.factors.samples import SHANGHAI, tariff, us
from tests.unit.metering.factors.test_tariff_files import FLAT

D = Decimal
TWO_PART = FLAT + "basic: {capacity: 28, demand: 42}\n"
GAUGE = """
    INSERT INTO gauge (point_id, slot, low, high, mean, covered_s)
    SELECT %s, slot, %s, %s, %s, %s FROM generate_series(
        to_timestamp(%s), to_timestamp(%s) - interval '15 min', '15 min') AS slot
"""
ALWAYS = date(2026, 1, 1)


@pytest.fixture
def two_part(conn: Conn, tmp_path: Path) -> Tariff:
    """A meter at a place with a flat two-part tariff; 1 kWh on the first of June and of July."""
    conn.execute(PLACED)
    one = tariff(tmp_path, TWO_PART)
    assign(conn, ACT, OfMeter("e-1"), Assignment("test", ALWAYS, None), [one])
    use(conn, "2026-06-01 12:00", "2026-06-01 12:15")
    use(conn, "2026-07-01 12:00", "2026-07-01 12:15")
    return one


def basis(conn: Conn, what: Basis, size: str | None, since: date = ALWAYS) -> None:
    enter(conn, ACT, fact(what, size, since))


def fact(what: Basis, size: str | None, since: date) -> BasisFact:
    return BasisFact("e-1", what, None if size is None else D(size), since, None, "供用电合同")


def power(conn: Conn, unit: str = "kW") -> int:
    point = add_point(conn, add_device(conn), "power_total", unit=unit)
    place = only(conn, "SELECT id FROM place")
    conn.execute(
        "INSERT INTO device_place (device_id, place_id, valid)"
        " SELECT device_id, %s, '(,)' FROM point WHERE id = %s",
        [place, point],
    )
    return point


def draw(  # noqa: PLR0917 - a row of a table
    conn: Conn, point: int, begin: str, end: str, mean: float, covered_s: int = 900
) -> None:
    span = [us(moment) // 1_000_000 for moment in (begin, end)]
    conn.execute(GAUGE, [point, mean, mean, mean, covered_s, *span])


def july(
    conn: Conn,
    one: Tariff,
    begin: str = "2026-07-01",
    end: str = "2026-08-01",
    now: datetime = LATER,
) -> MeterCost:
    pricing = Pricing([one], lambda _: "workday", SHANGHAI, now, DemandRule("power_total", 600))
    return meter_cost(conn, "e-1", date.fromisoformat(begin), date.fromisoformat(end), pricing)


def test_by_capacity(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "315")
    found = july(conn, two_part)
    assert (found.yuan, found.basic_yuan) == (D("0.65"), D(315 * 28))
    assert found.whole_yuan == D("8820.65")
    both = july(conn, two_part, "2026-06-01")
    assert both.basic_yuan == 2 * 315 * 28


def test_by_contract_with_demand_over_it(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CONTRACT, "500")
    point = power(conn)
    draw(conn, point, "2026-07-01 00:00", "2026-07-20 09:00", 100)
    draw(conn, point, "2026-07-20 09:00", "2026-07-20 09:15", 600)
    draw(conn, point, "2026-07-20 09:15", "2026-08-01 00:00", 100)
    draw(conn, point, "2026-08-01 00:00", "2026-08-01 00:15", 9_000)
    found = july(conn, two_part)
    assert [(c.charge.label, c.yuan) for c in found.basic] == [
        ("合同最大需量", D(21_000)),
        ("超过合同 105% 部分", D(6_300)),
    ]


def test_by_measured_demand_after_ct_and_in_watts(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.MEASURED, None)
    draw(conn, power(conn, "W"), "2026-07-01 00:00", "2026-08-01 00:00", 1_234.5678)
    conn.execute(
        "INSERT INTO meter_ratio (meter_id, ct, pt, valid, entered_by, entered_at)"
        " SELECT id, 100, 1, '(,)', 'tester', now() FROM meter WHERE code = 'e-1'"
    )
    (line,) = july(conn, two_part).basic
    assert (line.charge.quantity, line.yuan) == (D("123.457"), D("5185.194"))


@pytest.mark.parametrize(("what", "size"), [(Basis.MEASURED, None), (Basis.CONTRACT, "500")])
def test_a_gap_in_the_power_makes_the_charge_unknown(
    conn: Conn, two_part: Tariff, what: Basis, size: str | None
) -> None:
    basis(conn, what, size)
    point = power(conn)
    draw(conn, point, "2026-07-01 00:00", "2026-07-20 09:00", 100)
    draw(conn, point, "2026-07-20 09:00", "2026-07-20 09:15", 90, covered_s=599)
    draw(conn, point, "2026-07-20 09:30", "2026-08-01 00:00", 100)
    found = july(conn, two_part)
    assert (found.yuan, found.basic_yuan, found.whole_yuan) == (D("0.65"), None, None)
    assert found.why == (
        "2026-07-01 至 2026-07-31 的基本电费未知：2 个刻钟的需量未知，已知部分最大 100.000 kW"
    )
    assert bill(found, "kWh").known == D("0.65")


def test_a_month_that_is_not_over_has_no_greatest_demand_yet(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.MEASURED, None)
    draw(conn, power(conn), "2026-07-01 00:00", "2026-08-01 00:00", 100)
    noon = datetime(2026, 7, 20, 12, tzinfo=SHANGHAI)
    running = july(conn, two_part, now=noon)
    assert running.basic_yuan is None
    missing = 11 * 96 + 48
    assert f"{missing} 个刻钟的需量未知，已知部分最大 100.000 kW" in running.why
    over = july(conn, two_part, now=datetime(2026, 8, 1, tzinfo=SHANGHAI))
    assert over.basic_yuan == 4_200


def test_what_the_bill_says_goes_before_what_is_metered(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CONTRACT, "500")
    draw(conn, power(conn), "2026-07-01 00:00", "2026-08-01 00:00", 100)
    one = EnteredDemand("e-1", date(2026, 7, 1), D("600"), "7月电费账单")
    assert july(conn, two_part).basic_yuan == 21_000
    entry = enter_demand(conn, ACT, one)
    found = july(conn, two_part, "2026-06-01")
    assert [line.yuan for line in found.basic] == [None, D(21_000), D(6_300)]
    assert bill(found, "kWh").of("基本电费")[1].label == "合同最大需量（需量 600.000 kW，录入）"
    withdraw_demand(conn, ACT, entry)
    assert july(conn, two_part).basic_yuan == 21_000
    assert [line[1] for line in audit(conn)][-2:] == ["tariff.demand", "tariff.demand.withdraw"]


def test_a_months_demand_does_not_stand_for_a_part_of_it(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "310")
    change(conn, ACT, fact(Basis.MEASURED, None, date(2026, 7, 11)))
    enter_demand(conn, ACT, EnteredDemand("e-1", date(2026, 7, 1), D("600"), "账单"))
    assert july(conn, two_part).basic_yuan is None


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (EnteredDemand("m-9", date(2026, 7, 1), D(1), "账单"), "没有编码为 m-9 的计量表"),
        (EnteredDemand("w-1", date(2026, 7, 1), D(1), "账单"), "w-1 不是电表"),
        (EnteredDemand("m-1", date(2026, 7, 2), D(1), "账单"), "请填写当月 1 日"),
        (EnteredDemand("m-1", date(2026, 7, 1), D(-1), "账单"), "最大需量为 -1：必须不小于 0"),
        (EnteredDemand("m-1", date(2026, 7, 1), D("0.0001"), "账单"), "最多三位小数"),
        (EnteredDemand("m-1", date(2026, 7, 1), D(1), " "), "没有依据"),
    ],
)
def test_a_demand_that_cannot_be_is_refused(conn: Conn, one: EnteredDemand, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        enter_demand(conn, ACT, one)
    assert audit(conn) == []


def test_a_months_demand_is_entered_once(conn: Conn) -> None:
    one = EnteredDemand("m-1", date(2026, 7, 1), D(1), "账单")
    enter_demand(conn, ACT, one)
    with pytest.raises(RefusedError, match="m-1 2026-07 已录入最大需量：请先撤回原记录"):
        enter_demand(conn, ACT, one)


@pytest.mark.parametrize("unit", [None, "kVA"])
def test_without_a_point_of_power_no_demand_is_known(
    conn: Conn, two_part: Tariff, unit: str | None
) -> None:
    basis(conn, Basis.MEASURED, None)
    if unit is not None:
        draw(conn, power(conn, unit), "2026-07-01 00:00", "2026-08-01 00:00", 1)
    assert "2976 个刻钟的需量未知" in july(conn, two_part).why


def test_what_is_only_fed_in_draws_nothing(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.MEASURED, None)
    draw(conn, power(conn), "2026-07-01 00:00", "2026-08-01 00:00", -50)
    assert july(conn, two_part).basic_yuan == 0


def test_a_change_within_a_month_shares_it_by_days(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "310")
    change(conn, ACT, fact(Basis.CAPACITY, "620", date(2026, 7, 11)))
    found = july(conn, two_part)
    assert [(line.days, line.of_days, line.yuan) for line in found.basic] == [
        (10, 31, D(2_800)),
        (21, 31, D(11_760)),
    ]
    shown = bill(found, "kWh")
    assert [line.time for line in shown.of("基本电费")] == [
        "2026-07-01 至 2026-07-10（10/31 月）",
        "2026-07-11 至 2026-07-31（21/31 月）",
    ]
    assert shown.basic == 14_560


def test_the_demand_of_a_part_of_a_month_is_that_of_its_days(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "310")
    change(conn, ACT, fact(Basis.MEASURED, None, date(2026, 7, 11)))
    point = power(conn)
    draw(conn, point, "2026-07-10 23:45", "2026-07-11 00:00", 900)
    draw(conn, point, "2026-07-11 00:00", "2026-08-01 00:00", 31)
    assert july(conn, two_part).basic_yuan == 2_800 + 21 * 42


def test_days_without_a_basis_are_named(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "310", date(2026, 7, 11))
    found = july(conn, two_part)
    assert found.basic_yuan is None
    assert "2026-07-01 至 2026-07-10 的基本电费未知：没有登记计费方式" in found.why


def test_a_tariff_that_begins_within_a_month_costs_its_days(conn: Conn, two_part: Tariff) -> None:
    conn.execute("UPDATE tariff_assignment SET valid = '[2026-07-11,)'")
    basis(conn, Basis.CAPACITY, "310")
    found = july(conn, two_part)
    assert (found.basic_yuan, found.whole_yuan) == (D(21 * 280), None)
    assert found.why == "2026-07-01 至 2026-07-10 没有电价；没有用量数据"


def test_a_part_of_a_month_has_no_basic_charge_of_its_own(conn: Conn, two_part: Tariff) -> None:
    basis(conn, Basis.CAPACITY, "310")
    found = july(conn, two_part, "2026-06-15")
    assert [line.yuan for line in found.basic] == [None, D(310 * 28)]
    assert "2026-06-15 至 2026-06-30 的基本电费未知：基本电费按整月计算" in found.why


def test_a_one_part_tariff_has_none_and_a_file_without_prices_does_not_hide_one(
    conn: Conn,
) -> None:
    conn.execute(PLACED)
    assign(conn, ACT, OfMeter("e-1"), Assignment("sh-household-tiers", ALWAYS, None), tariffs())
    use(conn, "2026-07-01 12:00", "2026-07-01 12:15", KWH)
    pricing = Pricing(tariffs(), lambda _: "workday", SHANGHAI, LATER)
    span = (date(2026, 7, 1), date(2026, 8, 1))
    none = meter_cost(conn, "e-1", *span, pricing)
    assert (none.basic, none.basic_yuan, none.whole_yuan) == ((), D(0), D("0.617"))
    basis(conn, Basis.CAPACITY, "315")
    asked = meter_cost(conn, "e-1", *span, pricing)
    assert asked.whole_yuan is None
    assert "电价文件没有基本电价" in asked.why
