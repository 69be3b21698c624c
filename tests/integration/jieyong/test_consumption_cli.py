from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import python_calamine
import xlsxwriter
from typer.testing import CliRunner, Result

from jieyong import cli
from metering.plan.earlier_rows import HEADINGS, SHEET
from registry.refusal import RefusedError
from tests.integration.metering.quality.world import (
    Conn,
    add_meter,
    build,
    compute,
    poll,
    steady,
)

Run = Callable[..., Result]


@pytest.fixture
def conn(database: str) -> Iterator[Conn]:
    """An institution with a meter and its computed October."""
    with psycopg.connect(database, autocommit=True) as connection:
        build(connection)
        meter = add_meter(connection, "m")
        poll(connection, "m-d", steady(0.25, 31 * 96))
        compute(connection, meter)
        yield connection


@pytest.fixture
def run(database: str, conn: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory; an expected refusal is raised."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database)
    return lambda *words: CliRunner().invoke(
        cli.app, ["consumption", *map(str, words)], catch_exceptions=False
    )


def test_a_month_is_explained_down_to_the_check(run: Run) -> None:
    done = run("--meter", "m", "--month", "2026-10", "--explain")
    assert done.exit_code == 0
    assert "2026-10 用量：744 kWh" in done.output
    assert "首个整刻读数：2026-10-01 00:00  1,000（设备 m-d）" in done.output
    assert "末个整刻读数：2026-11-01 00:00  1,744（设备 m-d）" in done.output
    assert "倍率：未录入，按 1 计算。" in done.output
    assert "(1,744 − 1,000) × 1 = 744 kWh" in done.output
    assert "各段与读数完全一致。" in done.output
    assert "  10-09  24  ██████████ 100.0%" in done.output


def test_without_explain_it_is_the_figure_alone(run: Run) -> None:
    done = run("--meter", "m", "--day", "2026-10-09")
    assert "2026-10-09 用量：24 kWh" in done.output
    assert "校验" not in done.output


def test_json_csv_and_excel_say_the_same(run: Run, tmp_path: Path) -> None:
    files = ("--csv", tmp_path / "m.csv", "--excel", tmp_path / "m.xlsx")
    done = run("--meter", "m", "--month", "2026-10", "--json", *files)
    content = json.loads(done.output)
    assert content["micro"] == 744_000_000
    assert content["holds"] is True
    lines = (tmp_path / "m.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "起,止,用量（kWh）,其中估算（kWh）,覆盖率,标记"
    assert lines[1] == "2026-10-01 00:00,2026-10-02 00:00,24,0,1.0000,"
    assert lines[2] == "2026-10-02 00:00,2026-10-03 00:00,24,0,1.0000,"
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "m.xlsx")
    table = book.get_sheet_by_name("用量").to_python()
    assert table[1][2] == 24
    assert table[-1][0] == "合计"
    assert table[-1][2] == 744
    text = [row[0] for row in book.get_sheet_by_name("说明").to_python()]
    assert "2026-10 用量：744 kWh" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--meter", "m"), "请写 --meter 计量表编码，以及 --month"),
        (("--meter", "m", "--month", "2026-13"), "“2026-13”不是月份"),
        (("--meter", "m", "--day", "9.10."), "“9.10.”不是日期"),
        (("--meter", "x", "--month", "2026-10"), "没有编码为 x 的计量点"),
        (("compare", "--month", "2099-10", "--meter", "m"), "2099-10 还没有一天结束"),
        (("compare", "--month", "2026-10"), "请写 --meter 或 --institution 之一"),
        (
            ("compare", "--month", "2026-10", "--institution", "jg-1", "--energy", "wood"),
            "没有能源 wood",
        ),
    ],
)
def test_what_cannot_be_answered_says_what_to_write(
    run: Run, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RefusedError, match=message):
        run(*words)


def test_quality_names_what_is_missing_and_why(run: Run, conn: Conn) -> None:
    conn.execute("DELETE FROM consumption_day WHERE day = '2026-10-09'")
    conn.execute(
        "DELETE FROM consumption WHERE slot >= '2026-10-08T16:00Z' AND slot < '2026-10-09T16:00Z'"
    )
    conn.execute("DELETE FROM reading WHERE ts >= '2026-10-08T16:00Z' AND ts < '2026-10-09T16:15Z'")
    done = run("quality", "--institution", "jg-1", "--month", "2026-10")
    assert "m：31 天中 30 天完整；未录入倍率的时段，按 1 计算" in done.output
    assert "缺 2026-10-09 00:00 至 2026-10-10 00:00：设备无数据" in done.output


def test_an_institution_is_compared_with_the_month_before(run: Run) -> None:
    done = run("compare", "--institution", "jg-1", "--month", "2026-10")
    assert "同比：2026-10-01 至 2026-10-31 与 2025-10-01 至 2025-10-31：无法比较" in done.output
    assert "环比" in done.output


