"""The sheets of a workbook of accounts, bills, and purchases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from metering.bills.words import Words
from registry.refusal import RefusedError
from registry.sheet import HEADING_ROWS, Refusals, Sheet, with_headings, without_doubles
from registry.workbook import Cell, sheets

_NEEDED: Final = {
    "accounts": (("number",), ("supplier",), ("energy",), ("institution",), ("since",)),
    "bills": (("account",), ("month", "period", "first"), ("quantity", "amount")),
    "purchases": (("institution",), ("energy",), ("bought_on",), ("quantity", "amount")),
}
"""Kind of sheet → of each of these at least one column."""


def read_sheets(path: Path, words: Words, refusals: Refusals) -> list[Sheet]:
    """Read the sheets of a workbook that hold accounts, bills, or purchases.

    A sheet is known by its name, or else by its headings: suppliers name their sheets as they like.

    Args:
        path: xlsx, xls, or ods.
        words: names and headings.
        refusals: where mistakes are noted.

    Raises:
        RefusedError: the file is no workbook, or holds nothing that we know.
    """
    read = sheets(path.read_bytes(), path.name)
    found = [
        sheet
        for name, rows in read.items()
        if rows and (sheet := _sheet(name, rows, words, refusals)) is not None
    ]
    if not found and not refusals.found:
        known = "、".join(heading[0] for heading in words.sheets.values())
        message = f"{path.name}：没有找到可导入的工作表（{known}），请用模板填写"
        raise RefusedError(message)
    return found


def _sheet(
    name: str, rows: Sequence[Sequence[Cell]], words: Words, refusals: Refusals
) -> Sheet | None:
    kind = next((kind for kind, names in words.sheets.items() if name.strip() in names), None)
    if kind is not None:
        return _of_kind(kind, name, rows, words, refusals)
    for guess in ("bills", "purchases"):
        sheet = with_headings(guess, name, rows, words.columns(guess))
        if sheet is not None and not _lacking(sheet):
            return without_doubles(sheet, rows, words.columns(guess), refusals)
    return None


def _of_kind(
    kind: str, name: str, rows: Sequence[Sequence[Cell]], words: Words, refusals: Refusals
) -> Sheet | None:
    sheet = with_headings(kind, name, rows, words.columns(kind))
    if sheet is None:
        refusals.add(name, f"前 {HEADING_ROWS} 行内没有找到表头，请用模板填写")
        return None
    lacking = _lacking(sheet)
    for names in lacking:
        known = "”或“".join(words.heading(kind, one) for one in names)
        refusals.add(f"{name}!{sheet.begin - 1}", f"缺少“{known}”列，请补上表头")
    return None if lacking else without_doubles(sheet, rows, words.columns(kind), refusals)


def _lacking(sheet: Sheet) -> list[tuple[str, ...]]:
    return [names for names in _NEEDED[sheet.kind] if not set(names) & set(sheet.columns)]
