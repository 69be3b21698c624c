from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import psycopg
import pytest

from metering.tree.holders import Holder, sole
from metering.tree.relations import Kind, Relation, enter_relation, reporters, withdraw_relation
from metering.tree.standing import Standing, enter_standing, standings, withdraw_standing
from metering.tree.timeline import on
from registry.audit import Act
from registry.refusal import RefusedError
from tests.integration.metering.tree.town import ACT, Town, wait_for_lock

Withdraw = Callable[[psycopg.Connection[Any], Act, int], None]
JULY = date(2026, 7, 1)


@pytest.fixture
def abc(town: Town) -> Town:
    town.house("A", "B", "C")
    return town


def logged(town: Town) -> list[tuple[Any, ...]]:
    return town.conn.execute(
        "SELECT at, principal, action, subject FROM audit_log ORDER BY id"
    ).fetchall()


def holder(town: Town, institution: int, day: date) -> Holder:
    return on(reporters(town.conn).get(institution, ()), day) or sole(institution)


def enter(town: Town, *relations: Relation) -> list[int]:
    return [enter_relation(town.conn, ACT, relation) for relation in relations]


BEHALF = Relation("institution", "A", Kind.ON_BEHALF, {"B": 1}, until=JULY, note="合用一块表")


def test_what_is_entered_holds_on_its_days_until_it_is_withdrawn(abc: Town) -> None:
    (entered,) = enter(abc, BEHALF)
    a, b = abc.ids["A"], abc.ids["B"]
    assert holder(abc, a, JULY - timedelta(days=1)) == ((b, Fraction(1)),)
    assert holder(abc, a, JULY) == ((a, Fraction(1)),)

    withdraw_relation(abc.conn, ACT, entered)

    assert holder(abc, a, JULY - timedelta(days=1)) == ((a, Fraction(1)),)
    enter(abc, BEHALF)
    assert [line[2:] for line in logged(abc)] == [
        ("relation.enter", "institution A"),
        ("relation.withdraw", f"relation {entered}"),
        ("relation.enter", "institution A"),
    ]
    assert {line[:2] for line in logged(abc)} == {(ACT.at, ACT.principal)}


