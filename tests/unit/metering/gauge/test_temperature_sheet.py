from __future__ import annotations

import io
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
import python_calamine
import xlsxwriter

from metering.gauge.temperature import Observed
from metering.gauge.temperature_sheet import HEADINGS, SHEET, read_sheet, write_template
from registry.refusal import RefusedError

ZONE = ZoneInfo("Asia/Shanghai")
Value = str | float | date | time | None


def workbook(*rows: tuple[Value, ...], heading: tuple[str, ...] = HEADINGS) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet(SHEET)
        forms = {
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
            time: book.add_format({"num_format": "hh:mm"}),
        }
        for number, row in enumerate((heading, *rows)):
            for column, value in enumerate(row):
                if isinstance(value, date | time):
                    sheet.write_datetime(number, column, value, forms[type(value)])
                elif value is not None:
                    sheet.write(number, column, value)
    return content.getvalue()


def read(*rows: tuple[Value, ...]) -> list[Observed]:
    return read_sheet(workbook(*rows), "气温.xlsx", ZONE)


def faults_of(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(RefusedError) as caught:
        read_sheet(content, "气温.xlsx", ZONE)
    return [(fault.where, fault.what) for fault in caught.value.faults]


def test_moments_and_days() -> None:
    found = read(
        (date(2026, 6, 1), time(8), 25.5),
        ("2026-06-01", "14:30", 31),
        ("2026/06/02", "20：00", "-0.5"),
        (date(2026, 6, 3), None, 27.0),
    )
    assert found == [
        Observed(datetime(2026, 6, 1, 8, tzinfo=ZONE), 25.5, "气温!A2"),
        Observed(datetime(2026, 6, 1, 14, 30, tzinfo=ZONE), 31.0, "气温!A3"),
        Observed(datetime(2026, 6, 2, 20, tzinfo=ZONE), -0.5, "气温!A4"),
        Observed(date(2026, 6, 3), 27.0, "气温!A5"),
    ]


def test_midnight_is_a_moment_and_not_a_day() -> None:
    (found,) = read((date(2026, 6, 1), time(0), 20.0))
    assert found.when == datetime(2026, 6, 1, tzinfo=ZONE)


def test_empty_rows_do_not_matter() -> None:
    assert [row.where for row in read(("2026-06-01", None, 1), (), ("2026-06-02", None, 1))] == [
        "气温!A2",
        "气温!A4",
    ]


def test_every_wrong_cell_is_named() -> None:
    found = faults_of(
        workbook(
            ("2026-06-01", "08:00", 25.5),
            ("6月1日", "8点", "很热"),
            ("2026-06-01", "24:00", 99),
            ("2026-06-01", None, None),
        )
    )
    assert [where for where, _ in found] == [
        "气温!A3",
        "气温!B3",
        "气温!C3",
        "气温!B4",
        "气温!C4",
        "气温!C5",
    ]
    assert "请写成 2026-06-01" in found[0][1]
    assert "请写成 08:00" in found[1][1]
    assert "99 ℃ 不在 -60 至 60 ℃ 之间" in found[4][1]


@pytest.mark.parametrize("text", ["nan", "inf", "25.5℃", "TRUE"])
def test_what_is_no_number_is_refused(text: str) -> None:
    assert [where for where, _ in faults_of(workbook(("2026-06-01", None, text)))] == ["气温!C2"]


def test_another_heading_is_refused() -> None:
    ((where, what),) = faults_of(workbook(("x", "y", 1), heading=("日期", "气温", "时刻")))
    assert where == "气温!A1"
    assert "、".join(HEADINGS) in what


def test_a_file_that_is_no_workbook_is_refused() -> None:
    ((where, what),) = faults_of(b"date,celsius\n")
    assert where == "气温.xlsx"
    assert "不是能读取的 Excel 文件" in what


def test_a_workbook_without_the_sheet_is_refused() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.add_worksheet("账单")
    ((_, what),) = faults_of(content.getvalue())
    assert "现有：账单" in what


def test_the_template_as_it_is_holds_no_data() -> None:
    template = write_template()
    ((where, _),) = faults_of(template)
    assert where == "气温!A2"
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(template))
    assert book.sheet_names == [SHEET, "填写说明"]


def test_a_formula_that_nobody_computed_is_no_temperature() -> None:
    content = workbook((date(2026, 6, 1), time(8), "=A9+1"), (date(2026, 6, 2), None, 20))
    ((where, what),) = faults_of(content)
    assert where == "气温!C2"
    assert what.startswith("公式没有保存计算结果")
