"""The papers that officers file: the list of bills and the ledger, read back cell by cell."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import python_calamine as calamine

from metering.bills.accounts import assign
from metering.bills.entry import enter_bill
from metering.bills.figures import figures
from metering.bills.imports import apply
from metering.bills.ledger import ledger_tables
from metering.bills.listing import list_tables, listed
from metering.bills.model import Band, Part
from metering.bills.words import words
from registry.refusal import RefusedError
from registry.table import Table, write
from tests.integration.metering.bills.world import (
    ACT,
    TODAY,
    YEAR,
    ZONE,
    Conn,
    bill,
    count_days,
    full_book,
    open_account,
)

PARTICULARS = "单位：财政局　　年度：2026　　金额单位：元"
QUARTER = (date(2026, 1, 1), date(2026, 4, 1))
MILLION = 1_000_000


def cells(path: Path, sheet: str) -> list[list[object]]:
    with calamine.load_workbook(path) as book:
        rows = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    return [[c.replace("\n", "") if isinstance(c, str) else c for c in row] for row in rows]


def sheets(path: Path) -> list[str]:
    with calamine.load_workbook(path) as book:
        return book.sheet_names


def filled(conn: Conn, tmp_path: Path) -> None:
    apply(conn, ACT, full_book(tmp_path / "一月.xlsx"))
    count_days(conn, "m-1", (date(2025, 12, 25), date(2026, 2, 25)), 101 * MILLION)


def the_list(conn: Conn) -> list[Table]:
    return list_tables(listed(conn, YEAR, ["czj"]), PARTICULARS, words())


def the_ledger(conn: Conn) -> list[Table]:
    found = figures(conn, QUARTER, ZONE, ["czj"])
    return ledger_tables(found, {"czj": "财政局"}, PARTICULARS, words())


def test_the_list_of_bills_as_excel(conn: Conn, tmp_path: Path) -> None:
    filled(conn, tmp_path)
    path = tmp_path / "清单.xlsx"
    write(path, the_list(conn))
    assert sheets(path) == ["电", "汽油", "柴油"]
    entered = TODAY
    title, particulars, headings, *rows = cells(path, "电")
    assert (title[0], particulars[0]) == ("票据清单（电）", PARTICULARS)
    assert headings == [
        *("序号", "机构编码", "机构名称", "户号编码", "户号", "供应单位", "起始日期"),
        *("截止日期（含）", "天数", "用量（kWh）", "金额（元）", "状态", "开票日期"),
        *("待说明事项", "说明", "附件", "录入人", "录入日期", "票据编号"),
    ]
    assert rows[0] == [
        *(1, "czj", "财政局", "510001", "510001", "国网供电", date(2025, 12, 25)),
        *(date(2026, 1, 24), 31, 3100, 2480.5, "已结算", "", "", "", ""),
        *("王会计", entered, "Z1"),
    ]
    assert rows[1] == [
        *(2, "czj", "财政局", "510001", "510001", "国网供电", date(2026, 1, 25)),
        *(date(2026, 2, 24), 31, 3100, "", "估算", "", "有用量无金额（待说明）", "", ""),
        *("王会计", entered, "Z2"),
    ]
    assert rows[2] == ["合计", *[""] * 8, 6200, 2480.5, *[""] * 8]
    assert [row[0] for row in rows[3:]] == [
        "合计不含未填写的项：0 张无用量，1 张无金额。",
        "其中 1 张待说明，请补充说明。",
        "审核人：　　　　填表人：　　　　日期：",
    ]
    _, _, headings, *rows = cells(path, "汽油")
    assert headings[3:5] == ["单据号", "用途"]
    assert [row[9:11] for row in rows[:3]] == [[50, 400], [50, 400], [100, 800]]
    assert [row[4] for row in rows[:2]] == ["车辆", "车辆"]


def test_the_ledger_as_excel(conn: Conn, tmp_path: Path) -> None:
    filled(conn, tmp_path)
    path = tmp_path / "台账.xlsx"
    write(path, the_ledger(conn))
    assert sheets(path) == ["电", "汽油", "柴油"]
    title, particulars, headings, *rows = cells(path, "电")
    assert (title[0], particulars[0]) == ("能源资源消费台账（电）", PARTICULARS)
    assert headings == [
        *("月份", "机构编码", "机构名称", "用量（kWh）", "金额（元）", "单价（元/kWh）"),
        *("数据来源", "其中估算（kWh）", "其中按天分摊（kWh）", "票据用量（kWh）"),
        *("计量用量（kWh）", "差额（票据－计量）（kWh）", "差异原因", "票据编号"),
    ]
    # m-2 of the account has counted nothing and stands behind m-1: it is not asked for.
    assert rows[0] == [
        *(date(2026, 1, 1), "czj", "财政局", 3100, "", "", "票据", 700, 0, 3100, 3131, -31),
        *("账单为估算、抄表日与月末不一致", "Z1、Z2"),
    ]
    assert rows[1] == [
        *(date(2026, 2, 1), "czj", "财政局", "", "", "", "未知", "", "", "", 2424, ""),
        *("票据未到齐或未列用量、计量数据有缺口", "Z2"),
    ]
    assert rows[2][6:] == [
        *("未知", "", "", "", "", "", "票据未到齐或未列用量、计量数据有缺口", ""),
    ]
    assert rows[3] == ["合计", "", "", 3100, "", "", "", 700, 0, 3100, 5555, -31, "", ""]
    assert [row[0] for row in rows[4:]] == [
        "用量以结算票据为准，计量数据用于核对；留空表示未知，不是零。",
        "合计不含未知的月份：2 个月无用量，3 个月无金额。",
        "单位负责人：　　　　统计负责人：　　　　填表人：",
    ]
    _, _, headings, *rows = cells(path, "汽油")
    assert headings[3:7] == ["用量（L）", "其中：车辆（L）", "其中：其他（L）", "金额（元）"]
    assert rows[0][3:8] == [100, 100, "", 800, 8]
    assert rows[1][3:8] == [""] * 5


def test_the_ledger_sums_up_with_formulas_and_prints_on_landscape_a4(
    conn: Conn, tmp_path: Path
) -> None:
    filled(conn, tmp_path)
    path = tmp_path / "台账.xlsx"
    write(path, the_ledger(conn))
    with zipfile.ZipFile(path) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
        book = parts.read("xl/workbook.xml").decode()
    assert "<f>SUM(D4:D6)</f><v>3100.0</v>" in sheet
    assert 'orientation="landscape"' in sheet
    assert 'paperSize="9"' in sheet
    assert 'fitToHeight="0"' in sheet
    assert '<pane xSplit="1" ySplit="3" topLeftCell="B4"' in sheet
    assert "电!$3:$3" in book
    assert "电!$A$1:$N$10" in book


def test_parts_of_a_time_of_use_bill_have_their_columns(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    parts = (Part(Band.PEAK, Decimal("0.06")), Part(Band.VALLEY, Decimal("0.04")))
    one = bill(date(2026, 1, 1), date(2026, 2, 1), "0.1", unit="MWh", parts=parts)
    enter_bill(conn, ACT, one)
    path = tmp_path / "清单.xlsx"
    write(path, the_list(conn))
    _, _, headings, first, total, *_ = cells(path, "电")
    assert headings[9:12] == ["用量（kWh）", "峰（kWh）", "谷（kWh）"]
    assert first[9:12] == total[9:12] == [100, 60, 40]


def test_a_bill_over_a_change_of_institutions_is_listed_once(conn: Conn) -> None:
    open_account(conn)
    enter_bill(conn, ACT, bill(date(2026, 1, 1), date(2026, 2, 1)))
    assign(conn, ACT, "510001", "jgj", date(2026, 1, 11))
    assert [row.institution for row in listed(conn, YEAR)] == ["jgj"]
    assert listed(conn, YEAR, ["czj"]) == []


def test_the_ledger_as_csv_and_json(conn: Conn, tmp_path: Path) -> None:
    filled(conn, tmp_path)
    tables = the_ledger(conn)
    write(tmp_path / "台账.csv", tables)
    with (tmp_path / "台账.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["能源"] for row in rows] == ["电"] * 3 + ["汽油"] * 3 + ["柴油"] * 3
    assert (rows[0]["用量"], rows[0]["金额"], rows[3]["其中：车辆"]) == (
        "3100.000000",
        "",
        "100.000000",
    )
    write(tmp_path / "台账.json", tables)
    content = json.loads((tmp_path / "台账.json").read_text(encoding="utf-8"))
    assert [table["energy"] for table in content] == ["电", "汽油", "柴油"]
    first = content[0]["rows"][0]
    assert (first["month"], first["quantity"], first["amount"]) == (
        "2026-01-01",
        "3100.000000",
        None,
    )


def test_a_note_is_never_run_as_a_formula(conn: Conn, tmp_path: Path) -> None:
    open_account(conn)
    note = '=HYPERLINK("http://192.0.2.1")'
    enter_bill(conn, ACT, bill(date(2026, 1, 1), date(2026, 2, 1), note=note))
    write(tmp_path / "清单.csv", the_list(conn))
    assert f"'{note[:10]}" in (tmp_path / "清单.csv").read_text(encoding="utf-8-sig")
    write(tmp_path / "清单.xlsx", the_list(conn))
    assert cells(tmp_path / "清单.xlsx", "电")[3][14] == note
    with zipfile.ZipFile(tmp_path / "清单.xlsx") as parts:
        assert "HYPERLINK" not in parts.read("xl/worksheets/sheet1.xml").decode()


def test_without_anything_the_workbook_says_so(conn: Conn, tmp_path: Path) -> None:
    write(tmp_path / "台账.xlsx", the_ledger(conn))
    assert cells(tmp_path / "台账.xlsx", "无数据") == [["所选单位和时段没有数据"]]


def test_an_unknown_form_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"文件名应以 .xlsx、.csv、.json 结尾"):
        write(tmp_path / "台账.pdf", [])
