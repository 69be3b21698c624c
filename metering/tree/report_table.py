"""Totals as tables: one set of columns for the screen, CSV, Excel and JSON. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from metering.factors.kinds import load_items
from metering.quality.words import UNKNOWN, energy_names, percent, plain, unit_name
from metering.tree.coal import Coal, HolderCoal
from metering.tree.report import DayReport, Grouping, Report, Row

NO_COAL: Final = "不折算"
_A4: Final = 9
_SHARE_DIGITS: Final = 9
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")

Value = str | int | Decimal | None
"""None is unknown."""


class Form(Enum):
    """How a column is shown; the value is Excel's number format."""

    TEXT = "@"
    COUNT = "0"
    QUANTITY = "#,##0.######"
    SHARE = "0.0%"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row with its standard coal; None: not asked for."""

    row: Row
    coal: Coal | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        key: its name in JSON.
        title: heading, in Chinese.
        form: how it is shown.
        value: what stands in it.
    """

    key: str
    title: str
    form: Form
    value: Callable[[Entry], Value]


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet.

    Attributes:
        name: of the sheet.
        keys: of the columns, in JSON.
        titles: of the columns.
        forms: of the columns.
        rows: values; None is unknown.
    """

    name: str
    keys: tuple[str, ...]
    titles: tuple[str, ...]
    forms: tuple[Form, ...]
    rows: tuple[tuple[Value, ...], ...]


def totals_table(report: Report, coals: Sequence[Coal] | None = None) -> Table:
    """Return a month as a table.

    Args:
        report: the month.
        coals: standard coal of its rows, in their order; None: without.
    """
    chosen = _columns(report.by, with_coal=coals is not None)
    of_rows: Sequence[Coal | None] = coals if coals is not None else [None] * len(report.rows)
    entries = [Entry(row, coal) for row, coal in zip(report.rows, of_rows, strict=True)]
    return Table(
        name="能耗汇总",
        keys=tuple(column.key for column in chosen),
        titles=tuple(column.title for column in chosen),
        forms=tuple(column.form for column in chosen),
        rows=tuple(tuple(column.value(entry) for column in chosen) for entry in entries),
    )


def days_table(report: DayReport) -> Table:
    """Return days as a table: that of a month, with the day before each row."""
    rows = [row for _, row in report.rows]
    table = totals_table(Report(report.begin, report.by, tuple(rows)))
    return replace(
        table,
        keys=("day", *table.keys),
        titles=("日期", *table.titles),
        forms=(Form.TEXT, *table.forms),
        rows=tuple(
            (day.isoformat(), *row) for (day, _), row in zip(report.rows, table.rows, strict=True)
        ),
    )


def coal_table(holders: Sequence[HolderCoal]) -> Table:
    """Return the standard coal of each holder as a table."""
    return Table(
        name="折标准煤",
        keys=("code", "name", "kgce", "known_kgce", "why"),
        titles=("编码", "名称", "折标准煤（kgce）", "其中已知（kgce）", "未知部分"),
        forms=(Form.TEXT, Form.TEXT, Form.QUANTITY, Form.QUANTITY, Form.TEXT),
        rows=tuple(
            (one.code, one.name, one.coal.kilograms, _known(one.coal), "；".join(one.coal.why))
            for one in holders
        ),
    )


def shown(value: Value, form: Form) -> str:
    """Return a value as people read it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, Decimal):
        return percent(value) if form is Form.SHARE else plain(value)
    return str(value)


def to_csv(table: Table) -> str:
    """Return a table as CSV that Excel opens; unknown is 未知, shares are 0 to 1."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.titles)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return "\ufeff" + out.getvalue()  # Excel takes it for UTF-8 only so


def to_json(report: Report, tables: Mapping[str, Table]) -> str:
    """Return tables by name; numbers are texts, so that they stay exact, unknown is null."""
    head = {"month": f"{report.month:%Y-%m}", "by": report.by.value}
    return _json(head, tables)


def days_to_json(report: DayReport, table: Table) -> str:
    """Return days as :func:`to_json` returns a month; ``to`` is the last of them."""
    last = report.end - timedelta(days=1)
    head = {"from": report.begin.isoformat(), "to": last.isoformat(), "by": report.by.value}
    return _json(head, {"totals": table})


def _json(head: Mapping[str, object], tables: Mapping[str, Table]) -> str:
    content = dict(head)
    for name, table in tables.items():
        content[name] = [dict(zip(table.keys, row, strict=True)) for row in table.rows]
    return json.dumps(content, ensure_ascii=False, indent=1, default=lambda one: f"{one:f}")


def to_excel(tables: Sequence[Table]) -> bytes:
    """Return a workbook, a sheet for each table, ready to be printed on A4."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        head = book.add_format(
            {"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True}
        )
        forms = {form: book.add_format({"num_format": form.value, "border": 1}) for form in Form}
        for table in tables:
            _write_sheet(book.add_worksheet(table.name), table, head, forms)
    return content.getvalue()


