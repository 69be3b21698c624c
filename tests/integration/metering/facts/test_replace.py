from __future__ import annotations

from dataclasses import replace as changed
from decimal import Decimal

import psycopg
import pytest

from metering.facts.acts import withdraw_act
from metering.facts.entry import enter_entry, withdraw_entry
from metering.facts.entry_check import Entry
from metering.facts.register import RegisterFact, enter_register
from metering.facts.replace import Replacement, Values, correct_replacement, replace
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import (
    ACT,
    Conn,
    at,
    audit,
    bindings,
    bring,
    content,
    due,
    effective,
    entries,
    polled,
    second_of,
)


def replacement(
    device: str = "m-9",
    off: float = 100,
    on: float = 100.5,
    final: str | None = "1234.56",
    initial: str | None = "7",
) -> Replacement:
    values = Values(
        "p-1",
        None if final is None else Decimal(final),
        None if initial is None else Decimal(initial),
    )
    return Replacement("p-1", device, at(off), at(on), (values,))


def refused(conn: Conn, stated: Replacement) -> str:
    before, lines = effective(conn), audit(conn)
    with pytest.raises(RefusedError) as caught:
        replace(conn, ACT, stated)
    assert effective(conn) == before
    assert audit(conn) == lines
    assert due(conn) == []
    return str(caught.value)


def test_a_replacement_is_one_act(conn: Conn) -> None:
    polled(conn, "m-1", [(99, 1200.0), (100, 1234.5)])
    replace(conn, ACT, replacement())
    assert bindings(conn, "p-1") == [("m-1", at(0), at(100)), ("m-9", at(100.5), None)]
    assert entries(conn) == [
        ("m-1", "final", at(100), Decimal("1234.56")),
        ("m-9", "initial", at(100.5), Decimal(7)),
    ]
    assert audit(conn) == [
        ("王芳", "replace.enter", "p-1"),
        ("王芳", "entry.enter", "p-1"),
        ("王芳", "entry.enter", "p-1"),
    ]
    assert due(conn) == [
        ("p-1", at(100), None),
        ("p-1", at(100.5), None),
        ("p-1", at(100), at(100)),
        ("p-1", at(100.5), at(100.5)),
    ]


def test_withdrawing_it_restores_everything(conn: Conn) -> None:
    before = effective(conn)
    act_id = replace(conn, ACT, replacement())
    due(conn)
    withdraw_act(conn, ACT, act_id)
    assert effective(conn) == before
    assert audit(conn)[3:] == [
        ("王芳", "replace.withdraw", "p-1"),
        ("王芳", "entry.withdraw", "p-1"),
        ("王芳", "entry.withdraw", "p-1"),
    ]
    assert {code for code, _, _ in due(conn)} == {"p-1"}
    with pytest.raises(RefusedError, match="已经撤销"):
        withdraw_act(conn, ACT, act_id)


def test_a_correction_keeps_both(conn: Conn) -> None:
    act_id = replace(conn, ACT, replacement())
    second = correct_replacement(conn, ACT, act_id, replacement(off=101, on=101))
    assert bindings(conn, "p-1") == [("m-1", at(0), at(101)), ("m-9", at(101), None)]
    rows = conn.execute("SELECT id, withdrawn_by FROM fact_act ORDER BY id").fetchall()
    assert rows == [(act_id, "王芳"), (second, None)]
    assert conn.execute("SELECT count(*) FROM counter_entry").fetchone() == (4,)


def test_entered_late_between_two_that_are_known(conn: Conn) -> None:
    stated = content()
    stated["devices"][2] |= {"place": "p-1", "since": at(200).isoformat()}  # m-8
    stated["devices"][0]["until"] = at(200).isoformat()
    bring(conn, stated, at(201))
    due(conn)
    replace(conn, ACT, replacement())
    assert bindings(conn, "p-1") == [
        ("m-1", at(0), at(100)),
        ("m-9", at(100.5), at(200)),
        ("m-8", at(200), None),
    ]
    assert due(conn)[:2] == [("p-1", at(100), at(200)), ("p-1", at(100.5), at(200))]


def test_where_the_inventory_bound_the_new_one_only_the_times_are_put_right(conn: Conn) -> None:
    stated = content()
    del stated["devices"][0]
    stated["devices"][2] |= {"place": "p-1"}  # m-9 took the place of m-1, nobody wrote when
    bring(conn, stated, at(110))
    assert bindings(conn, "p-1") == [("m-1", at(0), at(110)), ("m-9", at(110), None)]
    due(conn)
    replace(conn, ACT, replacement())
    assert bindings(conn, "p-1") == [("m-1", at(0), at(100)), ("m-9", at(100.5), None)]
    assert due(conn)[:2] == [("p-1", at(100), at(110)), ("p-1", at(100.5), at(110))]
    assert not bring(conn, stated, at(120)), "the same inventory again must not undo it"


