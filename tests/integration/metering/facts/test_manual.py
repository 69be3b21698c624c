from __future__ import annotations

import io
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from python_calamine import CalamineWorkbook

from metering.facts import manual
from metering.facts.acts import withdraw_act
from metering.facts.entry import enter_entry
from metering.facts.entry_check import Entry, Where
from metering.facts.ratio import RatioFact, enter_ratio
from metering.facts.register import RegisterFact, enter_register
from metering.facts.sheet import SHEET, Line
from metering.facts.span import Span
from metering.facts.template import HEADINGS, template_rows, write_template
from registry.refusal import RefusedError
from registry.workbook import cell_name
from tests.integration.metering.facts.world import (
    ACT,
    NOW,
    Conn,
    at,
    audit,
    due,
    effective,
    entries,
    polled,
    second_of,
)


def lines(*stated: tuple[str, float, str]) -> list[Line]:
    return [
        Line(
            Entry(meter, at(day), Decimal(value)),
            Where(cell_name(SHEET, row, 0), cell_name(SHEET, row, 6), cell_name(SHEET, row, 7)),
        )
        for row, (meter, day, value) in enumerate(stated, start=2)
    ]


def test_the_preview_says_what_would_be_used_and_changes_nothing(conn: Conn) -> None:
    polled(conn, "m-1", [(10, 1000.0)])
    enter_ratio(conn, ACT, RatioFact("p-1", Decimal(80), Decimal(1), Span(at(0))))
    before = effective(conn)
    looked = manual.preview(conn, lines(("p-1", 30, "1030.5"), ("p-1", 20, "1010")), NOW)
    assert effective(conn) == before
    said = [(r.last.value if r.last else None, r.difference, r.consumption) for r in looked.rows]
    assert said == [
        (Decimal(1000), Decimal(10), Decimal(800)),
        (Decimal(1010), Decimal("20.5"), Decimal(1640)),
    ]
    assert looked.imported is None


def test_a_first_reading_of_a_used_meter_comes_to_nothing(conn: Conn) -> None:
    (row,) = manual.preview(conn, lines(("p-1", 20, "88123")), NOW).rows
    assert (row.last, row.difference, row.consumption, row.warnings) == (None, None, None, ())


def test_a_lower_reading_is_worth_a_second_look(conn: Conn) -> None:
    polled(conn, "m-1", [(10, 1000.0)])
    (row,) = manual.preview(conn, lines(("p-1", 20, "900")), NOW).rows
    assert row.consumption is None
    assert "低于" in row.warnings[0]


def test_a_rollover_is_counted(conn: Conn) -> None:
    enter_register(conn, ACT, RegisterFact("m-1", "energy", Decimal("0.01"), Decimal(10000)))
    polled(conn, "m-1", [(10, 9990.0)])
    (row,) = manual.preview(conn, lines(("p-1", 20, "12")), NOW).rows
    assert row.difference == 22
    assert row.warnings == ("表已翻转（满度 10000）",)


def test_more_than_the_register_can_gain_is_worth_a_second_look(conn: Conn) -> None:
    fact = RegisterFact("m-1", "energy", Decimal("0.01"), max_per_hour=Decimal(2))
    enter_register(conn, ACT, fact)
    polled(conn, "m-1", [(10, 1000.0)])
    rows = manual.preview(conn, lines(("p-1", 11, "1048"), ("p-1", 12, "1200")), NOW).rows
    assert rows[0].warnings == ()
    assert "超过该表每小时最大增量 2" in rows[1].warnings[0]


def test_much_more_than_usual_is_worth_a_second_look(conn: Conn) -> None:
    polled(conn, "m-1", [(0, 0.0), (100, 2400.0)])
    rows = manual.preview(conn, lines(("p-1", 101, "2424"), ("p-1", 102, "2724")), NOW).rows
    assert rows[0].warnings == ()
    (warning,) = rows[1].warnings
    assert "倍" in warning


def test_an_import_is_one_act_and_the_same_again_changes_nothing(conn: Conn) -> None:
    stated = lines(("p-1", 20, "100"), ("p-2", 20, "200"))
    done = manual.apply(conn, ACT, stated, "十月.xlsx")
    assert (done.entered, done.known) == (2, 0)
    assert [action for _, action, _ in audit(conn)] == [
        *("import.enter", "entry.enter", "entry.enter")
    ]
    assert due(conn) == [("p-1", at(20), at(20)), ("p-2", at(20), at(20))]
    again = manual.apply(conn, ACT, list(reversed(stated)), "改了名字.xlsx")
    assert (again.act_id, again.entered, again.known) == (None, 0, 2)
    assert due(conn) == []
    looked = manual.preview(conn, stated, NOW)
    assert looked.imported == done.act_id
    assert all(row.known for row in looked.rows)


