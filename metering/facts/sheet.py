"""The sheet on which readings are written down: its columns, and reading it back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from metering.facts.entry_check import Entry, Where
from metering.facts.written import plain_number
from registry.refusal import Fault, raise_if_any, refuse
from registry.workbook import Cell, cell_name, missing_values, sheet, sheets
from registry.years import sensible, wrong_year

SHEET: Final = "抄表"
CODE: Final = "计量表编码"
AT: Final = "抄表时间"
VALUE: Final = "表显读数"
NOTE: Final = "备注"
NEEDED: Final = (CODE, AT, VALUE)
MOST_BYTES: Final = 5_000_000
MOST_ROWS: Final = 20_000
_LARGEST: Final = 10**15
"""Above it a number is refused anyway, and rounding it could fail."""
_HEADINGS_WITHIN: Final = 10
"""Rows above the headings may hold a title."""


@dataclass(frozen=True, slots=True)
class Line:
    """A reading as it stands in a sheet.

    Attributes:
        entry: what is said.
        where: its cells.
        only_day: the cell names no time of day; midnight is meant.
    """

    entry: Entry
    where: Where
    only_day: bool = False


Row = Sequence[Cell]


def read_sheet(raw: bytes, zone: ZoneInfo) -> list[Line]:
    """Read what somebody filled in; rows without time and value are left out.

    Args:
        raw: the bytes of an Excel file.
        zone: whose clock its times mean.

    Raises:
        RefusedError: it is no such sheet, or cells cannot be understood; names every one.
    """
    name, rows = _rows(raw)
    first, columns = _headings(name, rows)
    if len(rows) - first > MOST_ROWS:
        refuse(name, f"超过 {MOST_ROWS} 行；请分成几个文件导入")
    lines: list[Line] = []
    faults: list[Fault] = []
    read = [columns[heading] for heading in (*NEEDED, NOTE) if heading in columns]
    for number, row in enumerate(rows[first:], start=first + 1):
        if missing := missing_values(name, number, row, read):
            faults += missing
            continue
        line = _line(_Reader(name, number, row, columns, zone, faults))
        if line is not None:
            lines.append(line)
    raise_if_any([*faults, *_twice(lines)])
    if not lines:
        refuse(name, f"没有填写任何读数；请在“{AT}”和“{VALUE}”两列填写")
    return lines


def _rows(raw: bytes) -> tuple[str, Sequence[Row]]:
    if len(raw) > MOST_BYTES:
        refuse("文件", f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件导入")
    there = sheets(raw, "文件")
    if SHEET in there or len(there) != 1:
        return SHEET, sheet(raw, "文件", SHEET)
    return next(iter(there.items()))


def _headings(name: str, rows: Sequence[Row]) -> tuple[int, Mapping[str, int]]:
    """Return the number of the row of headings (from 1), and the column of each."""
    for number, row in enumerate(rows[:_HEADINGS_WITHIN], start=1):
        columns = {str(c).strip(): i for i, c in reversed(list(enumerate(row))) if str(c).strip()}
        if CODE in columns:
            missing = [heading for heading in NEEDED if heading not in columns]
            faults = [Fault(f"{name}!{number}:{number}", f"缺少“{m}”列；请用模板") for m in missing]
            headings = [str(cell).strip() for cell in row]
            faults += [
                Fault(cell_name(name, number, column), f"“{heading}”列不止一个；请只留一个")
                for column, heading in enumerate(headings)
                if heading in {*NEEDED, NOTE} and heading in headings[:column]
            ]
            raise_if_any(faults)
            return number, columns
    words = f"前 {_HEADINGS_WITHIN} 行里没有表头“{CODE}”；请用 jieyong meter template 的模板"
    return refuse(name, words)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One row; notes what cannot be understood."""

    sheet: str
    number: int
    row: Row
    columns: Mapping[str, int]
    zone: ZoneInfo
    faults: list[Fault]

    def raw(self, heading: str) -> Cell:
        column = self.columns.get(heading)
        found = "" if column is None or column >= len(self.row) else self.row[column]
        return unicodedata.normalize("NFKC", found).strip() if isinstance(found, str) else found

    def where(self, heading: str) -> str:
        return cell_name(self.sheet, self.number, self.columns[heading])

    def fault(self, heading: str, what: str) -> None:
        self.faults.append(Fault(self.where(heading), what))

    def text(self, heading: str) -> str:
        """Codes that look like numbers come as numbers."""
        found = self.raw(heading)
        if isinstance(found, float) and found.is_integer():
            return str(int(found))
        return str(found)


def _line(reader: _Reader) -> Line | None:
    if reader.raw(AT) == "" and reader.raw(VALUE) == "":
        return None
    code = reader.text(CODE)
    if not code:
        reader.fault(CODE, "缺少计量表编码；每行都要写，不要合并单元格")
    moment = _moment(reader)
    value = _value(reader)
    if moment is None or value is None or not code:
        return None
    where = Where(reader.where(CODE), reader.where(AT), reader.where(VALUE))
    only_day = moment.timetz().replace(tzinfo=None) == time() and not _has_time(reader.raw(AT))
    return Line(Entry(code, moment, value, note=reader.text(NOTE)), where, only_day)


def _has_time(found: Cell) -> bool:
    return ":" in found if isinstance(found, str) else False


def _moment(reader: _Reader) -> datetime | None:
    found = reader.raw(AT)
    if isinstance(found, str) and found:
        found = _written(found)
    if isinstance(found, date) and not sensible(found):
        reader.fault(AT, wrong_year(found))
        return None
    if isinstance(found, datetime):
        # Excel counts days in floating point: 8:00 may come as 7:59:59.999.
        rounded = (found + timedelta(milliseconds=500)).replace(microsecond=0)
        return rounded.replace(tzinfo=reader.zone)
    if isinstance(found, date):
        return datetime.combine(found, time(), reader.zone)
    what = "缺少抄表时间" if found == "" else "不是时间"
    reader.fault(AT, f"{what}；请写成 2026-10-31 08:30")
    return None


_DATE: Final = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?\s*", re.ASCII)


def _written(text: str) -> Cell:
    plain = _DATE.sub(r"\1-\2-\3 ", text).strip()
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(plain, form)  # noqa: DTZ007 - the zone is the sheet's
        except ValueError:
            continue
    return text


def _value(reader: _Reader) -> Decimal | None:
    found = reader.raw(VALUE)
    if found == "":
        reader.fault(VALUE, "缺少表显读数（空着，或公式出错）；不抄的表请把抄表时间也留空")
        return None
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        exact = Decimal(repr(found))
        return round(exact, 6) if abs(exact) < _LARGEST else exact
    value = plain_number(found) if isinstance(found, str) else None
    if value is None:
        reader.fault(VALUE, f"“{found}”不是数字；请填写表上显示的数，不带单位，小数点写成“.”")
        return None
    return value


def _twice(lines: Sequence[Line]) -> list[Fault]:
    first: dict[tuple[str, datetime], Line] = {}
    faults = []
    for line in lines:
        other = first.setdefault((line.entry.meter, line.entry.at), line)
        if other is not line:
            words = f"与 {other.where.meter} 是同一块表的同一时间；请删去一行"
            faults.append(Fault(line.where.meter, words))
    return faults
