"""Tables for people: as Excel with sums and print set-up, as CSV, as JSON."""

from __future__ import annotations

import csv
import enum
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from registry.refusal import RefusedError
from registry.workbook import column_name

HEADING_ROW: Final = 2
"""From 0; a title and a line of particulars stand above."""
_A4: Final = 9
_A3: Final = 8
_A4_WIDTH: Final = 200
"""In characters: what is wider would be too small to read on A4, and goes on A3."""
_LINE_POINTS: Final = 16.5
_MOST_POINTS: Final = 409.0
"""Excel takes no higher row."""
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

T = TypeVar("T")
Value = str | int | Decimal | date | None
Row = Mapping[str, Value]


class Look(enum.Enum):
    """How a column is shown; the value is Excel's number format."""

    TEXT = "@"
    COUNT = "0"
    QUANTITY = "#,##0.00"
    FINE = "#,##0.000"
    MONEY = "#,##0.00 "
    PRICE = "0.0000"
    SHARE = "0.0%"
    DAY = "yyyy-mm-dd"
    MONTH = "yyyy-mm"


_LENGTHS: Final = {
    Look.COUNT: "{:.0f}",
    Look.QUANTITY: "{:,.2f}",
    Look.FINE: "{:,.3f}",
    Look.MONEY: "{:,.2f}",
    Look.PRICE: "{:.4f}",
    Look.SHARE: "{:.1%}",
}
"""What Excel makes of a number, for its length."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: name of the value in rows, and in JSON.
        title: heading, in Chinese.
        look: how it is shown.
        width: in characters.
        summed: the last row sums it up.
        unit: stands in brackets behind the heading.
    """

    key: str
    title: str
    look: Look = Look.TEXT
    width: int = 12
    summed: bool = False
    unit: str = ""

    @property
    def heading(self) -> str:
        """The heading with its unit."""
        return f"{self.title}（{self.unit}）" if self.unit else self.title


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet.

    Attributes:
        name: of the sheet.
        title: above it.
        particulars: the line below the title.
        columns: from left to right.
        rows: values by key; None: not known, an empty cell, never 0.
        remarks: lines below the sums.
        sign: whoever signs it, below the remarks.
        named: what the names of sheets are: in JSON, and in CSV.
        totals: the last row where it is no sum: ratios, and what may not be summed.
        a3: it is posted on a wall: on A3 however narrow it is.
        portrait: it is one page to read, not a list.
    """

    name: str
    title: str
    particulars: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    sign: tuple[str, ...] = ()
    named: tuple[str, str] = ("energy", "能源")
    totals: Row | None = None
    a3: bool = False
    portrait: bool = False

    def total(self, key: str) -> Decimal | None:
        """Return the sum of what is known in a column; None when nothing is."""
        values = [row.get(key) for row in self.rows]
        known = [Decimal(value) for value in values if isinstance(value, (Decimal, int))]
        return sum(known, Decimal(0)) if known else None


def write_excel(path: Path, tables: Sequence[Table]) -> None:
    """Write a workbook, one sheet for each table; without any, one sheet that says so."""
    with xlsxwriter.Workbook(str(path)) as book:
        formats = _formats(book)
        for table in tables:
            _write_sheet(book.add_worksheet(table.name), table, formats)
        if not tables:
            book.add_worksheet("无数据").write_string(0, 0, "所选单位和时段没有数据")


def write_csv(path: Path, tables: Sequence[Table]) -> None:
    """Write all tables as one CSV that Excel opens: UTF-8 with its mark."""
    columns = {column.key: column.title for table in tables for column in table.columns}
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*(table.named[1] for table in tables[:1]), *columns.values()])
        for table in tables:
            for row in table.rows:
                writer.writerow([table.name, *(csv_cell(row.get(key)) for key in columns)])


def as_json(tables: Sequence[Table]) -> str:
    """Return all tables as JSON; numbers as texts, so that they stay exact."""
    content = [
        {
            table.named[0]: table.name,
            "title": table.title,
            "particulars": table.particulars,
            "remarks": table.remarks,
            "rows": [{key: _plain(value) for key, value in row.items()} for row in table.rows],
        }
        for table in tables
    ]
    return json.dumps(content, ensure_ascii=False, indent=1)


def write_json(path: Path, tables: Sequence[Table]) -> None:
    """Write all tables as JSON; see :func:`as_json`."""
    path.write_text(as_json(tables) + "\n", encoding="utf-8")


def write(path: Path, tables: Sequence[Table]) -> None:
    """Write tables in the form that the file's name asks for: .xlsx, .csv, or .json.

    Raises:
        RefusedError: it asks for none of them, or cannot be written.
    """
    write_by(path, {".xlsx": write_excel, ".csv": write_csv, ".json": write_json}, tables)


def write_by(path: Path, writers: Mapping[str, Callable[[Path, T], None]], what: T) -> None:
    """Write something in the form that the file's name asks for.

    Args:
        path: of the file.
        writers: by the end of the name.
        what: is written.

    Raises:
        RefusedError: the name asks for none of them, or the file cannot be written.
    """
    if path.suffix.lower() not in writers:
        raise RefusedError(f"{path}：文件名应以 {'、'.join(writers)} 结尾")
    try:
        writers[path.suffix.lower()](path, what)
    except (FileCreateError, OSError) as error:
        # XlsxWriter's error is no OSError, and says the same.
        message = f"{path}：不能写入（{error}），请核对目录；文件若在 Excel 中打开，请先关闭"
        raise RefusedError(message) from error


def _formats(book: xlsxwriter.Workbook) -> dict[str, Format]:
    edge = {"border": 1, "font_size": 10, "valign": "vcenter", "text_wrap": True}
    bold = {**edge, "bold": True, "bg_color": "#F2F2F2"}
    heading = {**edge, "bold": True, "bg_color": "#DDEBF7", "align": "center"}
    return {
        "title": book.add_format({"bold": True, "font_size": 16, "align": "center"}),
        "particulars": book.add_format({"font_size": 10}),
        "remark": book.add_format({"font_size": 10, "text_wrap": True, "valign": "top"}),
        "sign": book.add_format({"font_size": 10, "valign": "vcenter"}),
        "heading": book.add_format(heading),
        "total": book.add_format(bold),
        **{look.name: book.add_format({**edge, **_shown(look)}) for look in Look},
        **{f"total {look.name}": book.add_format({**bold, **_shown(look)}) for look in Look},
    }


def _shown(look: Look) -> dict[str, str]:
    if look in {Look.TEXT, Look.DAY, Look.MONTH}:
        return {"num_format": look.value}
    # A blank at the end: else 49 beside 9 is read as 499. What is not known may be written as a
    # text in a column of numbers, and stands where they do.
    form = look.value.strip()
    return {"num_format": f"{form}_ ;-{form}_ ;{form}_ ;@_ ", "align": "right"}


def _lines(row: Row, columns: Sequence[Column]) -> int:
    """Return how many lines the longest text of a row takes in its column's width."""
    widths = (
        (value, int(column.width))
        for column in columns
        if isinstance(value := row.get(column.key), str)
    )
    counts = (
        sum(max(1, -(-text_width(line) // width)) for line in value.split("\n"))
        for value, width in widths
    )
    return max(counts, default=1)


def text_width(text: str) -> int:
    """Return how wide a text is, in characters of a Latin letter's width."""
    return sum(1 + (ord(sign) > 0x2E7F) for sign in text)


def _fitting(table: Table) -> Table:
    """Return a table wide enough for its numbers: Excel shows ##### for those that do not fit."""
    return replace(
        table,
        columns=tuple(
            replace(column, width=max(column.width, _longest(column, table)))
            for column in table.columns
        ),
    )


def _longest(column: Column, table: Table) -> int:
    form = _LENGTHS.get(column.look)
    if form is None:
        return 0
    values = [*(row.get(column.key) for row in table.rows), (table.totals or {}).get(column.key)]
    values.append(table.total(column.key) if column.summed else None)
    numbers = (one for one in values if isinstance(one, (int, Decimal)))
    return max((len(form.format(one)) + 1 for one in numbers), default=0)


def _write_sheet(sheet: Worksheet, given: Table, formats: Mapping[str, Format]) -> None:
    table = _fitting(given)
    last = len(table.columns) - 1
    sheet.merge_range(0, 0, 0, last, table.title, formats["title"])
    sheet.write_string(1, 0, table.particulars, formats["particulars"])
    for number, column in enumerate(table.columns):
        sheet.set_column(number, number, column.width)
        sheet.write_string(HEADING_ROW, number, _heading(column), formats["heading"])
    sheet.set_row(HEADING_ROW, 2 * _LINE_POINTS)
    for line, row in enumerate(table.rows, HEADING_ROW + 1):
        sheet.set_row(line, min(_lines(row, table.columns) * _LINE_POINTS, _MOST_POINTS))
        for number, column in enumerate(table.columns):
            _write_cell(sheet, (line, number), row.get(column.key), formats[column.look.name])
    below = HEADING_ROW + 1 + len(table.rows)
    if table.totals is not None or any(column.summed for column in table.columns):
        below = _write_totals(sheet, table, formats)
    wide = sum(column.width for column in table.columns)
    for line, text in enumerate(table.remarks, below):
        sheet.set_row(line, max(1, -(-text_width(text) // wide)) * _LINE_POINTS)
        _write_across(sheet, line, last, text, formats["remark"])
    line = below + len(table.remarks)
    sheet.set_row(line, 2 * _LINE_POINTS)
    sheet.write_string(line, 0, "　　　　".join(table.sign), formats["sign"])
    _set_up(sheet, line, last)
    if table.a3 or wide > _A4_WIDTH:
        sheet.set_paper(_A3)
    if table.portrait:
        sheet.set_portrait()
        sheet.fit_to_pages(1, 1)


def _heading(column: Column) -> str:
    """Put the unit of a heading that does not fit into a line of its own: not cut anywhere."""
    if not column.unit or text_width(column.heading) <= column.width:
        return column.heading
    return f"{column.title}\n（{column.unit}）"


def _write_across(sheet: Worksheet, line: int, last: int, text: str, look: Format) -> None:
    """Write a text that is wrapped at the table's edge: beside it nothing is printed."""
    if last:
        sheet.merge_range(line, 0, line, last, text, look)
    else:
        sheet.write_string(line, 0, text, look)


def _write_cell(sheet: Worksheet, cell: tuple[int, int], value: Value, look: Format) -> None:
    if value is None or value == "":
        sheet.write_blank(*cell, None, look)
    elif isinstance(value, (int, Decimal)):
        sheet.write_number(*cell, float(value), look)
    elif isinstance(value, date):
        sheet.write_datetime(*cell, datetime(value.year, value.month, value.day), look)  # noqa: DTZ001 - Excel has no zones
    else:
        sheet.write_string(*cell, value, look)


def _write_totals(sheet: Worksheet, table: Table, formats: Mapping[str, Format]) -> int:
    """Write the sums; return the row below them."""
    line = HEADING_ROW + 1 + len(table.rows)
    for number, column in enumerate(table.columns):
        total = table.total(column.key) if column.summed else None
        look = formats[f"total {column.look.name}"]
        if table.totals is not None and column.key in table.totals:
            _write_cell(sheet, (line, number), table.totals[column.key], look)
        elif total is not None:
            letters = column_name(number)
            cells = f"{letters}{HEADING_ROW + 2}:{letters}{line}"
            sheet.write_formula(line, number, f"=SUM({cells})", look, float(total))
        else:
            sheet.write_blank(line, number, None, look)
    sheet.write_string(line, 0, "合计", formats["total"])
    return line + 1


def _set_up(sheet: Worksheet, last_row: int, last_column: int) -> None:
    sheet.freeze_panes(HEADING_ROW + 1, 1)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.center_horizontally()
    sheet.repeat_rows(HEADING_ROW)
    sheet.print_area(0, 0, last_row, last_column)
    sheet.set_footer("&C第 &P 页，共 &N 页")


def csv_cell(value: Value) -> str:
    """Return a value as CSV has it: a spreadsheet would run what people wrote as a formula."""
    text = _plain(value) or ""
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA_STARTS) else text


def _plain(value: Value) -> str | None:
    if isinstance(value, date):
        return value.isoformat()
    return (
        None if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)
    )