def test_a_chain_is_withdrawn_from_its_end(conn: Conn) -> None:
    first = replace(conn, ACT, replacement())
    second = replace(conn, ACT, replacement("m-8", 150, 150, "9.5", None))
    assert [b[0] for b in bindings(conn, "p-1")] == ["m-1", "m-9", "m-8"]
    before = effective(conn)
    due(conn)
    with pytest.raises(RefusedError, match="先撤销后来的操作"):
        withdraw_act(conn, ACT, first)
    assert effective(conn) == before
    withdraw_act(conn, ACT, second)
    withdraw_act(conn, ACT, first)
    assert bindings(conn, "p-1") == [("m-1", at(0), None)]


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (replacement(off=100, on=99), "早于旧表"),
        (replacement(off=9999, on=9999), "还没有到"),
        (replacement("m-7"), "没有编码为 m-7 的设备"),
        (replacement("m-2"), "装在 p-2"),
        (replacement("m-1"), "没有别的表可以拆下"),
        (replacement(off=-1, on=5), "之前 p-1 处没有别的表可以拆下"),
        (changed(replacement(), meter="p-9"), "没有编码为 p-9 的计量表"),
        (replacement(final="1190"), "拆表止数 1190 小于"),
        (replacement(initial="-1"), "请填写表上显示的非负数"),
        (changed(replacement(), values=(Values("p-2", None, None),)), "p-2 不在计量点 p-1"),
    ],
)
def test_what_cannot_be_is_refused_whole(conn: Conn, stated: Replacement, words: str) -> None:
    polled(conn, "m-1", [(99, 1200.0)])
    assert words in refused(conn, stated)


def test_a_second_replacement_of_the_same_device_is_refused(conn: Conn) -> None:
    first = replace(conn, ACT, replacement())
    due(conn)
    assert f"换表 #{first} 已登记了同一次拆下旧表" in refused(conn, replacement("m-8", 50, 50))
    assert f"换表 #{first} 已登记了同一次" in refused(conn, replacement("m-9", 120, 120))


def test_a_final_value_behind_a_rollover_is_taken(conn: Conn) -> None:
    polled(conn, "m-1", [(99, 9990.0)])
    assert "若表已翻转，先登记满度" in refused(conn, replacement(final="4"))
    enter_register(conn, ACT, RegisterFact("m-1", "energy", Decimal("0.01"), Decimal(10000)))
    due(conn)
    # A rollover gains a quarter of the register at most: 3,010 would be none.
    assert "拆表止数 3000 小于" in refused(conn, replacement(final="3000"))
    replace(conn, ACT, replacement(final="4"))


def test_a_spike_does_not_bar_a_final_value_once_somebody_read_the_meter(conn: Conn) -> None:
    polled(conn, "m-1", [(98, 1200.0), (99, 81200.0)])
    assert "先补录一条核实过的抄表读数" in refused(conn, replacement())
    enter_entry(conn, ACT, Entry("p-1", at(99.5), Decimal(1230), "reading", "现场核实"))
    replace(conn, ACT, replacement())


def test_a_value_of_a_replacement_is_not_withdrawn_alone(conn: Conn) -> None:
    replace(conn, ACT, replacement())
    row = conn.execute("SELECT min(id) FROM counter_entry").fetchone()
    assert row is not None
    with pytest.raises(RefusedError, match="它属于换表"):
        withdraw_entry(conn, ACT, row[0])


def test_inside_a_transaction_of_the_caller_a_refusal_leaves_it_usable(database: str) -> None:
    with psycopg.connect(database) as own:
        bring(own, content())
        with pytest.raises(RefusedError):
            replace(own, ACT, replacement("m-7"))
        replace(own, ACT, replacement())
        own.rollback()


def test_two_sessions_that_replace_the_same_device_are_told_cleanly(
    conn: Conn, database: str
) -> None:
    message = second_of(
        database,
        lambda other: replace(other, ACT, replacement("m-8")),
        lambda: replace(conn, ACT, replacement("m-9")),
    )
    assert "已登记了同一次拆下旧表" in message
    assert bindings(conn, "p-1") == [("m-1", at(0), at(100)), ("m-8", at(100.5), None)]