def test_only_what_is_new_is_entered(conn: Conn) -> None:
    manual.apply(conn, ACT, lines(("p-1", 20, "100")), "一.xlsx")
    done = manual.apply(conn, ACT, lines(("p-1", 20, "100"), ("p-2", 20, "200")), "二.xlsx")
    assert (done.entered, done.known) == (1, 1)
    assert done.act_id is not None
    withdraw_act(conn, ACT, done.act_id)
    assert entries(conn) == [("m-1", "reading", at(20), Decimal(100))]


def test_undoing_an_import_withdraws_its_readings_and_it_can_come_again(conn: Conn) -> None:
    stated = lines(("p-1", 20, "100"), ("p-2", 20, "200"))
    before = effective(conn)
    done = manual.apply(conn, ACT, stated, "十月.xlsx")
    due(conn)
    assert done.act_id is not None
    withdraw_act(conn, ACT, done.act_id)
    assert effective(conn) == before
    assert due(conn) == [("p-1", at(20), at(20)), ("p-2", at(20), at(20))]
    assert manual.apply(conn, ACT, stated, "十月.xlsx").entered == 2


def test_one_wrong_line_refuses_all_and_names_each_cell(conn: Conn) -> None:
    enter_entry(conn, ACT, Entry("p-2", at(20), Decimal(5)))
    before = effective(conn)
    stated = lines(("p-1", 20, "100"), ("p-l", 20, "1"), ("p-2", 20, "6"), ("p-1", -3, "1"))
    with pytest.raises(RefusedError) as caught:
        manual.apply(conn, ACT, stated, "十月.xlsx")
    assert [fault.where for fault in caught.value.faults] == ["抄表!A3", "抄表!H4", "抄表!G5"]
    assert effective(conn) == before
    with pytest.raises(RefusedError):
        manual.preview(conn, stated, NOW)


def test_two_sessions_importing_the_same_are_one_import(conn: Conn, database: str) -> None:
    stated = lines(("p-1", 20, "100"))
    message = second_of(
        database,
        lambda other: manual.apply(other, ACT, stated, "十月.xlsx"),
        lambda: manual.apply(conn, ACT, stated, "十月.xlsx"),
    )
    assert "与他人刚刚录入的内容冲突" in message
    assert manual.apply(conn, ACT, stated, "十月.xlsx").known == 1
    assert len(entries(conn)) == 1


def test_the_template_lists_what_can_be_read_with_its_last_reading(conn: Conn) -> None:
    polled(conn, "m-1", [(10, 1000.5)])
    zone = ZoneInfo("Asia/Shanghai")
    target = io.BytesIO()
    write_template(target, template_rows(conn, NOW), zone)
    target.seek(0)
    book = CalamineWorkbook.from_filelike(target)
    assert book.sheet_names == [SHEET, "说明"]
    first, one, two = book.get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    assert tuple(first) == HEADINGS
    assert one[:6] == ["p-1", "总进线", "m-1", "kWh", datetime(2026, 1, 11, 8), 1000.5]  # noqa: DTZ001
    assert two[:4] == ["p-2", "机房进线", "m-2", "kWh"]
    assert not any(one[6:])
    assert not any(two[4:])


@pytest.mark.parametrize(("count", "guessed"), [(10, True), (11, False)])
def test_a_column_of_something_else_is_refused_cell_by_cell_without_guessing(
    conn: Conn, count: int, guessed: bool
) -> None:
    stated = lines(
        ("p-1", 10, "100"), *((f"p-1{chr(97 + number)}", 10, "1") for number in range(count))
    )
    with pytest.raises(RefusedError) as refused:
        manual.preview(conn, stated, NOW)
    faults = refused.value.faults
    assert [fault.where for fault in faults] == [f"抄表!A{row}" for row in range(3, count + 3)]
    assert {"是不是" in fault.what for fault in faults} == {guessed}
    assert "没有编码为 p-1a 的计量表" in faults[0].what
