from __future__ import annotations

from dataclasses import replace as changed
from decimal import Decimal

import pytest

from metering.facts.register import (
    RegisterFact,
    correct_register,
    enter_register,
    standing_registers,
    withdraw_register,
)
from metering.facts.replace import Replacement, Values, replace
from metering.facts.span import Span
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, due, effective

FACT = RegisterFact("m-1", "energy", Decimal("0.01"), Decimal(1000000), Decimal(7))


def test_it_is_due_for_as_long_as_the_device_counts(conn: Conn) -> None:
    values = (Values("p-1", None, None),)
    replace(conn, ACT, Replacement("p-1", "m-9", at(50), at(50), values))
    due(conn)
    number = enter_register(conn, ACT, FACT)
    assert due(conn) == [("p-1", at(0), at(50))]
    later = changed(FACT, span=Span(at(40), at(60)))
    correct_register(conn, ACT, number, later)
    assert due(conn) == [("p-1", at(0), at(50)), ("p-1", at(40), at(50))]
    enter_register(conn, ACT, changed(FACT, register="export"))
    assert due(conn) == [], "nobody counts the other register"


def test_what_stands_is_told_as_it_was_said(conn: Conn) -> None:
    number = enter_register(conn, ACT, FACT)
    assert standing_registers(conn, 1) == [(number, FACT)]
    withdraw_register(conn, ACT, number)
    assert standing_registers(conn, 1) == []
    assert [action for _, action, _ in audit(conn)] == ["register.enter", "register.withdraw"]
    with pytest.raises(RefusedError, match="已经撤销"):
        withdraw_register(conn, ACT, number)


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (changed(FACT, device="m-0"), "没有编码为 m-0 的设备（是不是 m-"),
        (changed(FACT, register="enrgy"), "没有累计量 enrgy（是不是 energy？）"),
        (changed(FACT, register="power"), "它的累计量：energy、export"),
        (changed(FACT, resolution=Decimal(0)), "最小刻度 resolution 是 0：必须大于 0"),
        (changed(FACT, resolution=Decimal("NaN")), "必须大于 0"),
        (changed(FACT, resolution=Decimal("0.0000001")), "最多 6 位小数"),
        (changed(FACT, resolution=Decimal(10**6), capacity=None), "必须小于 1000000"),
        (changed(FACT, capacity=Decimal(-1)), "满度 capacity 是 -1：必须大于 0"),
        (changed(FACT, capacity=Decimal("0.015")), "不是最小刻度 0.01 的整数倍"),
        (changed(FACT, capacity=Decimal(10**15)), "超过 2^53 个刻度"),
        (changed(FACT, max_per_hour=Decimal(0)), "每小时最大增量 max_per_hour 是 0"),
        (changed(FACT, span=Span(at(2), at(1))), "结束时间不晚于开始时间"),
    ],
)
def test_what_cannot_be_is_refused(conn: Conn, fact: RegisterFact, words: str) -> None:
    before = effective(conn)
    with pytest.raises(RefusedError) as caught:
        enter_register(conn, ACT, fact, "m.yaml:3")
    assert words in str(caught.value)
    assert all(fault.where == "m.yaml:3" for fault in caught.value.faults)
    assert (effective(conn), audit(conn), due(conn)) == (before, [], [])


def test_an_overlap_names_the_other(conn: Conn) -> None:
    number = enter_register(conn, ACT, changed(FACT, span=Span(None, at(10))))
    with pytest.raises(RefusedError, match=f"与已登记的 #{number}（不限 至"):
        enter_register(conn, ACT, changed(FACT, span=Span(at(9))))
    enter_register(conn, ACT, changed(FACT, span=Span(at(10))))