def test_earlier_months_come_in_by_excel_and_make_last_year(run: Run, tmp_path: Path) -> None:
    run("earlier", "template", tmp_path / "template.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(tmp_path / "template.xlsx")
    assert book.get_sheet_by_name(SHEET).to_python()[0] == list(HEADINGS)
    with xlsxwriter.Workbook(tmp_path / "filled.xlsx") as filled:
        sheet = filled.add_worksheet(SHEET)
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["jg-1", "", "2025-10", "电", 600, "kWh", 360.5, ""])
    tried = run("earlier", "import", tmp_path / "filled.xlsx", "--dry-run")
    assert "新增 1 行" in tried.output
    assert "未导入" in tried.output
    done = run("earlier", "import", tmp_path / "filled.xlsx")
    assert "导入编号 1" in done.output
    again = run("earlier", "import", tmp_path / "filled.xlsx")
    assert "新增 0 行，已有且相同 1 行" in again.output
    compared = run("compare", "--institution", "jg-1", "--month", "2026-10")
    assert "+24.0%" in compared.output
    assert "计量、人工导入的历史数据" in compared.output
    assert "1 行不再使用" in run("earlier", "undo", 1).output
    with pytest.raises(RefusedError, match="没有编号为 1 的有效导入"):
        run("earlier", "undo", 1)


def test_months_that_are_known_already_are_named(run: Run, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "filled.xlsx") as filled:
        sheet = filled.add_worksheet(SHEET)
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["jg-1", "", "2025-10", "电", 600, "kWh", 360.5, ""])
        sheet.write_row(2, 0, ["jg-1", "", "2026-10", "电", 600, "kWh", 360.5, ""])
        sheet.write_row(3, 0, ["jg-1", "", "2026-10", "水", 600, "m3", 360.5, ""])
        sheet.write_row(4, 0, ["", "m", "2026-10", "电", 600, "kWh", 360.5, ""])
        sheet.write_row(5, 0, ["", "m", "2026-09", "电", 600, "kWh", 360.5, ""])
    done = run("earlier", "import", tmp_path / "filled.xlsx", "--dry-run")
    assert "其中 2 行的月份已有账单或完整计量，导入值只备查、不采用：第 3、5 行" in done.output


def test_a_workbook_with_mistakes_is_refused_naming_its_cells(run: Run, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "bad.xlsx") as filled:
        sheet = filled.add_worksheet(SHEET)
        sheet.write_row(0, 0, HEADINGS)
        sheet.write_row(1, 0, ["jg-1", "", "2025-10", "电", 600, "kWh", 360.5, ""])
        sheet.write_row(2, 0, ["jg-9", "", "2025-10", "电", "many", "kWh", 360.5, ""])
    with pytest.raises(RefusedError, match=r"历史月份!A3：没有编码为 jg-9[^!]*历史月份!E3：“many”"):
        run("earlier", "import", tmp_path / "bad.xlsx")


def test_a_quota_is_entered_shown_and_withdrawn(run: Run) -> None:
    facts = (
        "--unit",
        "kWh",
        "--year",
        2026,
        "--source",
        "市发〔2026〕1号",
        "--issued",
        "2026-01-15",
    )
    done = run("quota", "enter", "jg-1", "--value", "9000", *facts)
    assert "编号 1" in done.output
    shown = run("quota", "show", "jg-1", "--day", "2026-10-31")
    assert "2026 年电约束值（总量） 9,000 kWh" in shown.output
    assert "全年定额 9,000 kWh，已用 744 kWh" in shown.output
    assert "无法判断：已知用量不足计划进度的一半" in shown.output
    assert "全年预测：数据不足（可与上年比较的月份不足 3 个）" in shown.output
    run("quota", "withdraw", 1)
    assert "没有 2026 年的定额" in run("quota", "show", "jg-1", "--day", "2026-10-31").output


def test_quotas_of_an_unknown_institution_are_refused(run: Run) -> None:
    with pytest.raises(RefusedError, match="没有编码为 jg-9 的公共机构"):
        run("quota", "show", "jg-9")


def test_a_meter_that_never_reported_is_not_taken_for_a_complete_one(run: Run, conn: Conn) -> None:
    add_meter(conn, "dead", None)
    said = run("quality", "--meter", "dead", "--month", "2026-10").output
    assert "完整率 无法计算" in said
    assert "dead：从未有过用量，也未录入装表时间，不计入完整率" in said
    assert "100" not in said
    assert "数据覆盖：无法计算" in run("--meter", "dead", "--month", "2026-10").output


def test_stale_meters_are_listed_with_the_reason(run: Run) -> None:
    assert "m（设备 m-d）：从未收到数据" in run("stale").output


def test_the_base_load_is_told_by_week(run: Run) -> None:
    done = run("base-load", "--meter", "m", "--month", "2026-10")
    lines = done.output.splitlines()
    assert len(lines) == 4
    assert lines[0] == "2026-10-05 起一周：每小时 1 kWh，按整夜（读数分度较粗）（7 个完整夜晚）"
    later = run("base-load", "--meter", "m", "--month", "2026-11").output
    assert "2026-11-02 起一周：数据不足（0 个完整夜晚）" in later
