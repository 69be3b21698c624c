from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from metering.factors.assignments import (
    Assignment,
    OfInstitution,
    OfMeter,
    assign,
    assignments,
    withdraw_assignment,
)
from metering.factors.base_prices import BasePrice, enter, read, withdraw_price
from metering.factors.cost import cost
from metering.factors.tariff import in_force
from registry.refusal import RefusedError
from tests.integration.metering.factors.world import ACT, LATER, Conn, audit, tariffs
from tests.unit.metering.factors.samples import SHANGHAI, steady

D = Decimal
METER = OfMeter("m-1")
BUREAU = OfInstitution("i-1", "electricity")
YEAR = (date(2026, 1, 1), date(2027, 1, 1))
SINGLE = Assignment("sh-single", date(2025, 1, 1), date(2026, 7, 1))
TWO_PART = Assignment("sh-two-part", date(2026, 7, 1), None)


def test_a_tariff_is_assigned_to_a_meter_or_an_institution(conn: Conn) -> None:
    assign(conn, ACT, METER, SINGLE, tariffs())
    entry = assign(conn, ACT, METER, TWO_PART, tariffs())
    assign(conn, ACT, BUREAU, SINGLE, tariffs())
    assert assignments(conn, METER, *YEAR) == [SINGLE, TWO_PART]
    assert assignments(conn, METER, date(2026, 7, 1), date(2026, 8, 1)) == [TWO_PART]
    assert assignments(conn, BUREAU, *YEAR) == [SINGLE]
    assert assignments(conn, OfInstitution("i-1", "water"), *YEAR) == []
    assert audit(conn)[1] == (
        "王芳",
        "tariff.assign",
        "m-1",
        {
            "id": entry,
            "tariff": "sh-two-part",
            "begin": "2026-07-01",
            "end": None,
        },
    )
    withdraw_assignment(conn, LATER, entry)
    assert assignments(conn, METER, *YEAR) == [SINGLE]
    assert audit(conn)[-1][:3] == ("李强", "tariff.withdraw", str(entry))


@pytest.mark.parametrize(
    ("subject", "assignment", "message"),
    [
        (OfMeter("m-9"), SINGLE, "没有编码为 m-9 的计量表：请核对编码"),
        (OfInstitution("x", "electricity"), SINGLE, "没有编码为 x 的公共机构"),
        (METER, Assignment("none", *YEAR), "没有编码为 none 的电价方案"),
        (OfMeter("w-1"), SINGLE, "不适用于 water"),
        (OfInstitution("i-1", "gas"), SINGLE, "不适用于 gas"),
        (METER, Assignment("sh-single", date(2022, 12, 31), None), "自 2023-01-01 起执行"),
        (METER, Assignment("sh-single", YEAR[1], YEAR[0]), "截止日期 2026-01-01 不晚于"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    conn: Conn, subject: OfMeter | OfInstitution, assignment: Assignment, message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        assign(conn, ACT, subject, assignment, tariffs())
    assert conn.execute("SELECT 1 FROM tariff_assignment").fetchall() == []
    assert audit(conn) == []


@pytest.mark.parametrize("subject", [METER, BUREAU])
def test_an_overlap_is_refused(conn: Conn, subject: OfMeter | OfInstitution) -> None:
    assign(conn, ACT, subject, SINGLE, tariffs())
    with pytest.raises(RefusedError, match="在这段时间内已有电价"):
        assign(conn, ACT, subject, Assignment("sh-two-part", *YEAR), tariffs())
    assert assignments(conn, subject, *YEAR) == [SINGLE]


def test_base_prices_are_entered_by_the_month_and_price_what_was_used(conn: Conn) -> None:
    tariff = in_force(tariffs(), "sh-two-part", date(2026, 7, 1))
    entry = enter(conn, ACT, tariff, BasePrice(date(2026, 7, 1), D("0.61"), "7月代理购电公告"))
    enter(conn, ACT, tariff, BasePrice(date(2026, 6, 1), D("0.60"), "6月代理购电公告"))
    assert read(conn, "sh-two-part") == [
        (date(2026, 6, 1), D("0.60")),
        (date(2026, 7, 1), D("0.61")),
    ]
    noon = steady("2026-07-15 12:00", "2026-07-15 13:00", 1_000_000)

    def yuan() -> Decimal | None:
        priced = tariff.with_bases(read(conn, "sh-two-part"))
        return cost(noon, priced, lambda _: "workday", SHANGHAI).yuan

    assert yuan() == 4 * D("0.61") * D("2.25")
    with pytest.raises(RefusedError, match="2026-07 已有基准电价"):
        enter(conn, ACT, tariff, BasePrice(date(2026, 7, 1), D("0.62"), "更正"))
    withdraw_price(conn, LATER, entry)
    assert yuan() == 4 * D("0.60") * D("2.25")
    enter(conn, LATER, tariff, BasePrice(date(2026, 7, 1), D("0.62"), "更正"))
    assert yuan() == 4 * D("0.62") * D("2.25")
    assert [line[1] for line in audit(conn)] == [
        "tariff.base",
        "tariff.base",
        "tariff.base.withdraw",
        "tariff.base",
    ]


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (BasePrice(date(2026, 7, 2), D(1), "公告"), "请填写当月 1 日"),
        (BasePrice(date(2026, 7, 1), D(0), "公告"), "基准电价为 0：必须大于 0"),
        (BasePrice(date(2026, 7, 1), D("0.123456789"), "公告"), "最多八位小数"),
        (BasePrice(date(2026, 7, 1), D("inf"), "公告"), "必须大于 0"),
        (BasePrice(date(2026, 7, 1), D(1), ""), "没有来源"),
    ],
)
def test_a_wrong_base_price_is_refused(conn: Conn, price: BasePrice, message: str) -> None:
    tariff = in_force(tariffs(), "sh-two-part", date(2026, 7, 1))
    with pytest.raises(RefusedError, match=message):
        enter(conn, ACT, tariff, price)
    assert read(conn, "sh-two-part") == []


def test_a_tariff_of_prices_takes_no_base_price(conn: Conn) -> None:
    tariff = in_force(tariffs(), "sh-household-tiers", date(2026, 7, 1))
    with pytest.raises(RefusedError, match="不需要录入基准电价"):
        enter(conn, ACT, tariff, BasePrice(date(2026, 7, 1), D(1), "公告"))
