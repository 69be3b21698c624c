"""Cells of an .xlsx that hold no value: a formula that nobody computed, or an error.

Readers of spreadsheets hand out 0 or nothing for both, which a sum would take for a figure.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Final

_UNCOMPUTED: Final = "公式没有保存计算结果：请在 Excel 中打开并保存后再导入"
_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
# Only cells whose content begins with a formula or with a value in #; the others cost no match.
_CELL: Final = re.compile(
    rb"<(?:\w+:)?c\s([^<>]*)>(\s*<(?:\w+:)?(?:f\b|v>#).*?)</(?:\w+:)?c>", re.DOTALL
)
_VALUE: Final = re.compile(rb"<(?:\w+:)?v>([^<]*)<")
_ATTRIBUTE: Final = re.compile(rb'([\w:]+)="([^"]*)"')
_SHEET: Final = re.compile(rb"<(?:\w+:)?sheet\s([^<>]*)>")
_RELATION: Final = re.compile(rb"<(?:\w+:)?Relationship\s([^<>]*)>")
# Programs that write formulas without computing them ask for it so, and write 0 for a result.
_RECALCULATE: Final = re.compile(rb'<(?:\w+:)?calcPr\s[^<>]*fullCalcOnLoad="(?:1|true)"')
_ZEROS: Final = {b"0", b"0.0"}
_PLACE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class NoValue(str):
    """What stands in a cell that holds no value: the error as Excel shows it, or ``=``.

    Attributes:
        why: what is wrong and what to do, in Chinese.
    """

    __slots__ = ("why",)
    why: str

    def __new__(cls, shown: str, why: str) -> NoValue:
        """Make it of what stands in the cell, and of what to say."""
        made = super().__new__(cls, shown)
        made.why = why
        return made


def no_values(packed: zipfile.ZipFile) -> Mapping[str, Mapping[tuple[int, int], NoValue]]:
    """Return name of a sheet → (row, column), both from 0 → what stands there instead of a value.

    Args:
        packed: an open workbook; of others than .xlsx nothing is known.

    Raises:
        zipfile.BadZipFile: a part of it is broken.
    """
    names = set(packed.namelist())
    if not {_WORKBOOK, _RELATIONS} <= names:
        return {}
    book = packed.read(_WORKBOOK)
    recalculate = _RECALCULATE.search(book) is not None
    return {
        sheet: dict(_in_sheet(packed.read(part), recalculate=recalculate))
        for sheet, part in _parts(book, packed.read(_RELATIONS))
        if part in names
    }


def column_number(letters: str) -> int:
    """Return the number of a column from 1: ``AA`` is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _parts(book: bytes, relations: bytes) -> Iterator[tuple[str, str]]:
    """Yield the name of each sheet, and the part of the file that holds it."""
    found = (_attributes(one) for one in _RELATION.findall(relations))
    targets = {one.get("Id", ""): one.get("Target", "") for one in found}
    for attributes in map(_attributes, _SHEET.findall(book)):
        id_ = next((text for name, text in attributes.items() if name.endswith(":id")), "")
        yield attributes.get("name", ""), posixpath.join("/xl", targets.get(id_, ""))[1:]


def _in_sheet(xml: bytes, *, recalculate: bool) -> Iterator[tuple[tuple[int, int], NoValue]]:
    for head, content in _CELL.findall(xml):
        cell = _attributes(head)
        place = _PLACE.fullmatch(cell.get("r", ""))
        if place is None:
            continue
        at = int(place[2]) - 1, column_number(place[1]) - 1
        found = _VALUE.search(content)
        value = found[1].strip() if found else b""
        kind = cell.get("t", "n")
        if kind == "e":
            shown = html.unescape(value.decode())
            why = f"单元格是错误值 {shown}：请在 Excel 中改正并保存后再导入"
            yield at, NoValue(shown, why)
        elif kind != "str" and (not value or (recalculate and value in _ZEROS)):
            yield at, NoValue("=", _UNCOMPUTED)


def _attributes(tag: bytes) -> dict[str, str]:
    return {name.decode(): html.unescape(text.decode()) for name, text in _ATTRIBUTE.findall(tag)}
