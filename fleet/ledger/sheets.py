"""The sheets of a workbook or a CSV file that the ledger reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fleet.ledger.words import Papers
from registry.refusal import Fault, RefusedError, refuse
from registry.sheet import HEADING_ROWS, Refusals, Sheet, with_headings, without_doubles
from registry.workbook import MOST_BYTES, Rows, sheets

_NEEDED: Final = {
    "consumers": (("code",), ("institution",), ("since",)),
    "cards": (("card",), ("since",)),
    "orders": (("number",), ("consumer",), ("day", "out_at")),
    "spending": (("consumer", "card"), ("day", "at"), ("amount", "quantity")),
    "parties": (("kind",), ("name",), ("since",)),
    "budgets": (("institution",), ("year",), ("amount",)),
}
"""Kind of sheet → of each of these at least one column."""
_ENCODINGS: Final = ("utf-8-sig", "gb18030")


def read_sheets(path: Path, papers: Papers, refusals: Refusals) -> list[Sheet]:
    """Read what the ledger knows of a file.

    A sheet is known by its name, or else by its headings: providers name theirs as they like.

    Args:
        path: xlsx, xls, ods, or csv in UTF-8 or GB 18030.
        papers: names and headings; with a provider's mapping only its sheet is read.
        refusals: where mistakes are noted.

    Raises:
        RefusedError: it cannot be read, or holds nothing that we know.
    """
    there = read_rows(path)
    if papers.mapping is not None:
        there = _of_provider(path, there, papers)
    found = [
        sheet
        for name, rows in there.items()
        if rows and (sheet := _sheet(name, rows, papers, refusals)) is not None
    ]
    if not found and not refusals.found:
        known = "、".join(names[0] for names in papers.words.sheets.values())
        raise RefusedError(f"{path.name}：没有找到可导入的工作表（{known}），请用模板填写")
    return found


def read_rows(path: Path) -> Mapping[str, Rows]:
    """Return the rows of every sheet; a CSV file is one sheet of its own name.

    Raises:
        RefusedError: it is no such file, or too large.
    """
    content = path.read_bytes()
    if path.suffix.lower() != ".csv":
        return sheets(content, path.name)
    if len(content) > MOST_BYTES:
        refuse(path.name, f"大于 {MOST_BYTES // 1_000_000} MB；请分成几个文件导入")
    try:
        lines = csv.reader(io.StringIO(_decoded(content, path.name), newline=""), strict=True)
        return {path.stem: list(lines)}
    except csv.Error as error:
        refuse(path.name, f"不是能读取的 CSV 文件（{error}）")


def _decoded(content: bytes, name: str) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise RefusedError(Fault(name, "文字编码不是 UTF-8 或 GB 18030，请另存为 UTF-8 后再导入"))


def _of_provider(path: Path, there: Mapping[str, Rows], papers: Papers) -> Mapping[str, Rows]:
    wanted = papers.mapping.sheet if papers.mapping else None
    if wanted is None or path.suffix.lower() == ".csv":
        return dict(list(there.items())[:1])
    if wanted not in there:
        refuse(path.name, f"没有名为“{wanted}”的工作表（现有：{'、'.join(there)}）；请核对对照文件")
    return {wanted: there[wanted]}


def _sheet(name: str, rows: Rows, papers: Papers, refusals: Refusals) -> Sheet | None:
    named = papers.words.sheets.items()
    kind = next((kind for kind, names in named if name.strip() in names), None)
    if papers.mapping is not None:
        kind = "spending"
    if kind is None:
        return _guessed(name, rows, papers, refusals)
    known = papers.columns(kind)
    sheet = with_headings(kind, name, rows, known)
    if sheet is None:
        refusals.add(name, f"前 {HEADING_ROWS} 行内没有找到表头，请用模板填写")
        return None
    lacking = _lacking(sheet)
    for names in lacking:
        either = "”或“".join(papers.words.heading(kind, one) for one in names)
        refusals.add(f"{name}!{sheet.begin - 1}", f"缺少“{either}”列，请补上表头")
    return None if lacking else without_doubles(sheet, rows, known, refusals)


def _guessed(name: str, rows: Rows, papers: Papers, refusals: Refusals) -> Sheet | None:
    for kind in ("orders", "spending"):
        sheet = with_headings(kind, name, rows, papers.columns(kind))
        if sheet is not None and not _lacking(sheet):
            return without_doubles(sheet, rows, papers.columns(kind), refusals)
    return None


def _lacking(sheet: Sheet) -> list[tuple[str, ...]]:
    return [names for names in _NEEDED[sheet.kind] if not set(names) & set(sheet.columns)]
