"""The workbook of outdoor temperatures: the template out, the filled one in."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import xlsxwriter

from metering.gauge.temperature import HIGHEST_C, LOWEST_C, Observed
from registry.refusal import Fault, raise_if_any, refuse
from registry.workbook import Cell, missing_values, sheet

SHEET: Final = "气温"
HEADINGS: Final = ("日期", "时刻", "气温（℃）")
_ROWS: Final = 10_000
_HELP: Final = (
    "每行一个气温：有时刻的是那一刻的气温，时刻空着的是全天平均气温。",
    "日期写成 2026-06-01，时刻写成 08:00，都是当地时间。",
    "同一时间只能有一行；改正以前的数据，重新导入那一行即可，以最后一次为准。",
    "任何一格有错，整个文件都不会导入，并逐格说明原因。",
)
_CLOCK: Final = re.compile(r"(\d{1,2})[:：](\d{2})(?:[:：]00)?")


@dataclass(frozen=True, slots=True)
class _Bad:
    """A cell that cannot be read: what is wrong and what to do."""

    what: str


def write_template() -> bytes:
    """Return a workbook to fill in: the bytes of an .xlsx file."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _fill_sheet(book)
        notes = book.add_worksheet("填写说明")
        notes.set_column(0, 0, 80)
        notes.write_column(0, 0, _HELP)
    return content.getvalue()


def read_sheet(content: bytes, name: str, zone: ZoneInfo) -> list[Observed]:
    """Return the temperatures of a filled workbook, ready to enter; each knows its cell.

    Args:
        content: an .xlsx, .xls or .ods file.
        name: of the file, for what is said about it.
        zone: in which the times are written.

    Raises:
        RefusedError: it is no workbook, of another shape, or a cell is wrong; every cell is named.
    """
    rows = sheet(content, name, SHEET)
    if not rows or tuple(str(cell).strip() for cell in rows[0][: len(HEADINGS)]) != HEADINGS:
        refuse(f"{SHEET}!A1", f"首行应为 {'、'.join(HEADINGS)}；请用模板填写")
    found = [
        _observed(number, cells, zone)
        for number, cells in enumerate(rows[1:], start=2)
        if any(not _empty(cell) for cell in cells)
    ]
    raise_if_any(fault for row in found if not isinstance(row, Observed) for fault in row)
    observed = [row for row in found if isinstance(row, Observed)]
    if not observed:
        refuse(f"{SHEET}!A2", "没有一行数据；请填写后再导入")
    return observed


def _observed(number: int, cells: Sequence[Cell], zone: ZoneInfo) -> Observed | list[Fault]:
    if missing := missing_values(SHEET, number, cells, range(len(HEADINGS))):
        return missing
    padded = [*cells, "", "", ""]
    day, clock, celsius = _day(padded[0]), _clock(padded[1]), _celsius(padded[2])
    if isinstance(day, _Bad) or isinstance(clock, _Bad) or isinstance(celsius, _Bad):
        return [
            Fault(f"{SHEET}!{column}{number}", cell.what)
            for column, cell in zip("ABC", (day, clock, celsius), strict=True)
            if isinstance(cell, _Bad)
        ]
    when = day if clock is None else datetime.combine(day, clock, zone)
    return Observed(when, celsius, f"{SHEET}!A{number}")


def _day(cell: Cell) -> date | _Bad:
    if isinstance(cell, datetime):
        if cell.time() == time():
            return cell.date()
        return _Bad(f"“{cell}”带有时刻；日期和时刻请分开填写")
    if isinstance(cell, date):
        return cell
    try:
        return date.fromisoformat(str(cell).strip().replace("/", "-"))
    except ValueError:
        return _Bad(f"“{cell}”不是日期；请写成 2026-06-01")


def _clock(cell: Cell) -> time | _Bad | None:
    """A time of the day; None where the cell is empty."""
    if _empty(cell):
        return None
    if isinstance(cell, datetime):
        return cell.time()
    if isinstance(cell, time):
        return cell
    match = _CLOCK.fullmatch(str(cell).strip())
    try:
        if match is not None:
            return time(int(match[1]), int(match[2]))
    except ValueError:
        pass
    return _Bad(f"“{cell}”不是时刻；请写成 08:00，全天平均则空着")


def _celsius(cell: Cell) -> float | _Bad:
    if isinstance(cell, bool) or _empty(cell):
        return _Bad("没有填写气温；没有数据的行请删去")
    try:
        value = float(str(cell))
    except ValueError:
        return _Bad(f"“{cell}”不是数；请填写气温，不带单位")
    if LOWEST_C <= value <= HIGHEST_C:
        return value
    return _Bad(f"气温 {value:g} ℃ 不在 {LOWEST_C:g} 至 {HIGHEST_C:g} ℃ 之间；请核对")


def _empty(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()


def _fill_sheet(book: xlsxwriter.Workbook) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
    forms = ("yyyy-mm-dd", "hh:mm", "0.0")
    sheet = book.add_worksheet(SHEET)
    for column, (heading, form) in enumerate(zip(HEADINGS, forms, strict=True)):
        sheet.set_column(column, column, 14, book.add_format({"num_format": form}))
        sheet.write(0, column, heading, head)
    sheet.freeze_panes(1, 0)
    sheet.data_validation(
        *(1, 2, _ROWS, 2),
        {
            "validate": "decimal",
            "criteria": "between",
            "minimum": LOWEST_C,
            "maximum": HIGHEST_C,
            "error_message": "气温应在 -60 至 60 ℃ 之间",
        },
    )
