"""Lists that officers fill in, as Excel or CSV: every value knows its cell. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import xlsxwriter

from metering.facts.refusal import nearest
from registry.refusal import Fault, raise_if_any, refuse
from registry.workbook import cell_name, missing_values, sheet
from registry.years import sensible, wrong_year

MOST_BYTES: Final = 5_000_000
MOST_ROWS: Final = 5_000
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")

Value = object
"""What calamine hands out, or the text of a CSV; ``""`` for nothing."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a list looks like.

    Attributes:
        sheet: name of its sheet.
        headings: of all columns; each of them may be told what it is for.
        needed: headings that cannot be left out.
        choices: heading → what may stand below it.
    """

    sheet: str
    headings: Mapping[str, str]
    needed: Sequence[str]
    choices: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A filled-in row.

    Attributes:
        values: by heading.
        cells: name of each cell by heading, ``上报关系!C7``; of a left-out column the first.
    """

    values: Mapping[str, Value]
    cells: Mapping[str, str]

    def text(self, heading: str) -> str:
        """Return what stands there as text; a code that looks like a number comes as one."""
        found = self.values[heading]
        if isinstance(found, float) and found.is_integer():
            return str(int(found))
        return str(found).strip()

    def day(self, heading: str, faults: list[Fault]) -> date | None:
        """Return a day; None when there is none, or it is no day, which makes a fault."""
        text = self.text(heading)
        if not text:
            return None
        try:
            day = _day(self.values[heading], text)
        except ValueError:
            what = f"“{text}”不是日期，请写成 2026-01-01"
            faults.append(Fault(self.cells[heading], what))
            return None
        if not sensible(day):
            faults.append(Fault(self.cells[heading], wrong_year(day)))
            return None
        return day

    def choice(self, heading: str, choices: Sequence[str], faults: list[Fault]) -> str | None:
        """Return one of the choices; None when it is none of them, which makes a fault."""
        text = self.text(heading)
        if text in choices:
            return text
        what = f"“{text}”应是 {'、'.join(choices)} 之一{nearest(text, choices)}"
        faults.append(Fault(self.cells[heading], what))
        return None


def read_lines(raw: bytes, name: str, form: Form) -> list[Line]:
    """Read what somebody filled in; empty rows are left out.

    Args:
        raw: bytes of an Excel file, or of a CSV in UTF-8 or GB 18030.
        name: of the file; its ending says which.
        form: of the list.

    Raises:
        RefusedError: it is no such list, or nothing is filled in.
    """
    if len(raw) > MOST_BYTES:
        refuse(name, f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件")
    is_csv = name.lower().endswith(".csv")
    where = name if is_csv else form.sheet
    rows = _from_csv(raw, name) if is_csv else sheet(raw, name, form.sheet)
    if len(rows) > MOST_ROWS:
        refuse(where, f"超过 {MOST_ROWS} 行；请分成几个文件")
    columns = _columns(where, rows[0] if rows else (), form)
    raise_if_any(
        fault
        for number, row in enumerate(rows[1:], start=2)
        for fault in missing_values(where, number, row, columns.values())
    )
    lines = [
        _line((where, number), row, columns, form)
        for number, row in enumerate(rows[1:], start=2)
        if any(str(value).strip() for value in row)
    ]
    if not lines:
        refuse(where, "没有填写任何内容；请从第 2 行起填写")
    return lines


def write_template(form: Form) -> bytes:
    """Return an Excel file to fill in, with what each column is for on a second sheet."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        text = book.add_format({"num_format": "@"})
        sheet = book.add_worksheet(form.sheet)
        for column, heading in enumerate(form.headings):
            sheet.set_column(column, column, 18, text)
            sheet.write_string(0, column, heading, head)
            if heading in form.choices:
                rule = {"validate": "list", "source": list(form.choices[heading])}
                sheet.data_validation(1, column, MOST_ROWS, column, rule)
        sheet.freeze_panes(1, 0)
        about = book.add_worksheet("填写说明")
        about.set_column(0, 1, 40)
        for row, (heading, what) in enumerate(form.headings.items()):
            about.write_row(row, 0, (heading, what), text)
    return content.getvalue()


def _from_csv(raw: bytes, name: str) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")  # what Excel writes in China
    if "\ufffd" in text:
        refuse(name, "文字编码无法识别；请另存为 UTF-8 的 CSV，或使用 Excel 文件")
    return [list(row) for row in csv.reader(io.StringIO(text))]


def _columns(where: str, row: Sequence[Value], form: Form) -> dict[str, int]:
    found: dict[str, int] = {}
    faults = []
    for column, value in enumerate(row):
        heading = str(value).strip()
        at = cell_name(where, 1, column)
        if heading in found:
            faults.append(Fault(at, f"“{heading}”列出现两次；请删去一列"))
        elif heading in form.headings:
            found[heading] = column
        elif heading:
            near = nearest(heading, form.headings)
            faults.append(Fault(at, f"不认识的列“{heading}”{near}；请用模板的表头"))
    missing = [heading for heading in form.needed if heading not in found]
    faults += [Fault(f"{where}!1:1", f"缺少“{heading}”列；请用模板") for heading in missing]
    raise_if_any(faults)
    return found


def _line(
    where: tuple[str, int], row: Sequence[Value], columns: Mapping[str, int], form: Form
) -> Line:
    filled = {h: row[i] if i < len(row) else "" for h, i in columns.items()}
    name, number = where
    return Line(
        values={heading: filled.get(heading, "") for heading in form.headings},
        cells={
            heading: cell_name(name, number, columns.get(heading, 0)) for heading in form.headings
        },
    )


def _day(value: Value, text: str) -> date:
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    match = _DAY.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day = map(int, match.groups())
    return date(year, month, day)
