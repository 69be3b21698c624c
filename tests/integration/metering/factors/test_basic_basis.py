"""What a meter's basic charge is taken on: dated, with who and when, never edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from metering.factors.basic import Basis
from metering.factors.basic_basis import BasisFact, change, enter, read, withdraw_basis
from registry.refusal import RefusedError
from tests.integration.metering.factors.world import ACT, LATER, Conn, audit

D = Decimal
CONTRACT = BasisFact("m-1", Basis.CONTRACT, D("500.5"), date(2026, 1, 1), None, "供用电合同")


def held(conn: Conn) -> list[tuple[str, Decimal | None, str, str | None]]:
    return [
        (f.basis.value, f.size, str(f.begin), None if f.end is None else str(f.end))
        for f in (entered.fact for entered in read(conn, "m-1", None, None))
    ]


def test_it_is_entered_read_withdrawn_and_audited(conn: Conn) -> None:
    entry = enter(conn, ACT, CONTRACT)
    (found,) = read(conn, "m-1", date(2026, 7, 1), date(2026, 8, 1))
    assert (found.id, found.fact, found.by, found.at) == (entry, CONTRACT, "王芳", ACT.at)
    assert read(conn, "m-1", date(2025, 7, 1), date(2026, 1, 1)) == []
    assert audit(conn)[-1] == (
        "王芳",
        "tariff.basis",
        "m-1",
        {
            "id": entry,
            "basis": "contract",
            "size": "500.5",
            "begin": "2026-01-01",
            "end": None,
            "source": "供用电合同",
        },
    )
    withdraw_basis(conn, LATER, entry)
    assert held(conn) == []
    assert audit(conn)[-1][:3] == ("李强", "tariff.basis.withdraw", str(entry))
    with pytest.raises(RefusedError, match="可能已被撤回"):
        withdraw_basis(conn, LATER, entry)


def test_it_changes_from_a_day_on_and_back(conn: Conn) -> None:
    enter(conn, ACT, CONTRACT)
    summer = BasisFact("m-1", Basis.MEASURED, None, date(2026, 7, 1), date(2026, 10, 1), "变更申请")
    change(conn, LATER, summer)
    assert held(conn) == [
        ("contract", D("500.5"), "2026-01-01", "2026-07-01"),
        ("measured", None, "2026-07-01", "2026-10-01"),
        ("contract", D("500.5"), "2026-10-01", None),
    ]
    more = replace(CONTRACT, size=D(600), begin=date(2026, 10, 1), source="增容")
    change(conn, LATER, more)
    assert held(conn)[-1] == ("contract", D(600), "2026-10-01", None)
    with pytest.raises(RefusedError, match="没有登记基本电费计费方式：请直接录入"):
        change(conn, LATER, replace(CONTRACT, begin=date(2025, 1, 1)))


@pytest.mark.parametrize(
    ("fact", "message"),
    [
        (replace(CONTRACT, meter="m-9"), "没有编码为 m-9 的计量表"),
        (replace(CONTRACT, meter="w-1"), "w-1 不是电表：只有电表有需量和基本电费"),
        (replace(CONTRACT, size=None), "按合同最大需量计费没有数值：请填写 kW 数"),
        (replace(CONTRACT, basis=Basis.CAPACITY, size=None), "请填写 kVA 数"),
        (replace(CONTRACT, basis=Basis.MEASURED), "按实际最大需量计费不需要填写数值"),
        (replace(CONTRACT, size=D(0)), "合同最大需量为 0：必须大于 0"),
        (replace(CONTRACT, size=D("NaN")), "合同最大需量为 NaN"),
        (replace(CONTRACT, size=D("0.0001")), "最多三位小数"),
        (replace(CONTRACT, source=" "), "没有依据"),
        (replace(CONTRACT, end=date(2026, 1, 1)), "不晚于起始日期"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    conn: Conn, fact: BasisFact, message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        enter(conn, ACT, fact)
    assert conn.execute("SELECT 1 FROM basic_charge_basis").fetchall() == []
    assert audit(conn) == []


def test_an_overlap_is_refused(conn: Conn) -> None:
    enter(conn, ACT, CONTRACT)
    with pytest.raises(RefusedError, match="已登记基本电费计费方式"):
        enter(conn, ACT, replace(CONTRACT, begin=date(2026, 7, 1)))
    assert len(held(conn)) == 1
