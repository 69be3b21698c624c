from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import python_calamine as calamine
from typer.testing import CliRunner, Result

from jieyong import cli
from registry.refusal import RefusedError
from tests.integration.fleet.ledger.world import SPENDING, Conn, a_month, cars, spent
from tests.integration.metering.bills.world import workbook

Run = Callable[..., Result]


@pytest.fixture
def run(conn: Conn, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `jieyong vehicle …` in an empty directory against the county's database."""
    del conn
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(cli.app, ["vehicle", *(str(word) for word in words)])


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    assert run("import", workbook(tmp_path / "一月.xlsx", **a_month())).exit_code == 0
    return run


def cells(path: Path, sheet: str) -> list[list[object]]:
    with calamine.load_workbook(path) as book:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [[c.replace("\n", "") if isinstance(c, str) else c for c in row] for row in rows]


def test_a_month_of_a_vehicle_manager(run: Run, tmp_path: Path) -> None:
    book = workbook(tmp_path / "一月.xlsx", **a_month())
    tried = run("import", book, "--dry-run")
    assert "车辆 4、情况 13、油卡绑定 2、费用 15、派车单 2、人员与定点 2、预算 2" in tried.output
    assert "提示 费用!C7：油卡 9002 当时没有绑定车辆" in tried.output
    assert "以上为预览，未导入。" in tried.output

    done = run("import", book, "--by", "王会计")
    assert done.exit_code == 0, done.output
    assert "撤销：jieyong vehicle undo 1" in done.output
    assert "内容均已入库，没有变化。" in run("import", book).output
    assert json.loads(run("import", book, "--json").stdout)["unchanged"] == 40
    assert "一月.xlsx" in run("imports").output
    assert "撤回 40 行" in run("undo", 1).output


def test_the_sheet_is_written_as_one_would_print_it(filled: Run, tmp_path: Path) -> None:
    done = filled("list", "单车核算.xlsx", "--month", "2026-01")
    assert done.exit_code == 0, done.output
    rows = cells(tmp_path / "单车核算.xlsx", "单车核算")
    assert rows[0][0] == "单车核算表"
    assert rows[1][0] == "单位：全部机构　　时段：2026-01　　金额单位：元"
    heading = rows[2]
    first = dict(zip(heading, rows[3], strict=True))
    assert first["车牌号"] == "沪A10001"
    assert (first["里程（km）"], first["加油（L）"], first["百公里油耗（L）"]) == (
        500.0,
        70.0,
        14.1,
    )
    assert first["油耗区间"] == "3.10～19.00"
    assert first["里程依据"] == "里程表 2026-01-02～2026-01-20"
    assert (first["油气费（元）"], first["运行费合计（元）"]) == (525.0, 1375.5)
    assert first["说明"] == "非油品 25.00 元未计入"
    total = dict(zip(heading, rows[7], strict=True))
    assert (total["车辆编码"], total["运行费合计（元）"]) == ("合计", 1375.5 + 560 + 32 + 800)
    with calamine.load_workbook(tmp_path / "单车核算.xlsx") as book:
        assert book.sheet_names == ["单车核算", "用油", "未绑定油卡"]
    assert [row[1] for row in cells(tmp_path / "单车核算.xlsx", "未绑定油卡")[3:5]] == [
        "9000",
        "9002",
    ]


def test_a_sensitive_vehicle_stands_without_its_plate_and_with_totals_only(
    filled: Run, tmp_path: Path
) -> None:
    listed = filled("list", "--month", "2026-01", "--json")
    account = filled("account", "A02", "--month", "2026-01", "--json")
    for done in (listed, account):
        assert done.exit_code == 0, done.output
        assert "沪A10002" not in done.stdout
    assert [table["sheet"] for table in json.loads(account.stdout)] == ["单车核算"]
    assert json.loads(account.stdout)[0]["rows"][0]["cost"] == "560.00"


def test_the_plate_of_the_day_names_a_vehicle_of_the_ledger(filled: Run) -> None:
    by_code = filled("account", "A01", "--month", "2026-01", "--json").stdout
    assert filled("account", "沪a·10001", "--month", "2026-01", "--json").stdout == by_code
    assert "油箱容积" in filled("facts", "沪A 10001").output
    near = filled("account", "沪A10011", "--month", "2026-01").exception
    assert "相近的有" in str(near)
    assert "A01（沪A10001）" in str(near)


def test_what_was_known_of_a_vehicle_that_stands_no_more_is_still_listed(filled: Run) -> None:
    assert filled("undo", 1).exit_code == 0
    assert "油箱容积" in filled("facts", "A01").output
    entered = filled("facts", "A01", "状态=封存", "--since", "2026-03-01").exception
    assert "没有编码或车牌为“A01”的车辆；可能没有建账" in str(entered)


def test_the_account_of_one_vehicle_in_its_windows(filled: Run, tmp_path: Path) -> None:
    done = filled("account", "A01", "--month", "2026-01", "--json")
    main, lines, legs = json.loads(done.stdout)
    assert [row["window"] for row in main["rows"]] == [
        "2026-01",
        "2025-11 至 2026-01",
        "2025-02 至 2026-01",
    ]
    assert {row["per_100_km"] for row in main["rows"]} == {"14.10"}
    assert main["remarks"][0].startswith("派车单 2 张：缺乘车人 1、缺审批人 1、缺回车时间 1")
    assert lines["rows"][0]["at"] == "2026-01-01 09:05"
    assert legs["rows"] == []
    done = filled("account", "A01", "全年.csv", "--year", 2026, "--json")
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)[0]["rows"]) == 13
    with (tmp_path / "全年.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:2] == ["工作表", "时段"]
    assert [row[1] for row in rows[1:14]] == [*(f"2026-{m:02}" for m in range(1, 13)), "2026 年"]


def test_on_a_terminal_windows_stand_side_by_side_and_empty_columns_are_left_out(
    filled: Run,
) -> None:
    shown = filled("account", "A01", "--month", "2026-01").output
    cells = [[cell.strip() for cell in line.split("│")] for line in shown.splitlines()]
    assert ["", "百公里油耗（L）", "14.10", "14.10", "14.10", ""] in cells
    assert "保险费" not in shown
    assert "加满到加满：沪A10001：无" in shown


def test_a_year_against_its_budget(filled: Run) -> None:
    tables = json.loads(filled("list", "--year", 2026, "--json").stdout)
    first = tables[0]["rows"][0]
    assert (first["budget"], first["left"]) == ("20000.00", "18624.50")
    assert tables[0]["rows"][1]["budget"] is None
    assert tables[-1]["rows"][0] == {
        "institution": "czj",
        "cost": "1935.50",
        "budget": "30000.00",
        "left": "28064.50",
        "share": "0.065",
    }
    assert tables[-1]["rows"][1]["budget"] is None


def test_facts_are_listed_entered_and_withdrawn(filled: Run) -> None:
    assert "录入 1 项" in filled("facts", "A01", "状态=封存", "--since", "2026-03-01").output
    shown = filled("facts", "A01").output
    assert "封存" in shown
    row = next(line for line in shown.splitlines() if "封存" in line)
    number = int(row.split("│")[1])
    assert filled("withdraw", "consumer_fact", number, "--reason", "录错").exit_code == 0
    refused = filled("withdraw", "consumer_fact", number, "--reason", "录错")
    assert isinstance(refused.exception, RefusedError)


def test_the_list_by_age(run: Run, tmp_path: Path) -> None:
    book = workbook(
        tmp_path / "车.xlsx",
        车辆=[
            ("车辆编码", "机构编码", "起始日期", "购置日期", "用途", "购置价格"),
            ["A01", "czj", "2018-03-01", "2018-03-01", "机要", 130000],
            ["A02", "czj", "2018-03-01", None, None, None],
        ],
    )
    assert run("import", book).exit_code == 0
    done = run("over-age", "--day", "2026-03-01", "--json")
    rows = json.loads(done.stdout)[0]["rows"]
    assert [(row["code"], row["years"], row["over"], row["note"]) for row in rows] == [
        ("A01", "8", "已达更新年限", "购置价高于 120000 元，请核对"),
        ("A02", None, "购置日期未登记", ""),
    ]


def test_the_template_lists_the_inventory_and_comes_back_in(run: Run, tmp_path: Path) -> None:
    assert "列出 1 辆尚未建账的车辆" in run("template", "模板.xlsx").output
    rows = cells(tmp_path / "模板.xlsx", "车辆")
    said = dict(zip(rows[0], rows[1], strict=True))
    assert (said["车辆编码"], said["机构编码"], said["车牌号"], said["能源"]) == (
        "A01",
        "czj",
        "沪A10001",
        "汽油",
    )
    refused = run("import", "模板.xlsx")
    assert str(refused.exception) == "车辆!D2：没有填写，请补上这些情况自何日起"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["account", "A01"], "请写 --month 2026-03 或 --year 2026，只写一个"),
        (["account", "X", "--month", "2026-01"], "没有编码或车牌为“X”的车辆；可能没有建账"),
        (["list", "--month", "2026-13"], "“2026-13”不是月份"),
        (["list", "--month", "2026-01", "--year", "2026"], "只写一个"),
        (["facts", "A01", "状态=封存"], "--since：“”不是日期"),
        (["list", "--month", "2026-01", "--institution", "x"], "机构 x 不存在"),
        (["list", "a.pdf", "--month", "2026-01"], "文件名应以"),
        (["withdraw", "x", "1", "--reason", "y"], "没有这样的表"),
    ],
)
def test_what_cannot_be_says_what_to_do(filled: Run, words: list[str], said: str) -> None:
    done = filled(*words)
    assert isinstance(done.exception, RefusedError)
    assert said in str(done.exception)


def test_many_rows_show_how_far_they_are_on_a_terminal(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    lines = [spent(f"T{n}", "A01", None, "2026-01-04", "停车", amount=5) for n in range(3_100)]
    book = workbook(tmp_path / "多.xlsx", 车辆=cars(), 费用=[SPENDING, *lines])
    done = run("import", book)
    assert done.exit_code == 0, done.output
    assert "费用 3100" in done.stdout
    assert "读取" in done.stderr