def _columns(by: Grouping, *, with_coal: bool) -> list[Column]:
    names = {code: item.name for code, item in load_items().items()}
    items = [
        Column("item", "分项", Form.TEXT, lambda e: e.row.item),
        Column("item_name", "分项名称", Form.TEXT, lambda e: _item_name(e.row, names)),
    ]
    coal = [
        Column("kgce", "折标准煤（kgce）", Form.QUANTITY, _kilograms),
        Column("known_kgce", "其中已知（kgce）", Form.QUANTITY, _known_kilograms),
    ]
    return [
        Column("code", "编码", Form.TEXT, lambda e: e.row.code),
        Column("name", "名称", Form.TEXT, lambda e: e.row.name),
        *(items if by is Grouping.ITEM else []),
        Column(
            "energy", "能源", Form.TEXT, lambda e: energy_names().get(e.row.energy, e.row.energy)
        ),
        Column("taken_in", "用入", Form.QUANTITY, lambda e: _units(e.row.quantities[0])),
        Column("generated", "自发", Form.QUANTITY, lambda e: _units(e.row.quantities[1])),
        Column("supplied", "外送", Form.QUANTITY, lambda e: _units(e.row.quantities[2])),
        Column("total", "用量", Form.QUANTITY, lambda e: _units(e.row.quantities[3])),
        Column("unit", "单位", Form.TEXT, lambda e: unit_name(e.row.unit)),
        Column("estimated_share", "估算占比", Form.SHARE, lambda e: _share(e.row)),
        Column("meters", "计入表次", Form.COUNT, lambda e: e.row.figure.meters),
        Column("unknown", "未知表次", Form.COUNT, lambda e: e.row.figure.unknown),
        Column("partial", "缺时段表次", Form.COUNT, lambda e: e.row.figure.partial),
        Column("state", "状态", Form.TEXT, lambda e: e.row.state.value),
        *(coal if with_coal else []),
    ]


def _kilograms(entry: Entry) -> Value:
    if entry.coal is None or not entry.coal.counts:
        return NO_COAL
    return entry.coal.kilograms


def _known_kilograms(entry: Entry) -> Value:
    if entry.coal is None or not entry.coal.counts:
        return NO_COAL
    return _known(entry.coal)


def _known(coal: Coal) -> Decimal | None:
    """Nothing known is not zero."""
    return coal.known if coal.known or not coal.why else None


def _item_name(row: Row, names: Mapping[str, str]) -> str:
    if not row.item:
        return "未分项" if row.code else ""
    return names.get(row.item, "")


def _share(row: Row) -> Decimal | None:
    share = row.estimated_share
    return None if share is None else round(share, _SHARE_DIGITS)


def _units(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)


def _cell(value: Value) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, int):
        return str(value)
    # A spreadsheet would run what people wrote as a formula.
    return f"'{value}" if value.startswith(_FORMULA_STARTS) else value


def _write_sheet(
    sheet: Worksheet, table: Table, head: Format, forms: Mapping[Form, Format]
) -> None:
    sheet.write_row(0, 0, table.titles, head)
    sheet.set_column(0, len(table.titles) - 1, 14)
    for line, row in enumerate(table.rows, start=1):
        for column, (value, form) in enumerate(zip(row, table.forms, strict=True)):
            if isinstance(value, (int, Decimal)):
                sheet.write_number(line, column, float(value), forms[form])
            else:
                sheet.write_string(line, column, UNKNOWN if value is None else value, forms[form])
    sheet.freeze_panes(1, 2)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
