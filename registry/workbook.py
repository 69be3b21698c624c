"""Reading workbooks that people filled in: their sheets as rows, their cells by name."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from registry.no_value import NoValue, column_number, no_values
from registry.refusal import Fault, refuse

MOST_BYTES: Final = 20_000_000

_MOST_UNPACKED: Final = 300_000_000
_MOST_CELLS: Final = 3_000_000
"""60,000 rows of 50 columns."""
# Cells with a content; Excel writes empty ones, for their colour, as <c …/>.
_CELL: Final = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^>]*+(?<!/)>')
_ROW: Final = re.compile(rb'<(?:\w+:)?row\s[^>]*?\br="([0-9]{1,7})"[^>]*+(?<!/)>')

Cell = int | float | str | bool | time | date | datetime | timedelta
"""What calamine hands out; ``""`` for nothing, :class:`NoValue` for a cell that holds no value."""

Rows = Sequence[Sequence[Cell]]


def sheets(content: bytes, name: str) -> Mapping[str, Rows]:
    """Return the rows of every sheet that people see, from A1 on, empty ones too.

    Args:
        content: of an .xlsx, .xls or .ods file.
        name: of the file, for refusals.

    Raises:
        RefusedError: it is no workbook, or too large: in bytes, or in the area its cells span.
    """
    if len(content) > MOST_BYTES:
        refuse(name, f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件导入")
    unread = _bounded(content, name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return {
            sheet.name: _marked(
                book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False),
                unread.get(sheet.name, {}),
            )
            for sheet in book.sheets_metadata
            if sheet.visible is SheetVisibleEnum.Visible
        }
    except (CalamineError, OSError, ValueError) as error:
        refuse(name, f"不是能读取的 Excel 文件（{error}）；请用模板填写，存为 .xlsx 后再导入")


def _marked(rows: list[list[Cell]], unread: Mapping[tuple[int, int], NoValue]) -> Rows:
    """Put what holds no value where calamine hands out 0 or nothing."""
    for (row, column), what in unread.items():
        rows += [[] for _ in range(len(rows), row + 1)]
        rows[row] += [""] * (column + 1 - len(rows[row]))
        rows[row][column] = what
    return rows


def missing_values(
    sheet: str, number: int, cells: Sequence[Cell], columns: Iterable[int]
) -> list[Fault]:
    """Return a fault for each cell of a row that holds no value.

    Args:
        sheet: its name.
        number: of the row, from 1.
        cells: of the row.
        columns: those that are read, from 0.
    """
    return [
        Fault(cell_name(sheet, number, column), cell.why)
        for column in sorted(set(columns))
        if column < len(cells) and isinstance(cell := cells[column], NoValue)
    ]


def _bounded(content: bytes, name: str) -> Mapping[str, Mapping[tuple[int, int], NoValue]]:
    """Refuse what would need more memory than there is: one cell at XFD1048576 is enough for that.

    calamine allots a sheet's whole rectangle, and a failure of that ends the process.

    Returns:
        Which cells hold no value, by sheet.
    """
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return {}  # .xls ends at 65,536 rows and 256 columns
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if sum(part.file_size for part in parts) > _MOST_UNPACKED:
                refuse(name, "解压后过大；请只保留要导入的工作表，或分成几个文件")
            for part in parts:
                if part.filename.startswith("xl/worksheets/"):
                    _bounded_sheet(packed.read(part), name)
            return no_values(packed)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        refuse(name, f"不是能读取的 Excel 文件（{error}）；请用模板填写，存为 .xlsx 后再导入")


def _bounded_sheet(xml: bytes, name: str) -> None:
    rows, columns = set(_ROW.findall(xml)), set()
    for letters, row in _CELL.findall(xml):
        columns.add(letters)
        rows.add(row)
    last_row, last_column = (
        max(map(int, rows), default=0),
        max((column_number(c.decode()) for c in columns), default=0),
    )
    if last_row * last_column > _MOST_CELLS:
        far = f"{column_name(last_column - 1)}{last_row}"
        refuse(name, f"工作表一直延伸到 {far}；请删去数据右边和下边的空行空列，保存后再导入")


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
