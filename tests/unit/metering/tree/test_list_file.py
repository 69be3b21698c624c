from __future__ import annotations

import io
from datetime import date, datetime

import pytest
import xlsxwriter

from metering.tree.list_file import Form, Line, read_lines
from registry.refusal import Fault

FORM = Form("表", {"编码": "", "日期": "", "备注": ""}, ("编码", "日期"), {})
CELLS = {"编码": "表!A2", "日期": "表!B2", "备注": "表!C2"}


def line(code: object, day: object) -> Line:
    return Line({"编码": code, "日期": day, "备注": ""}, CELLS)


@pytest.mark.parametrize(
    "day",
    ["2026-01-02", "2026/1/2", "2026.1.2", "2026年1月2日", date(2026, 1, 2), datetime(2026, 1, 2)],  # noqa: DTZ001 - Excel has no zones
)
def test_a_day_may_be_written_in_many_ways(day: object) -> None:
    faults: list[Fault] = []
    assert line("A", day).day("日期", faults) == date(2026, 1, 2)
    assert faults == []


@pytest.mark.parametrize("day", ["2026-02-30", "1月", 46000.0, datetime(2026, 1, 2, 3)])  # noqa: DTZ001
def test_what_is_no_day_names_its_cell(day: object) -> None:
    faults: list[Fault] = []
    assert line("A", day).day("日期", faults) is None
    assert [fault.where for fault in faults] == ["表!B2"]


def test_no_day_is_none() -> None:
    faults: list[Fault] = []
    assert line("A", "").day("日期", faults) is None
    assert faults == []


def test_codes_that_look_like_numbers_stay_codes() -> None:
    assert line(500103.0, "").text("编码") == "500103"
    assert line(" 021 ", "").text("编码") == "021"


def test_columns_may_stand_in_any_order_and_be_left_out() -> None:
    (found,) = read_lines("日期,编码\n2026-01-02,A\n , \n".encode(), "l.csv", FORM)
    assert found.values == {"编码": "A", "日期": "2026-01-02", "备注": ""}
    assert (found.cells["编码"], found.cells["日期"]) == ("l.csv!B2", "l.csv!A2")


def test_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="超过 5000 行"):
        read_lines(b"x\n" * 5_001, "l.csv", FORM)
    with pytest.raises(ValueError, match="大于 5 MB"):
        read_lines(b"x" * 5_000_001, "l.csv", FORM)


def test_a_year_that_nobody_can_mean_names_its_cell() -> None:
    faults: list[Fault] = []
    assert line("A", "1926-01-02").day("日期", faults) is None
    assert list(map(str, faults)) == ["表!B2：1926 年不在 2000 年至 2100 年之间，请核对年份"]


def test_a_formula_that_nobody_computed_names_its_cell() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as made:
        sheet = made.add_worksheet("表")
        sheet.write_row(0, 0, ("编码", "日期"))
        sheet.write_row(1, 0, ("A", "=TODAY()"))
    with pytest.raises(ValueError, match=r"^表!B2：公式没有保存计算结果"):
        read_lines(content.getvalue(), "l.xlsx", FORM)
