from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from metering.facts.entry import correct_entry, enter_entry, withdraw_entry
from metering.facts.entry_check import Entry, Kind
from metering.facts.register import RegisterFact, enter_register
from registry.refusal import RefusedError
from tests.integration.metering.facts.world import (
    ACT,
    CHINA,
    Conn,
    at,
    audit,
    bring,
    content,
    due,
    effective,
    entries,
    polled,
)


def entry(day: float, value: str, kind: Kind = "reading", meter: str = "p-1") -> Entry:
    return Entry(meter, at(day).astimezone(CHINA), Decimal(value), kind)


def refused(conn: Conn, stated: Entry) -> list[tuple[str, str]]:
    before, lines = effective(conn), audit(conn)
    with pytest.raises(RefusedError) as caught:
        enter_entry(conn, ACT, stated)
    assert effective(conn) == before
    assert audit(conn) == lines
    assert due(conn) == []
    return [(fault.where, fault.what) for fault in caught.value.faults]


def test_a_reading_is_due_at_its_time_and_no_longer(conn: Conn) -> None:
    number = enter_entry(conn, ACT, entry(10, "100"))
    assert due(conn) == [("p-1", at(10), at(10))]
    second = correct_entry(conn, ACT, number, entry(11, "100"))
    assert due(conn) == [("p-1", at(10), at(10)), ("p-1", at(11), at(11))]
    withdraw_entry(conn, ACT, second)
    assert due(conn) == [("p-1", at(11), at(11))]
    assert entries(conn) == []
    assert audit(conn) == [
        ("王芳", "entry.enter", "p-1"),
        ("王芳", "entry.withdraw", "p-1"),
        ("王芳", "entry.enter", "p-1"),
        ("王芳", "entry.withdraw", "p-1"),
    ]


def test_a_meter_of_another_register_is_not_due(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, direction, place_id, register)"
        " SELECT 'p-1-out', '反向', 'electricity', 'kWh', 'out', id, 'export' FROM place"
        " WHERE code = 'p-1'"
    )
    enter_entry(conn, ACT, entry(10, "100"))
    assert [code for code, _, _ in due(conn)] == ["p-1"]
    enter_entry(conn, ACT, entry(10, "5", meter="p-1-out"))
    assert [code for code, _, _ in due(conn)] == ["p-1-out"]


def test_a_reading_of_tomorrow_is_refused(conn: Conn) -> None:
    ((where, what),) = refused(conn, entry(9999, "1"))
    assert where == "时间"
    assert "还没有到" in what


def test_a_time_before_the_device_hung_there_is_refused_in_local_time(conn: Conn) -> None:
    ((where, what),) = refused(conn, entry(-1, "1"))
    assert where == "时间"
    assert "2025-12-31 08:00 时 p-1 处没有装表（m-1：2026-01-01 08:00 至 不限）" in what


@pytest.mark.parametrize("value", ["-1", "NaN", "Infinity", "1e14"])
def test_a_value_no_meter_shows_is_refused(conn: Conn, value: str) -> None:
    ((where, what),) = refused(conn, entry(10, value))
    assert where == "读数"
    assert "请填写表上显示的非负数" in what


def test_more_digits_than_a_register_has_are_refused(conn: Conn) -> None:
    assert "超过 6 位小数" in refused(conn, entry(10, "1.2345678"))[0][1]


def test_a_value_beyond_the_capacity_is_refused(conn: Conn) -> None:
    enter_register(conn, ACT, RegisterFact("m-1", "energy", Decimal("0.01"), Decimal(1000)))
    due(conn)
    assert "超出表的满度 1000" in refused(conn, entry(10, "1000"))[0][1]


def test_the_same_again_and_another_value_at_the_same_time_are_refused(conn: Conn) -> None:
    number = enter_entry(conn, ACT, entry(10, "100"))
    due(conn)
    assert f"已经录入（#{number}）" in refused(conn, entry(10, "100"))[0][1]
    assert f"已录入抄表读数 100（#{number}），与 101 不同" in refused(conn, entry(10, "101"))[0][1]


def test_whatever_it_was_read_for_a_counter_shows_one_value_at_a_time(conn: Conn) -> None:
    number = enter_entry(conn, ACT, entry(10, "100"))
    due(conn)
    for kind in ("final", "initial"):
        ((where, what), *_) = refused(conn, entry(10, "120", kind))
        assert (where, what.partition("；")[0]) == (
            "读数",
            f"2026-01-11 08:00 已录入抄表读数 100（#{number}），与 120 不同",
        )
    enter_entry(conn, ACT, entry(10, "100", "final"))
    enter_entry(conn, ACT, entry(10, "0", "reset"))


def test_a_first_value_behind_readings_is_refused(conn: Conn) -> None:
    polled(conn, "m-1", [(5, 50.0)])
    assert "装表底数必须在所有读数之前" in refused(conn, entry(10, "0", "initial"))[0][1]
    enter_entry(conn, ACT, entry(1, "0", "initial"))


def test_a_last_value_before_readings_is_refused(conn: Conn) -> None:
    polled(conn, "m-1", [(15, 50.0)])
    assert "拆表止数必须在所有读数之后" in refused(conn, entry(10, "40", "final"))[0][1]


def test_a_reset_may_begin_anywhere(conn: Conn) -> None:
    polled(conn, "m-1", [(5, 50000.0)])
    enter_entry(conn, ACT, entry(10, "3", "reset"))
    assert entries(conn) == [("m-1", "reset", at(10), Decimal(3))]


def test_a_virtual_meter_is_not_read(conn: Conn) -> None:
    conn.execute(
        "INSERT INTO meter (code, name, energy, unit, formula)"
        " VALUES ('v', '差', 'electricity', 'kWh', '{p-1} - {p-2}')"
    )
    assert "是虚拟表" in refused(conn, entry(10, "1", meter="v"))[0][1]


def test_what_is_wrong_is_told_all_at_once(conn: Conn) -> None:
    assert len(refused(conn, entry(9999, "-1", meter="p-0"))) == 3


def test_a_device_without_a_counter_cannot_be_read(conn: Conn) -> None:
    conn.execute("UPDATE point SET class = 'gauge'")
    assert "没有累计量" in refused(conn, entry(10, "1"))[0][1]


def test_an_import_that_changes_bindings_makes_their_time_due(conn: Conn) -> None:
    stated = content()
    stated["devices"][0]["until"] = at(50).isoformat()
    stated["devices"][3] |= {"place": "p-1", "since": at(60).isoformat()}  # m-9
    bring(conn, stated, datetime(2026, 6, 1, tzinfo=UTC))
    assert sorted(due(conn), key=lambda row: row[1]) == [
        ("p-1", at(50), None),
        ("p-1", at(60), None),
    ]


def test_a_year_that_nobody_can_mean_is_refused(conn: Conn) -> None:
    """Mounted without a begin: 1976 instead of 2026 would make two million quarter hours."""
    conn.execute("UPDATE device_place SET valid = '(,)'")
    mistyped = Entry("p-1", datetime(1976, 10, 31, tzinfo=CHINA), Decimal(5))
    ((where, what),) = refused(conn, mistyped)
    assert where == "时间"
    assert "1976 年不在 2000 年至 2100 年之间" in what
