"""An explanation as a file: JSON for programs, CSV and Excel for people. Pure."""

from __future__ import annotations

import csv
import dataclasses
import enum
import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import xlsxwriter

from metering.quality.explanation import Explanation
from metering.quality.text import render
from metering.quality.words import flag_signs, unit_name

_MILLION: Final = Decimal(1_000_000)
_HEADINGS: Final = ("起", "止", "用量", "其中估算", "覆盖率", "标记")


def to_json(explanation: Explanation) -> str:
    """All of it; quantities stay whole millionths, decimals are texts, times ISO 8601."""
    content = dataclasses.asdict(explanation)
    content["share"] = explanation.share
    content["holds"] = explanation.check.holds if explanation.check else None
    return json.dumps(content, ensure_ascii=False, indent=1, default=_plain)


def to_csv(explanation: Explanation) -> str:
    """The table of days or hours, with Chinese headings; an empty cell is unknown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_headings(explanation))
    writer.writerows(_rows(explanation))
    return "\ufeff" + out.getvalue()  # Excel takes it for UTF-8 only so


def to_excel(explanation: Explanation) -> bytes:
    """A workbook with the table and its sum, and the explanation on a second sheet."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        _table(book, explanation)
        _text(book, explanation)
    return content.getvalue()


def _headings(explanation: Explanation) -> list[str]:
    unit = unit_name(explanation.subject.unit)
    return [f"{name}（{unit}）" if name in {"用量", "其中估算"} else name for name in _HEADINGS]


def _rows(explanation: Explanation) -> Iterator[tuple[str, str, Decimal | None, Any, Any, str]]:
    zone = ZoneInfo(explanation.zone)
    for one in explanation.periods:
        known = one.micro is not None
        yield (
            f"{one.begin.astimezone(zone):%Y-%m-%d %H:%M}",
            f"{one.end.astimezone(zone):%Y-%m-%d %H:%M}",
            _units(one.micro),
            _units(one.estimated) if known else None,
            round(one.share, 4),
            flag_signs(one.flags),
        )


def _units(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro) / _MILLION


def _table(book: xlsxwriter.Workbook, explanation: Explanation) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True})
    bold = book.add_format({"bold": True, "num_format": "#,##0.######"})
    formats = [book.add_format({"num_format": f}) for f in ("@", "#,##0.######", "0.0%")]
    sheet = book.add_worksheet("用量")
    sheet.set_column(0, 1, 18)
    sheet.set_column(2, 4, 16)
    sheet.write_row(0, 0, _headings(explanation), head)
    row = 0
    for row, (begin, end, used, estimated, share, signs) in enumerate(_rows(explanation), start=1):
        sheet.write_row(row, 0, (begin, end), formats[0])
        for column, value, form in ((2, used, 1), (3, estimated, 1), (4, share, 2)):
            sheet.write(row, column, None if value is None else float(value), formats[form])
        sheet.write(row, 5, signs, formats[0])
    sheet.write(row + 1, 0, "合计", bold)
    total = _units(explanation.micro)
    sheet.write(row + 1, 2, "未知" if total is None else float(total), bold)
    sheet.write(row + 1, 3, float(_units(explanation.estimated) or 0), bold)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _text(book: xlsxwriter.Workbook, explanation: Explanation) -> None:
    sheet = book.add_worksheet("说明")
    sheet.set_column(0, 0, 120)
    plain = book.add_format({"num_format": "@"})
    for row, line in enumerate(render(explanation).splitlines()):
        sheet.write_string(row, 0, line, plain)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")
