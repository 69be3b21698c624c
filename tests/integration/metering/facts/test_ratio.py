from __future__ import annotations

from decimal import Decimal

import pytest

from metering.facts.meters import find
from metering.facts.ratio import (
    RatioFact,
    correct_ratio,
    enter_ratio,
    standing_ratios,
    succeed_ratio,
    withdraw_ratio,
)
from metering.facts.register import RegisterFact, enter_register
from metering.facts.span import Span
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import ACT, Conn, at, audit, due, effective, second_of

HUNDRED = Decimal(100)
ONE = Decimal(1)


def ratio(ct: str = "80", since: float = 0, until: float | None = None, pt: str = "1") -> RatioFact:
    end = None if until is None else at(until)
    return RatioFact("p-1", Decimal(ct), Decimal(pt), Span(at(since), end))


def refused(conn: Conn, fact: RatioFact) -> str:
    before = effective(conn)
    with pytest.raises(RefusedError) as caught:
        enter_ratio(conn, ACT, fact, "meters.yaml:7")
    assert effective(conn) == before
    assert due(conn) == []
    assert all(f.where.startswith("meters.yaml:7") for f in caught.value.faults)
    return str(caught.value)


def test_a_ratio_is_due_for_as_long_as_it_holds(conn: Conn) -> None:
    first = enter_ratio(conn, ACT, ratio("80", 0, 30))
    assert due(conn) == [("p-1", at(0), at(30))]
    enter_ratio(conn, ACT, ratio("60", 30))
    assert due(conn) == [("p-1", at(30), None)]
    withdraw_ratio(conn, ACT, first)
    assert due(conn) == [("p-1", at(0), at(30))]
    assert audit(conn) == [
        ("王芳", "ratio.enter", "p-1"),
        ("王芳", "ratio.enter", "p-1"),
        ("王芳", "ratio.withdraw", "p-1"),
    ]


def test_a_correction_keeps_both_and_says_who(conn: Conn) -> None:
    wrong = enter_ratio(conn, ACT, ratio("8"))
    correct_ratio(conn, ACT, wrong, ratio("80"))
    rows = conn.execute(
        "SELECT ct, withdrawn_by, withdrawn_at FROM meter_ratio ORDER BY id"
    ).fetchall()
    assert rows == [(8, "王芳", ACT.at), (80, None, None)]


def test_a_correction_that_is_refused_withdraws_nothing(conn: Conn) -> None:
    held = enter_ratio(conn, ACT, ratio("80"))
    before = effective(conn)
    with pytest.raises(RefusedError, match="必须大于 0"):
        correct_ratio(conn, ACT, held, ratio("0"))
    assert effective(conn) == before


def test_the_ratio_in_force_ends_where_its_successor_begins(conn: Conn) -> None:
    enter_ratio(conn, ACT, ratio("80"))
    succeed_ratio(conn, ACT, ratio("60", 100))
    spans = [(f.ct, f.span) for _, f in standing_ratios(conn, find(conn, "p-1"))]
    assert spans == [(Decimal(80), Span(at(0), at(100))), (Decimal(60), Span(at(100)))]


@pytest.mark.parametrize("ct", ["0", "-80", "NaN", "Infinity"])
def test_a_ratio_that_is_not_above_zero_is_refused(conn: Conn, ct: str) -> None:
    assert "变比必须大于 0" in refused(conn, ratio(ct))


def test_overlapping_ratios_are_refused(conn: Conn) -> None:
    enter_ratio(conn, ACT, ratio("80", 10, 20))
    due(conn)
    assert "与已登记的变比 CT 80 × PT 1" in refused(conn, ratio("60", 19))
    enter_ratio(conn, ACT, ratio("60", 20))


def test_a_span_that_ends_before_it_begins_is_refused(conn: Conn) -> None:
    assert "结束时间不晚于开始时间" in refused(conn, ratio("60", 20, 20))


def test_more_digits_than_a_nameplate_has_are_refused(conn: Conn) -> None:
    assert "最多 4 位小数" in refused(conn, ratio("26.66667"))


def test_a_ratio_without_whole_millionths_is_refused(conn: Conn) -> None:
    enter_register(conn, ACT, RegisterFact("m-1", "energy", Decimal("0.001")))
    due(conn)
    message = refused(conn, ratio("26.6667"))
    assert "meters.yaml:7，m-1：最小刻度 0.001 × CT 26.6667 × PT 1 = 26666.7" in message
    enter_ratio(conn, ACT, ratio("26.667"))


def test_a_register_without_whole_millionths_under_its_ratio_is_refused(conn: Conn) -> None:
    enter_ratio(conn, ACT, ratio("1.5"))
    with pytest.raises(RefusedError, match="不是整数"):
        enter_register(conn, ACT, RegisterFact("m-1", "energy", Decimal("0.000001")))


def test_an_unknown_meter_is_refused_with_the_nearest_code(conn: Conn) -> None:
    fact = RatioFact("p_1", ONE, ONE, Span(at(0)))
    assert "没有编码为 p_1 的计量表（是不是 p-1？）" in refused(conn, fact)


def test_what_was_withdrawn_cannot_be_withdrawn_again(conn: Conn) -> None:
    held = enter_ratio(conn, ACT, ratio())
    withdraw_ratio(conn, ACT, held)
    with pytest.raises(RefusedError, match="已经撤销"):
        withdraw_ratio(conn, ACT, held)


def test_two_sessions_that_enter_the_same_time_are_told_cleanly(conn: Conn, database: str) -> None:
    message = second_of(
        database,
        lambda other: enter_ratio(other, ACT, ratio("60")),
        lambda: enter_ratio(conn, ACT, ratio("80")),
    )
    assert "与他人刚刚录入的内容冲突" in message
    standing = standing_ratios(conn, find(conn, "p-1"))
    assert [fact.ct for _, fact in standing] == [60]
    assert len(audit(conn)) == 1


def test_two_sessions_that_enter_the_same_register_are_told_cleanly(
    conn: Conn, database: str
) -> None:
    fact = RegisterFact("m-1", "energy", Decimal("0.01"))
    message = second_of(
        database,
        lambda other: enter_register(other, ACT, fact),
        lambda: enter_register(conn, ACT, fact),
    )
    assert "与他人刚刚录入的内容冲突" in message
    assert len(audit(conn)) == 1
