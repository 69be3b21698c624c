"""A report as Excel that looks like the form: headings, units, who signs, room for the seal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.table import text_width
from reporting.audit.model import SEVERITIES
from reporting.draft.cells import STANDINGS
from reporting.forms.model import Form, Line
from reporting.life.life import ROLES, STATES, Role, State
from reporting.sheets.paper import Paper

_WIDTHS: Final = (34, 11, 8, 19, 19, 30)
_LAST: Final = len(_WIDTHS) - 1
_LABELS: Final = ("甲", "乙", "丙", "1", "2", "丁")
_A4: Final = 9
_ROW: Final = 19.5
"""Points."""
_SEAL_ROWS: Final = 5


def write_excel(path: Path, paper: Paper) -> None:
    """Write a workbook: a sheet for each form, and one of what the audit found.

    Raises:
        OSError: it cannot be written.
        xlsxwriter.exceptions.FileCreateError: likewise.
    """
    with xlsxwriter.Workbook(str(path)) as book:
        looks = _Looks(book)
        for form in paper.edition.forms:
            _write_form(book.add_worksheet(form.title[:31]), form, paper, looks)
        _write_audit(book.add_worksheet("审核说明"), paper, looks)


class _Looks:
    """The formats of one workbook; numbers by how many digits they have."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        edge = {"border": 1, "font_size": 10, "valign": "vcenter", "text_wrap": True}
        self.title = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        self.left = book.add_format({"font_size": 10, "valign": "vcenter"})
        self.right = book.add_format({"font_size": 10, "valign": "vcenter", "align": "right"})
        self.heading = book.add_format(
            {**edge, "bold": True, "bg_color": "#DDEBF7", "align": "center"}
        )
        self.text = book.add_format(edge)
        self.part = book.add_format({**edge, "indent": 2})
        self.middle = book.add_format({**edge, "align": "center"})
        self.seal = book.add_format(
            {"border": 1, "font_size": 10, "align": "center", "valign": "bottom"}
        )
        self.small = book.add_format({"font_size": 8, "font_color": "#7F7F7F"})
        self._book = book
        self._edge = edge
        self._numbers: dict[int, Format] = {}

    def number(self, digits: int) -> Format:
        """Return the format of a number with so many digits behind the point."""
        if digits not in self._numbers:
            form = "#,##0" + ("." + "0" * digits if digits else "") + "_ "
            look = {**self._edge, "align": "right", "num_format": form}
            self._numbers[digits] = self._book.add_format(look)
        return self._numbers[digits]


def _write_form(sheet: Worksheet, form: Form, paper: Paper, looks: _Looks) -> None:
    _set_up(sheet)
    below = _write_head(sheet, form.title, paper, looks)
    for top, bottom, title in ((0, 0, "指标名称"), (1, 1, "计量单位"), (2, 2, "代码")):
        sheet.merge_range(below, top, below + 1, bottom, title, looks.heading)
    sheet.merge_range(below, 3, below, 4, "数值", looks.heading)
    sheet.write_string(below + 1, 3, "本期", looks.heading)
    sheet.write_string(below + 1, 4, "上年同期", looks.heading)
    sheet.merge_range(below, 5, below + 1, 5, "说明", looks.heading)
    for column, label in enumerate(_LABELS):
        sheet.write_string(below + 2, column, label, looks.middle)
    sheet.repeat_rows(below, below + 2)
    sheet.freeze_panes(below + 3, 1)
    row = below + 3
    for line in form.lines:
        _write_line(sheet, row, line, paper, looks)
        row += 1
    _write_signatures(sheet, row, paper, looks)


