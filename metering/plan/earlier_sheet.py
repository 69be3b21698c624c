"""The workbook of earlier months: the template out, the filled one in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import xlsxwriter

from metering.factors.kinds import Kind
from metering.plan.earlier_rows import HEADINGS, SHEET
from registry.workbook import Rows, sheet

_WIDTHS: Final = (16, 18, 11, 12, 16, 9, 16, 30)
_ROWS: Final = 5000
_HELP: Final = (
    "机构编码和计量点编码填且只填一个。",
    "月份写成 2025-03；只填已经结束的月份。",
    "不知道的数量或金额请留空：空着表示未知，0 表示确实没有用。",
    "同一对象、月份和能源只能有一行；改数据请先撤销原来的导入。",
    "任何一格有错，整个文件都不会导入，并逐格说明原因。",
)


def write_template(kinds: Sequence[Kind], subjects: Sequence[tuple[str, str, str]]) -> bytes:
    """A workbook to fill in.

    Args:
        kinds: what the columns of energy and unit offer.
        subjects: (机构编码 or 计量点编码, code, name) to look up while filling in.

    Returns:
        The bytes of an .xlsx file.
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _fill_sheet(book, kinds)
        _fill_help(book, kinds, subjects)
    return content.getvalue()


def _fill_sheet(book: xlsxwriter.Workbook, kinds: Sequence[Kind]) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True})
    sheet = book.add_worksheet(SHEET)
    text, number = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.######"})
    money = book.add_format({"num_format": "0.00"})
    formats = (text, text, text, text, number, text, money, text)
    for column, (heading, width) in enumerate(zip(HEADINGS, _WIDTHS, strict=True)):
        sheet.set_column(column, column, width, formats[column])
        sheet.write(0, column, heading, head)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    names = [kind.name for kind in kinds]
    sheet.data_validation(1, 3, _ROWS, 3, {"validate": "list", "source": names})
    units = list(dict.fromkeys(unit for kind in kinds for unit in (kind.unit, *kind.other_units)))
    sheet.data_validation(1, 5, _ROWS, 5, {"validate": "list", "source": units})


def _fill_help(
    book: xlsxwriter.Workbook,
    kinds: Sequence[Kind],
    subjects: Sequence[tuple[str, str, str]],
) -> None:
    sheet = book.add_worksheet("填写说明")
    sheet.set_column(0, 2, 24)
    row = 0
    for line in _HELP:
        sheet.write(row, 0, line)
        row += 1
    for kind in kinds:
        row += 1
        sheet.write_row(row, 0, [kind.name, f"单位：{kind.unit}"])
    for subject in subjects:
        row += 1
        sheet.write_row(row, 0, subject)


def read_table(content: bytes, name: str) -> Rows:
    """The rows of the sheet in a filled-in workbook.

    Raises:
        RefusedError: it is no workbook, or has no such sheet.
    """
    return sheet(content, name, SHEET)
