"""Reading workbooks that people filled in: their sheets as rows, their cells by name."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook

from registry.refusal import refuse

MOST_BYTES: Final = 20_000_000

Cell = int | float | str | bool | time | date | datetime | timedelta
"""What calamine hands out; ``""`` for nothing."""

Rows = Sequence[Sequence[Cell]]


def sheets(content: bytes, name: str) -> Mapping[str, Rows]:
    """Return the rows of every sheet, from A1 on, empty ones too.

    Args:
        content: of an .xlsx, .xls or .ods file.
        name: of the file, for refusals.

    Raises:
        RefusedError: it is no workbook, or too large.
    """
    if len(content) > MOST_BYTES:
        refuse(name, f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件导入")
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {
            sheet: book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
            for sheet in book.sheet_names
        }
    except (CalamineError, OSError, ValueError) as error:
        refuse(name, f"不是能读取的 Excel 文件（{error}）；请用模板填写，存为 .xlsx 后再导入")


def sheet(content: bytes, name: str, wanted: str) -> Rows:
    """Return the rows of the sheet of this name.

    Raises:
        RefusedError: it is no workbook, too large, or has no such sheet.
    """
    there = sheets(content, name)
    if wanted not in there:
        refuse(name, f"没有名为“{wanted}”的工作表（现有：{'、'.join(there)}）；请用模板填写")
    return there[wanted]


def column_name(column: int) -> str:
    """Return the letters of a column, counted from 0."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def cell_name(sheet: str, row: int, column: int) -> str:
    """Name a cell as Excel does, with its sheet: ``账单!C7``.

    Args:
        sheet: its name.
        row: from 1.
        column: from 0.
    """
    return f"{sheet}!{column_name(column)}{row}"