def _write_head(sheet: Worksheet, title: str, paper: Paper, looks: _Looks) -> int:
    state = paper.draft.state
    marked = f"{title}（{STATES[state]}）" if state in {State.DRAFT, State.HANDED_IN} else title
    sheet.set_row(0, 30)
    sheet.merge_range(0, 0, 0, _LAST, marked, looks.title)
    period = paper.draft.period.name
    revision = f"　第 {paper.draft.number} 版" if paper.draft.number > 1 else ""
    for row, (left, right) in enumerate(
        (
            (f"填报单位（盖章）：{paper.name}", f"报告期：{period}{revision}"),
            (f"统一社会信用代码：{paper.credit_code}", paper.edition.name),
        ),
        1,
    ):
        sheet.set_row(row, _ROW)
        sheet.merge_range(row, 0, row, 2, left, looks.left)
        sheet.merge_range(row, 3, row, _LAST, right, looks.right)
    return 3


def _write_line(sheet: Worksheet, row: int, line: Line, paper: Paper, looks: _Looks) -> None:
    cell = paper.draft.cells[line.code]
    is_part = line.part_of is not None
    name = f"其中：{line.name}" if is_part else line.name
    sheet.set_row(row, _ROW * max(1, -(-text_width(cell.why) // _WIDTHS[-1])))
    sheet.write_string(row, 0, name, looks.part if is_part else looks.text)
    sheet.write_string(row, 1, line.unit, looks.middle)
    sheet.write_string(row, 2, line.code, looks.middle)
    for column, value, else_ in ((3, cell.value, STANDINGS[cell.standing]), (4, cell.before, "")):
        if value is None:
            sheet.write_string(row, column, else_, looks.middle)
        else:
            sheet.write_number(row, column, float(value), looks.number(line.digits))
    sheet.write_string(row, 5, cell.why, looks.text)


def _write_signatures(sheet: Worksheet, row: int, paper: Paper, looks: _Looks) -> None:
    sheet.set_row(row, _ROW)
    said = []
    for role in (Role.HEAD, Role.LEAD, Role.FILLER):
        signed = paper.signatures.get(role)
        said.append(f"{ROLES[role]}：{'' if signed is None else signed.name}")
    head = paper.signatures.get(Role.HEAD)
    said.append(f"签字日期：{'' if head is None else f'{head.day:%Y-%m-%d}'}")
    sheet.merge_range(row, 0, row, _LAST, "　　　　".join(said), looks.left)
    sheet.merge_range(row + 1, 4, row + _SEAL_ROWS, _LAST, "（单位公章）", looks.seal)
    if paper.sha256:
        sheet.write_string(row + 1, 0, f"校验码（SHA-256）：{paper.sha256}", looks.small)


def _write_audit(sheet: Worksheet, paper: Paper, looks: _Looks) -> None:
    _set_up(sheet)
    row = _write_head(sheet, "审核结果及说明", paper, looks)
    _write_row(sheet, row, ("发现", "要求", "代码", "建议", "说明"), looks.heading)
    for found in paper.draft.findings:
        row += 1
        explained = paper.explained.get((found.rule, found.cells), "")
        asks, codes = SEVERITIES[found.severity], "、".join(found.cells)
        _write_row(sheet, row, (found.said, asks, codes, found.mend, explained), looks.text)
    if not paper.draft.findings:
        sheet.merge_range(row + 1, 0, row + 1, _LAST, "没有需要补正或说明的内容", looks.text)


def _write_row(sheet: Worksheet, row: int, said: Sequence[str], look: Format) -> None:
    """Write five texts, as high as they need; the fourth has two columns."""
    widths = (*_WIDTHS[:3], sum(_WIDTHS[3:5]), _WIDTHS[5])
    lines = max(-(-text_width(text) // width) for text, width in zip(said, widths, strict=True))
    sheet.set_row(row, _ROW * max(1, lines))
    for column, text in zip((0, 1, 2, 5), (*said[:3], said[4]), strict=True):
        sheet.write_string(row, column, text, look)
    sheet.merge_range(row, 3, row, 4, said[3], look)


def _set_up(sheet: Worksheet) -> None:
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.set_paper(_A4)
    sheet.set_portrait()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
    sheet.center_horizontally()
    sheet.set_footer("&C&9第 &P 页，共 &N 页")
