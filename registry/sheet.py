"""Reading the sheets that people fill in so that every value still knows its cell.

Problems are collected instead of raised: whoever fixes a file wants all of them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

from registry.no_value import NoValue
from registry.refusal import RefusedError
from registry.workbook import Cell, cell_name, column_name
from registry.years import sensible, wrong_year

HEADING_ROWS: Final = 20
"""A supplier's sheet may have titles above its headings; they stand within so many rows."""
_DAY: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_DIGITS_DAY: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTH: Final = re.compile(r"(\d{4})(?:\s*[-/.年]\s*(\d{1,2})\s*月?|(\d{2}))")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_BRACKETS: Final = re.compile(r"[(（\[【].*?[)）\]】]")
_BLANKS: Final = re.compile(r"\s+")


class YesNo(Protocol):
    """The words for yes and no, the usual one first."""

    @property
    def yes(self) -> Sequence[str]:
        """Those for yes."""

    @property
    def no(self) -> Sequence[str]:
        """Those for no."""


@dataclass(slots=True)
class Refusals:
    """The mistakes of one file, as they are found."""

    found: list[str] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)

    def add(self, where: str, message: str) -> None:
        """Note one mistake; what was said before is not said again."""
        if (text := f"{where}：{message}") not in self._said:
            self._said.add(text)
            self.found.append(text)

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            RefusedError: there was at least one mistake.
        """
        if self.found:
            raise RefusedError(*self.found)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet whose headings are known.

    Attributes:
        kind: what its rows are, as the words of its room call it.
        name: of the sheet.
        columns: field → number of the column, from 0.
        units: field → unit that its heading names in brackets.
        ignored: headings that mean nothing to us.
        begin: number of the first row below the headings, from 1.
        rows: the rows below the headings.
    """

    kind: str
    name: str
    columns: Mapping[str, int]
    units: Mapping[str, str]
    ignored: tuple[str, ...]
    begin: int
    rows: Sequence[Sequence[Cell]]

    def heading_cell(self, name: str) -> str:
        """Return the name of the cell of a field's heading, for example ``账单!C1``."""
        return cell_name(self.name, self.begin - 1, self.columns[name])

    def lines(self, refusals: Refusals) -> Iterator[Row]:
        """Yield the rows that hold anything in a column that we know."""
        for number, cells in enumerate(self.rows, self.begin):
            values = {
                name: cells[column] for name, column in self.columns.items() if column < len(cells)
            }
            if any(value != "" and str(value).strip() for value in values.values()):
                yield Row(self, number, values, refusals)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: values by field; after a mistake a harmless value is handed out."""

    sheet: Sheet
    number: int
    values: Mapping[str, Cell]
    refusals: Refusals

    @property
    def where(self) -> str:
        """Name of the row, for example ``账单!7``."""
        return f"{self.sheet.name}!{self.number}"

    def cell(self, name: str) -> str:
        """Return the name of a field's cell, for example ``账单!C7``; of the row without one."""
        column = self.sheet.columns.get(name)
        if column is None:
            return self.where
        return cell_name(self.sheet.name, self.number, column)

    def refuse(self, name: str, message: str) -> None:
        """Note a mistake in a field."""
        self.refusals.add(self.cell(name), message)

    def has(self, name: str) -> bool:
        """Tell whether a field holds anything, though it may hold no value."""
        return bool(str(self.values.get(name, "")).strip())

    def value(self, name: str) -> Cell:
        """Return what a field holds; a formula without a result and an error are refused."""
        value = self.values.get(name, "")
        if isinstance(value, NoValue):
            self.refuse(name, value.why)
            return ""
        return value

    def text(self, name: str) -> str:
        """Return a text; a number without its ``.0``; ``""`` for nothing."""
        value = self.value(name)
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()

    def needed(self, name: str) -> str:
        """Return a text that must be there."""
        text = self.text(name)
        if not self.has(name):
            self.refuse(name, "没有填写，请补上")
        return text

    def number_of(self, name: str) -> Decimal | None:
        """Return a number as Excel shows it (15 digits), or None for an empty cell."""
        value = self.value(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return Decimal(format(value, ".15g"))
        text = str(value).strip().replace(",", "").replace("，", "").lstrip("¥￥")
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            self.refuse(name, f"“{self.text(name)}”不是数字；不知道请留空，确实为零请填 0")
            return None
        return Decimal(text)

    def whole(self, name: str) -> int | None:
        """Return a whole number, or None for an empty cell."""
        number = self.number_of(name)
        if number is not None and number != int(number):
            self.refuse(name, f"“{self.text(name)}”不是整数")
            return None
        return None if number is None else int(number)

    def day(self, name: str) -> date | None:
        """Return a day, or None for an empty cell."""
        value = self.value(name)
        if isinstance(value, date):
            return self.likely(name, value.date() if isinstance(value, datetime) else value)
        text = self.text(name)
        if not text:
            return None
        found = parse_day(text)
        if found is None:
            self.refuse(name, f"“{text}”不是日期，请写成 2026-01-31")
        return self.likely(name, found)

    def likely(self, name: str, day: date | None) -> date | None:
        """Return a day, or None and a refusal when its year must be a mistake."""
        if day is None or sensible(day):
            return day
        self.refuse(name, wrong_year(day))
        return None

    def month(self, name: str) -> date | None:
        """Return the first day of a month, or None for an empty cell."""
        value = self.value(name)
        if isinstance(value, date):
            return self.likely(name, date(value.year, value.month, 1))
        text = self.text(name)
        if not text:
            return None
        found = _MONTH.fullmatch(text)
        month = parse_day(f"{found[1]}-{found[2] or found[3]}-1") if found else None
        if month is None:
            self.refuse(name, f"“{text}”不是月份，请写成 2026-01 或 202601")
        return self.likely(name, month)

    def yes(self, name: str, words: YesNo) -> bool:
        """Return whether a field says yes; an empty one says no."""
        text = self.text(name)
        if text and text not in {*words.yes, *words.no}:
            self.refuse(name, f"“{text}”不认识，请填 {words.yes[0]} 或 {words.no[0]}")
        return text in words.yes


def parse_day(text: str) -> date | None:
    """Return the day that a text means, or None."""
    found = _DIGITS_DAY.fullmatch(text) or _DAY.fullmatch(text.split(" ", maxsplit=1)[0])
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def with_headings(
    kind: str, name: str, rows: Sequence[Sequence[Cell]], known: Mapping[str, str]
) -> Sheet | None:
    """Find the headings of a sheet: of its first rows the one that has most of them.

    Args:
        kind: what its rows are.
        name: of the sheet.
        rows: all of it.
        known: plain heading → field.
    """
    best: Sheet | None = None
    for number, cells in enumerate(rows[:HEADING_ROWS], 1):
        headings = {column: str(cell) for column, cell in enumerate(cells) if str(cell).strip()}
        fields = {c: known[plain(h)] for c, h in headings.items() if plain(h) in known}
        if len(fields) >= 2 and (best is None or len(fields) > len(best.columns)):
            best = Sheet(
                kind=kind,
                name=name,
                columns={one: column for column, one in reversed(fields.items())},
                units={one: in_brackets(headings[c]) for c, one in fields.items()},
                ignored=tuple(h for c, h in headings.items() if c not in fields),
                begin=number + 1,
                rows=rows[number:],
            )
    return best


def without_doubles(
    sheet: Sheet, rows: Sequence[Sequence[Cell]], known: Mapping[str, str], refusals: Refusals
) -> Sheet:
    """Note headings that say what another one says already; ``rows``: all of the sheet."""
    line = sheet.begin - 1
    for column, heading in enumerate(rows[line - 1]):
        name = known.get(plain(str(heading)))
        if name is not None and sheet.columns[name] != column:
            here = cell_name(sheet.name, line, column)
            there = f"{column_name(sheet.columns[name])}{line}"
            refusals.add(here, f"“{heading}”与 {there} 是同一项，请只保留一列")
    return sheet


def plain(heading: str) -> str:
    """Return a heading without blanks, brackets, and case."""
    return _BLANKS.sub("", _BRACKETS.sub("", heading)).casefold()


def in_brackets(heading: str) -> str:
    """Return what stands in the first brackets of a heading, or nothing."""
    found = _BRACKETS.search(heading)
    return found.group()[1:-1].strip() if found else ""
