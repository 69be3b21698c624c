"""The monthly sheet as it is posted, corrected and withdrawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import python_calamine as calamine
from typer.testing import Result

from fleet.ledger.entry import enter_facts
from fleet.ledger.imports import undo
from fleet.ledger.settings import SheetSettings
from fleet.ledger.words import words
from fleet.publish import store
from fleet.publish.publishing import Books, publish
from registry.audit import Act, lines
from registry.refusal import RefusedError
from tests.integration.fleet.ledger.world import (
    ACT,
    SPENDING,
    VEHICLES,
    ZONE,
    Conn,
    bring,
    spent,
)

Run = Callable[..., Result]
MONTH = ("--month", "2026-01", "--institution", "czj")
JANUARY = date(2026, 1, 1)


def rows_of(path: Path, sheet: str) -> list[list[object]]:
    with calamine.load_workbook(path) as book:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [[c.replace("\n", "") if isinstance(c, str) else c for c in row] for row in rows]


def said(done: Result) -> Any:  # noqa: ANN401 - JSON
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refusal(done: Result) -> str:
    assert isinstance(done.exception, RefusedError)
    return str(done.exception)


def repair(conn: Conn, tmp_path: Path, amount: float = 100) -> None:
    line = spent(None, "A01", None, "2026-01-30", "维修", amount=amount)
    bring(conn, tmp_path / "b.xlsx", 费用=[SPENDING, line])


def test_a_month_is_posted_with_dashes_footnotes_and_sums(run: Run, tmp_path: Path) -> None:
    done = run("vehicle", "publish", "公示.xlsx", *MONTH, "--by", "王会计")
    assert done.exit_code == 0, done.output
    assert "已公示 czj 2026-01，第 1 版。" in done.output
    rows = rows_of(tmp_path / "公示.xlsx", "公示表")
    assert rows[0][0] == "财政局公务用车单车核算公示表"
    assert "单位：财政局　　月份：2026 年 1 月　　公示日期：" in str(rows[1][0])
    line, total = (dict(zip(rows[2], row, strict=True)) for row in rows[3:5])
    assert (line["车牌号"], line["里程（km）"], line["里程来源"]) == ("沪A10001", 500.0, "里程表")
    assert (line["加油量（L）"], line["油气费（元）"], line["百公里油耗（L）"]) == (
        70.0,
        525.0,
        14.1,
    )
    assert (line["维修费（元）"], line["通行停车费（元）"]) == (820.5, 30.0)
    assert (line["运行费合计（元）"], line["每公里费用（元）"]) == (1375.5, 1.06)
    assert (line["保险费（元）"], line["充电量（kWh）"]) == ("—", "—")
    assert (line["本年累计（元）"], line["年度预算（元）"], line["执行率"]) == (
        1375.5,
        20000.0,
        0.069,
    )
    assert (total["车牌号"], total["运行费合计（元）"], total["百公里油耗（L）"]) == (
        "合计",
        1375.5,
        14.1,
    )
    text = "\n".join(str(row[0]) for row in rows[5:])
    assert "年度预算 30,000.00 元，表列车辆本年累计 1,375.50 元，占 4.6%" in text
    assert "[1] 里程：里程自 01-02 至 01-20，百公里能耗和每公里费用按同一区段" in text


def test_nothing_of_trips_orders_or_unlisted_vehicles_is_on_it(run: Run, tmp_path: Path) -> None:
    for name in ("a.xlsx", "a.csv", "a.json"):
        assert run("vehicle", "publish", name, *MONTH, "--dry-run").exit_code == 0
    shown = run("vehicle", "publish", *MONTH, "--dry-run").output
    shown += (tmp_path / "a.csv").read_text("utf-8-sig") + (tmp_path / "a.json").read_text("utf-8")
    shown += str(rows_of(tmp_path / "a.xlsx", "公示表"))
    for word in ("沪A10002", "A02", "送文件", "李四", "王五", "P1", "张三", "示例维修厂", "9001"):
        assert word not in shown
    assert run("vehicle", "published").output.count("2026-01") == 0


def test_what_was_published_stays_and_what_differs_is_told(
    run: Run, conn: Conn, tmp_path: Path
) -> None:
    first = said(run("vehicle", "publish", *MONTH, "--json"))[0]
    repair(conn, tmp_path)
    shown = said(run("vehicle", "published", "--month", "2026-01", "--json"))
    assert shown[0]["rows"] == first["rows"]
    changes = {(row["whose"], row["item"]): row for row in shown[1]["rows"]}
    assert changes["沪A10001", "维修费（元）"] == {
        "whose": "沪A10001",
        "item": "维修费（元）",
        "was": "820.50",
        "now": "920.50",
        "change": "+100.00",
    }
    assert changes["合计", "运行费合计（元）"]["change"] == "+100.00"
    assert "第 1 版），与账面有 8 处不同；更正请加 --correct" in refusal(
        run("vehicle", "publish", *MONTH)
    )


def test_a_correction_is_a_further_revision_and_withdrawing_it_brings_back_the_one_before(
    run: Run, conn: Conn, tmp_path: Path
) -> None:
    run("vehicle", "publish", *MONTH, "--by", "王会计")
    repair(conn, tmp_path)
    done = run("vehicle", "publish", "更正.xlsx", *MONTH, "--correct", "--reason", "补录维修")
    assert "第 2 版（更正：补录维修）" in done.output
    assert rows_of(tmp_path / "更正.xlsx", "更正")[3][:2] == ["沪A10001", "维修费（元）"]
    found = store.standing(conn, "czj", JANUARY)
    assert found is not None
    assert (found.revision, found.why) == (2, "补录维修")
    assert "没有需要更正的" in refusal(
        run("vehicle", "publish", *MONTH, "--correct", "--reason", "x")
    )
    assert run("vehicle", "publish", *MONTH, "--withdraw", "--reason", "误发").exit_code == 0
    found = store.standing(conn, "czj", JANUARY)
    assert found is not None
    assert (found.revision, found.published_by) == (1, "王会计")
    assert [line.action for line in lines(conn, "czj")] == [
        "vehicle.publish.withdraw",
        "vehicle.publish",
        "vehicle.publish",
    ]
    shown = run("vehicle", "published").output
    assert "误发" in shown
    assert "补录维修" in shown


def test_the_database_refuses_to_change_what_was_published(run: Run, conn: Conn) -> None:
    run("vehicle", "publish", *MONTH)
    for statement in (
        "UPDATE vehicle_publication SET content = '{}'",
        "UPDATE vehicle_publication SET published_by = 'x'",
        "DELETE FROM vehicle_publication",
        "TRUNCATE vehicle_publication",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match="frozen"):
            conn.execute(statement.encode())


def test_the_records_behind_the_figures_are_kept_with_them(run: Run, conn: Conn) -> None:
    run("vehicle", "publish", *MONTH)
    found = store.standing(conn, "czj", JANUARY)
    assert found is not None
    assert list(found.basis["vehicles"]) == ["A01"]
    ids = {number for kind, number in found.basis["vehicles"]["A01"] if kind == "maintenance"}
    row = conn.execute("SELECT array_agg(id) FROM fleet_spending WHERE kind = 'maintenance'")
    assert [sorted(ids)] == list(row.fetchone() or ())


def sensitive(conn: Conn, tmp_path: Path, institution: str, codes: list[str]) -> None:
    since = date(2026, 1, 1)
    cars = [
        [code, "汽车", institution, since, f"沪C{code}", "汽油", None, 50, "涉密"] for code in codes
    ]
    bills = [
        spent(f"S{code}", code, None, "2026-01-11 09:00", "加油", "92号汽油", 10, 80)
        for code in codes
    ]
    bring(conn, tmp_path / "s.xlsx", 车辆=[VEHICLES, *cars], 费用=[SPENDING, *bills])


def with_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIEYONG_SHEETS__SENSITIVE_IN_SUM", "true")


def test_one_unlisted_vehicle_that_the_sum_would_lay_open_is_left_out(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sum(monkeypatch)
    done = run("vehicle", "publish", *MONTH, "--json")
    content = said(done)[0]
    assert [row["plate"] for row in content["rows"]] == ["沪A10001"]
    assert "提示 不公示车牌的车辆 1 辆未计入合计" in done.stderr
    assert "1 辆" not in str(content)


def test_enough_unlisted_vehicles_stand_as_one_line_where_the_setting_says_so(
    run: Run, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensitive(conn, tmp_path, "czj", ["C1", "C2", "C3"])
    sensitive(conn, tmp_path, "jgj", ["D1", "D2", "D3"])
    month = ("--month", "2026-01", "--institution")
    without = said(run("vehicle", "publish", *month, "jgj", "--dry-run", "--json"))[0]
    assert [row["plate"] for row in without["rows"]] == ["沪B10001"]
    with_sum(monkeypatch)
    found = said(run("vehicle", "publish", *month, "jgj", "--json"))[0]
    assert [row["plate"] for row in found["rows"]] == ["沪B10001", "其他车辆"]
    assert (found["rows"][1]["litres"], found["rows"][1]["cost"]) == ("30.000", "240.00")
    # Of czj's four, one alone bought AdBlue.
    other = said(run("vehicle", "publish", *month, "czj", "--dry-run", "--json"))[0]
    assert [row["plate"] for row in other["rows"]] == ["沪A10001"]

    # Who holds both sheets would subtract one from the other.
    sensitive(conn, tmp_path, "jgj", ["D4"])
    done = run("vehicle", "publish", *month, "jgj", "--correct", "--reason", "补录", "--json")
    assert isinstance(done.exception, RefusedError)
    bill = spent(None, "B01", None, "2026-01-30", "维修", amount=100)
    bring(conn, tmp_path / "b.xlsx", 费用=[SPENDING, bill])
    sheet, changed = said(
        run("vehicle", "publish", *month, "jgj", "--correct", "--reason", "补录", "--json")
    )
    assert [row["plate"] for row in sheet["rows"]] == ["沪B10001"]
    assert {row["whose"] for row in changed["rows"]} == {"沪B10001"}
    for _ in range(2):  # a sheet that was taken back was posted all the same
        run("vehicle", "publish", *month, "jgj", "--withdraw", "--reason", "误发")
    again = said(run("vehicle", "publish", *month, "jgj", "--json"))[0]
    assert [row["plate"] for row in again["rows"]] == ["沪B10001"]


@pytest.mark.parametrize("how", ["later", "before", "inventory"])
def test_a_plate_that_is_sensitive_by_any_book_or_has_become_so_is_not_published(
    run: Run, conn: Conn, how: str
) -> None:
    if how == "inventory":
        conn.execute("UPDATE vehicle SET sensitive = true WHERE code = 'A01'")
    elif how == "later":
        enter_facts(conn, ACT, "A01", ["涉密=涉密"], date(2026, 4, 1), words())
    else:
        enter_facts(conn, ACT, "A01", ["涉密=涉密"], date(2025, 4, 1), words())
        enter_facts(conn, ACT, "A01", ["涉密=一般"], date(2026, 1, 20), words())
    assert said(run("vehicle", "publish", *MONTH, "--json"))[0]["rows"] == []


def test_a_vehicle_that_becomes_sensitive_is_no_line_of_a_correction(run: Run, conn: Conn) -> None:
    run("vehicle", "publish", *MONTH)
    enter_facts(conn, ACT, "A01", ["涉密=涉密"], date(2026, 1, 5), words())
    sheet, changed = said(run("vehicle", "published", "--month", "2026-01", "--json"))
    assert [row["plate"] for row in sheet["rows"]] == ["沪A10001"]
    assert changed["rows"] == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((*MONTH, "--correct"), "请写明更正或撤回的原因"),
        ((*MONTH, "--correct", "--reason", "x"), "没有公示过"),
        ((*MONTH, "--withdraw", "--reason", "x"), "没有有效的公示"),
        ((*MONTH, "--withdraw", "--dry-run", "--reason", "x"), "只写一个"),
        (("--month", "2099-01", "--institution", "czj"), "2099-01 尚未结束"),
        (("--month", "2026-01", "--institution", "x"), "机构 x 不存在"),
        (("--month", "2025-12", "--institution", "czj"), "2025-12 没有建账的车辆"),
        (("--month", "2025-12", "--institution", "czj", "--dry-run"), "2025-12 没有建账的车辆"),
    ],
)
def test_what_cannot_be_published_says_why(run: Run, given: tuple[str, ...], text: str) -> None:
    assert text in refusal(run("vehicle", "publish", *given))


def test_what_was_published_is_shown_when_the_books_know_its_vehicles_no_more(
    run: Run, conn: Conn
) -> None:
    run("vehicle", "publish", *MONTH)
    undo(conn, ACT, 1)
    sheet, changed = said(run("vehicle", "published", "--month", "2026-01", "--json"))
    assert [row["plate"] for row in sheet["rows"]] == ["沪A10001"]
    lines = [(row["whose"], row["item"], row["now"]) for row in changed["rows"]]
    assert ("沪A10001", "本行", "未列") in lines


def test_the_officer_is_told_of_costs_after_a_vehicle_was_disposed_of(run: Run, conn: Conn) -> None:
    enter_facts(conn, ACT, "A01", ["状态=处置"], date(2026, 1, 20), words())
    enter_facts(conn, ACT, "A01", ["车牌=沪A77777"], date(2026, 1, 20), words())
    done = run("vehicle", "publish", *MONTH, "--dry-run", "--json")
    assert "提示 沪A77777 其中 5 笔在 2026-01-20 处置以后（疑点）" in done.stderr
    (row,) = said(done)[0]["rows"]
    assert "车牌号：自 01-20 起，此前为另一号牌" in row["note"]


def test_the_year_so_far_holds_the_months_before(run: Run, conn: Conn, tmp_path: Path) -> None:
    line = spent(None, "A01", None, "2026-02-10", "维修", amount=100)
    old = spent(None, "A01", None, "2025-12-31", "维修", amount=7)
    bring(conn, tmp_path / "b.xlsx", 费用=[SPENDING, line, old])
    february = ("--month", "2026-02", "--institution", "czj", "--dry-run", "--json")
    (row,) = said(run("vehicle", "publish", *february))[0]["rows"]
    assert (row["cost"], row["spent"], row["budget"]) == ("100.00", "1475.50", "20000.00")
    assert row["share"] == "0.074"


def test_a_month_is_over_at_midnight_of_the_site(conn: Conn) -> None:
    books = Books(ZONE, words(), SheetSettings())
    with pytest.raises(RefusedError, match="2026-01 尚未结束"):
        publish(conn, Act("王会计", utc(31, 15, 59)), "czj", JANUARY, books)
    _, revision = publish(conn, Act("王会计", utc(31, 16, 0)), "czj", JANUARY, books)
    assert revision == 1


def utc(day: int, hour: int, minute: int) -> datetime:
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)
