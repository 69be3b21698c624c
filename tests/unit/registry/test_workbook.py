from __future__ import annotations

import io
import zipfile

import pytest
import xlsxwriter

from registry.refusal import RefusedError
from registry.workbook import MOST_BYTES, cell_name, sheet, sheets


def book(*names: str) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        for name in names:
            made.add_worksheet(name).write_string("B2", name)
    return content.getvalue()


def test_rows_begin_at_the_first_cell_so_that_cells_keep_their_names() -> None:
    assert sheets(book("甲", "乙"), "a.xlsx") == {
        "甲": [["", ""], ["", "甲"]],
        "乙": [["", ""], ["", "乙"]],
    }
    assert sheet(book("甲", "乙"), "a.xlsx", "乙")[1][1] == "乙"


@pytest.mark.parametrize("content", [b"", b"PK", book("甲")[:300]], ids=["empty", "stub", "torn"])
def test_what_is_no_workbook_is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(RefusedError, match=r"^a.xlsx：不是能读取的 Excel 文件"):
        sheets(content, "a.xlsx")


def test_a_missing_sheet_names_those_there_are() -> None:
    with pytest.raises(RefusedError, match=r"^a.xlsx：没有名为“丙”的工作表（现有：甲、乙）"):
        sheet(book("甲", "乙"), "a.xlsx", "丙")


def test_too_large_a_file_is_not_read() -> None:
    with pytest.raises(RefusedError, match="大于 20 MB"):
        sheets(b"x" * (MOST_BYTES + 1), "a.xlsx")


def test_cells_are_named_as_excel_does() -> None:
    assert [cell_name("a", 7, column) for column in (0, 25, 26, 702)] == [
        *("a!A7", "a!Z7", "a!AA7", "a!AAA7"),
    ]


def far(cell: str) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        page = made.add_worksheet("甲")
        page.write_string("A1", "编码")
        page.write_string(cell, "x")
    return content.getvalue()


@pytest.mark.parametrize("cell", ["XFD1048576", "D1048576", "CV60001"])
def test_a_cell_far_away_does_not_take_the_memory_of_all_before_it(cell: str) -> None:
    with pytest.raises(RefusedError, match=f"^a.xlsx：工作表一直延伸到 {cell}；请删去"):
        sheets(far(cell), "a.xlsx")


def test_a_large_sheet_is_no_far_one() -> None:
    assert len(sheets(far("AX50000"), "a.xlsx")["甲"]) == 50_000


def test_empty_cells_that_only_have_a_colour_reach_nowhere() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        page, red = made.add_worksheet("甲"), made.add_format({"bg_color": "red"})
        page.write_string("A1", "编码")
        for column in range(16_384):
            page.write_blank(200, column, None, red)
    assert sheets(content.getvalue(), "a.xlsx")["甲"] == [["编码"]]


def test_what_unpacks_to_more_than_there_is_memory_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", bytes(301_000_000))
    with pytest.raises(RefusedError, match=r"^a\.xlsx：解压后过大"):
        sheets(content.getvalue(), "a.xlsx")


def test_what_nobody_sees_is_not_read() -> None:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as made:
        made.add_worksheet("甲").write_string("A1", "甲")
        hidden = made.add_worksheet("乙")
        hidden.write_string("A1", "乙")
        hidden.hide()
    assert sheets(content.getvalue(), "a.xlsx") == {"甲": [["甲"]]}
    with pytest.raises(RefusedError, match="没有名为“乙”的工作表（现有：甲）"):
        sheet(content.getvalue(), "a.xlsx", "乙")