@pytest.mark.parametrize(
    ("relation", "message"),
    [
        (Relation("institution", "X", Kind.OWN), "没有编码为 X 的机构：请更正编码或先登记"),
        (Relation("room", "A", Kind.EXCLUDED), "没有编码为 A 的房间"),
        (Relation("place", "A", Kind.EXCLUDED), "不认识的对象种类 place"),
        (Relation("room", "r-A", Kind.OWN, {"X": 1}), "没有编码为 X 的机构"),
        (Relation("room", "r-A", Kind.OWN), "列了 0 家机构"),
        (Relation("institution", "A", Kind.OWN, {"B": 1}), "列了 1 家机构"),
        (Relation("institution", "A", Kind.MERGED, {"B": 1, "C": 1}), "列了 2 家机构"),
        (Relation("building", "b-A", Kind.SHARED, {"A": 1}), "分摊至少 2 家"),
        (Relation("room", "r-A", Kind.EXCLUDED, {"A": 1}), "不计入不写"),
        (Relation("institution", "A", Kind.ON_BEHALF, {"A": 1}), "机构不能由自己代报"),
        (Relation("room", "r-A", Kind.SHARED, {"A": 0, "B": 1}), "A 的份额应是 1 到"),
        (
            Relation("room", "r-A", Kind.EXCLUDED, since=JULY, until=JULY),
            "结束日期 2026-07-01 不在开始日期 2026-07-01 之后",
        ),
        (
            Relation("institution", "B", Kind.EXCLUDED, since=date(2026, 1, 1)),
            r"B：最初至2026-07-01 前 已有代报关系（编号 \d+）；请先撤销它，或改掉重叠的日期",
        ),
        (Relation("institution", "A", Kind.MERGED, {"B": 1}), "机构 A、B 会互相代报成环"),
        (
            Relation("institution", "A", Kind.SHARED, {"A": 1, "B": 1}, since=date(2026, 6, 30)),
            "机构 A、B 会互相代报成环",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_whole(abc: Town, relation: Relation, message: str) -> None:
    enter(abc, Relation("institution", "B", Kind.ON_BEHALF, {"A": 1}, until=JULY))
    with pytest.raises(RefusedError, match=message):
        enter(abc, relation)
    counts = "SELECT count(*), (SELECT count(*) FROM reporting_share) FROM reporting_relation"
    assert abc.conn.execute(counts).fetchone() == (1, 1)
    assert len(logged(abc)) == 1


def test_a_virtual_meter_counts_for_nobody_and_has_no_relation(abc: Town) -> None:
    abc.meter("M", "r-A")
    abc.virtual("V", "{M}")
    with pytest.raises(RefusedError, match="V 是虚拟表，本身不计入任何机构：请对组成它的表录入"):
        enter(abc, Relation("meter", "V", Kind.OWN, {"B": 1}))
    assert enter(abc, Relation("meter", "M", Kind.OWN, {"B": 1}))


def test_relations_that_would_be_a_ring_on_other_days_are_none(abc: Town) -> None:
    enter(
        abc,
        Relation("institution", "B", Kind.ON_BEHALF, {"A": 1}, until=JULY),
        Relation("institution", "A", Kind.ON_BEHALF, {"B": 1}, since=JULY),
    )
    assert holder(abc, abc.ids["A"], JULY) == ((abc.ids["B"], Fraction(1)),)


def test_what_is_shared_out_keeps_a_part(abc: Town) -> None:
    enter(abc, Relation("institution", "A", Kind.SHARED, {"A": 3, "B": 1}))
    shares = ((abc.ids["A"], Fraction(3, 4)), (abc.ids["B"], Fraction(1, 4)))
    assert holder(abc, abc.ids["A"], JULY) == shares


@pytest.mark.parametrize("withdraw", [withdraw_relation, withdraw_standing])
def test_withdrawing_twice_is_refused(abc: Town, withdraw: Withdraw) -> None:
    entered = enter_relation(abc.conn, ACT, BEHALF)
    assert entered == enter_standing(abc.conn, ACT, Standing("A", "东区"))
    withdraw(abc.conn, ACT, entered)
    with pytest.raises(RefusedError, match="可能已经撤销"):
        withdraw(abc.conn, ACT, entered)
    with pytest.raises(RefusedError, match="没有编号为 99"):
        withdraw(abc.conn, ACT, 99)


def test_two_who_make_a_ring_together_do_not_miss_each_other(database: str, abc: Town) -> None:
    refused: list[str] = []

    def second() -> None:
        with psycopg.connect(database, autocommit=True) as two:
            try:
                enter_relation(two, ACT, Relation("institution", "B", Kind.MERGED, {"A": 1}))
            except RefusedError as error:
                refused.append(str(error))

    with psycopg.connect(database) as one:
        one.execute("SELECT")  # opens the transaction that stays open
        enter_relation(one, ACT, Relation("institution", "A", Kind.MERGED, {"B": 1}))
        other = threading.Thread(target=second)
        other.start()
        wait_for_lock(abc, "relation")
        one.commit()
    other.join(60)
    assert len(refused) == 1
    assert "成环" in refused[0]


def test_an_institution_that_moves_stands_elsewhere_from_then_on(abc: Town) -> None:
    enter_standing(abc.conn, ACT, Standing("A", "东区", "01", "县级", until=JULY))
    moved = Standing("A", "西区", "01", "县级", since=JULY)
    entered = enter_standing(abc.conn, ACT, moved)
    assert standings(abc.conn, JULY - timedelta(days=1))[abc.ids["A"]].district == "东区"
    assert standings(abc.conn, JULY) == {abc.ids["A"]: moved}
    withdraw_standing(abc.conn, ACT, entered)
    assert standings(abc.conn, JULY) == {}
    assert [line[2] for line in logged(abc)] == [
        "standing.enter",
        "standing.enter",
        "standing.withdraw",
    ]


@pytest.mark.parametrize(
    ("standing", "message"),
    [
        (Standing("X", "东区"), "没有编码为 X 的机构"),
        (Standing("A", "  "), "没有写区县"),
        (Standing("A", "西区", since=JULY, until=JULY), "结束日期"),
        (Standing("A", "西区", since=date(2026, 6, 30)), "最初至2026-07-01 前 已登记在东区"),
    ],
)
def test_a_standing_that_makes_no_sense_is_refused(
    abc: Town, standing: Standing, message: str
) -> None:
    enter_standing(abc.conn, ACT, Standing("A", "东区", until=JULY))
    with pytest.raises(RefusedError, match=message):
        enter_standing(abc.conn, ACT, standing)
    assert len(logged(abc)) == 1
