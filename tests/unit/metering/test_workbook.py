from __future__ import annotations

import io

import pytest
import xlsxwriter

from metering.workbook import MOST_BYTES, cell_name, sheet, sheets
from registry.refusal import RefusedError


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
