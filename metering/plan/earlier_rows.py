"""The rows of a sheet of earlier months: what may stand in which cell. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from metering.factors.kinds import Kind
from metering.facts.written import plain_number
from registry import workbook
from registry.refusal import Fault, raise_if_any, refuse
from registry.workbook import Cell
from registry.years import sensible, wrong_year

SHEET: Final = "历史月份"
HEADINGS: Final = (
    *("机构编码", "计量点编码", "月份", "能源", "数量", "单位", "金额（元）", "备注"),
)
FIRST_ROW: Final = 2
"""The first row under the headings, as Excel counts."""

_MONTH: Final = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?")
_MOST: Final = Decimal(10) ** 13


@dataclass(frozen=True, slots=True)
class Known:
    """What a sheet may speak of.

    Attributes:
        institutions: codes.
        meters: code of the energy of each meter, by the meter's code.
        kinds: kinds of energy, by their Chinese name.
        this_month: first of the month that is not over yet.
    """

    institutions: Collection[str]
    meters: Mapping[str, str]
    kinds: Mapping[str, Kind]
    this_month: date


@dataclass(frozen=True, slots=True)
class EarlierMonth:
    """One row.

    Attributes:
        row: of the sheet, as Excel counts; 0 when it does not come from one.
        institution: code, or None when it is a meter's.
        meter: code, or None when it is an institution's.
        month: its first day.
        energy: code.
        unit: of the quantity.
        quantity: None: not known.
        amount: yuan; None: not known.
        note: free text.
    """

    row: int
    institution: str | None
    meter: str | None
    month: date
    energy: str
    unit: str
    quantity: Decimal | None
    amount: Decimal | None
    note: str = ""

    @property
    def key(self) -> tuple[str | None, str | None, date, str]:
        """What there may be one row of."""
        return self.institution, self.meter, self.month, self.energy


class _Reader:
    """Reads the cells of one row and collects what is wrong with them."""

    def __init__(self, cells: Sequence[Cell], row: int, faults: list[Fault]) -> None:
        self._cells, self._row, self._faults = cells, row, faults

    def wrong(self, column: int, what: str) -> None:
        self._faults.append(Fault(cell_name(column, self._row), what))

    def cell(self, column: int) -> Cell:
        return self._cells[column] if column < len(self._cells) else ""

    def text(self, column: int) -> str:
        value = self.cell(column)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return unicodedata.normalize("NFKC", str(value)).strip()

    def month(self, column: int, this_month: date) -> date | None:
        value = self.cell(column)
        month = _month(value if isinstance(value, date) else self.text(column))
        if isinstance(value, float) and not value.is_integer():
            # Excel makes 2025.1 of 2025.10 too.
            what = "是数字，分不清是 1 月还是 10 月，请把单元格设为文本，写成 2025-10。"
            self.wrong(column, f"“{self.text(column)}”{what}")
        elif month is None:
            self.wrong(column, f"“{self.text(column)}”不是月份，请写成 2025-03。")
        elif month >= this_month:
            self.wrong(column, f"{month:%Y-%m} 尚未结束，只能导入已结束的月份。")
        elif not sensible(month):
            self.wrong(column, wrong_year(month))
        else:
            return month
        return None

    def number(self, column: int, digits: int) -> Decimal | None:
        cell, written = self.cell(column), self.text(column)
        if not written:
            return None
        is_number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
        value = Decimal(written) if is_number else plain_number(written)
        if value is None or not value.is_finite():
            self.wrong(column, f"“{written}”不是数字；不知道就留空，不要写 0 或文字。")
        elif value < 0 or value >= _MOST:
            self.wrong(column, f"{written} 应不小于 0 且小于 {_MOST}，请核对。")
        elif not _fits(value, digits):
            self.wrong(column, f"{written} 的小数超过 {digits} 位，请先取舍。")
        else:
            return value.quantize(Decimal(1).scaleb(-digits))
        return None


def cell_name(column: int, row: int) -> str:
    """A cell as Excel names it, with the sheet; columns count from 0, rows from 1."""
    return workbook.cell_name(SHEET, row, column)


def parse(table: Sequence[Sequence[Cell]], known: Known) -> tuple[EarlierMonth, ...]:
    """Read a sheet whole.

    Args:
        table: its rows, the headings first.
        known: what it may speak of.

    Raises:
        RefusedError: something is wrong; every cell that is gets named.
    """
    faults = _heading_faults(table)
    raise_if_any(faults)
    found: list[EarlierMonth] = []
    for row, cells in enumerate(table[1:], start=FIRST_ROW):
        if missing := workbook.missing_values(SHEET, row, cells, range(len(HEADINGS))):
            faults += missing
            continue
        reader = _Reader(cells, row, faults)
        if any(reader.text(column) for column in range(len(cells))):
            one = _row(reader, row, known)
            if one is not None:
                found.append(one)
    raise_if_any([*faults, *_doubles(found)])
    if not found:
        refuse(cell_name(0, FIRST_ROW), "没有任何数据行。")
    return tuple(found)


def _heading_faults(table: Sequence[Sequence[Cell]]) -> list[Fault]:
    if not table:
        return [Fault(cell_name(0, 1), "工作表是空的，请用模板填写。")]
    reader = _Reader(table[0], 1, [])
    wanted = [unicodedata.normalize("NFKC", heading) for heading in HEADINGS]
    return [
        Fault(
            cell_name(column, 1),
            f"表头应为“{HEADINGS[column]}”，现在是“{reader.text(column)}”。",
        )
        for column, heading in enumerate(wanted)
        if reader.text(column) != heading
    ]


def _row(reader: _Reader, row: int, known: Known) -> EarlierMonth | None:
    institution, meter = reader.text(0) or None, reader.text(1) or None
    good = _check_subject(reader, institution, meter, known)
    month = reader.month(2, known.this_month)
    kind = _kind(reader, known, meter)
    quantity = _in_unit(reader, kind, reader.number(4, 6))
    amount = reader.number(6, 2)
    if not reader.text(4) and not reader.text(6):
        reader.wrong(4, "数量和金额至少填一项；两项都不知道就删去这一行。")
    if month is None or kind is None or not good:
        return None
    return EarlierMonth(
        row=row,
        institution=institution,
        meter=meter,
        month=month,
        energy=kind.code,
        unit=kind.unit,
        quantity=quantity,
        amount=amount,
        note=reader.text(7),
    )


def _check_subject(
    reader: _Reader, institution: str | None, meter: str | None, known: Known
) -> bool:
    if (institution is None) == (meter is None):
        reader.wrong(0, "机构编码和计量点编码填且只填一个。")
    elif institution is not None and institution not in known.institutions:
        reader.wrong(0, f"没有编码为 {institution} 的机构，请核对。")
    elif meter is not None and meter not in known.meters:
        reader.wrong(1, f"没有编码为 {meter} 的计量点，请核对。")
    else:
        return True
    return False


def _kind(reader: _Reader, known: Known, meter: str | None) -> Kind | None:
    kind = known.kinds.get(reader.text(3))
    if kind is None:
        names = "、".join(known.kinds)
        reader.wrong(3, f"“{reader.text(3)}”不是能源名称，可填：{names}。")
        return None
    if meter is not None and known.meters.get(meter, kind.code) != kind.code:
        reader.wrong(3, f"计量点 {meter} 不计量{kind.name}，请核对。")
    unit = reader.text(5)
    if unit != kind.unit and unit not in kind.other_units:
        units = "、".join([kind.unit, *kind.other_units])
        reader.wrong(5, f"{kind.name}没有单位“{unit}”，可填：{units}。")
    return kind


def _in_unit(reader: _Reader, kind: Kind | None, quantity: Decimal | None) -> Decimal | None:
    unit = reader.text(5)
    if quantity is None or kind is None or unit == kind.unit or unit not in kind.other_units:
        return quantity
    converted = kind.in_unit(quantity, unit)
    if not _fits(converted, 6):
        reader.wrong(4, f"换算成 {kind.unit} 后小数超过 6 位，请先取舍。")
    return converted.quantize(Decimal("0.000001"))


def _doubles(rows: Sequence[EarlierMonth]) -> Iterator[Fault]:
    first: dict[object, int] = {}
    for one in rows:
        earlier = first.setdefault(one.key, one.row)
        if earlier != one.row:
            what = f"与第 {earlier} 行重复（同一对象、月份和能源），请删去一行。"
            yield Fault(cell_name(2, one.row), what)


def _month(value: date | str) -> date | None:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, date):
        return value if value.day == 1 else None
    match = _MONTH.fullmatch(value)
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    return date(int(match[1]), int(match[2]), 1) if int(match[1]) else None


def _fits(value: Decimal, digits: int) -> bool:
    """Whether it has no more digits; the noise of a spreadsheet's binary numbers is none."""
    return abs(value - value.quantize(Decimal(1).scaleb(-digits))) < Decimal("1e-9")
