"""The empty sheet for readings: the meters listed, their last readings shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final
from zoneinfo import ZoneInfo

import psycopg
import xlsxwriter

from metering.facts.listing import current
from metering.facts.meters import Mounted
from metering.facts.readings import Known, before
from metering.facts.sheet import AT, CODE, NOTE, SHEET, VALUE
from metering.facts.span import ALWAYS, of_range

HEADINGS: Final = (CODE, "名称", "表计", "单位", "上次时间", "上次读数", AT, VALUE, NOTE)
_WIDTHS: Final = (22, 24, 16, 8, 18, 14, 18, 14, 24)
_MEASURE: Final = "yyyy-mm-dd hh:mm"
_GUIDE: Final = (
    "只填“抄表时间”“表显读数”和“备注”三列；不抄的表整行留空。",
    "表显读数照表上显示填写，不乘变比。抄表时间写成 2026-10-31 08:30。",
    "填好后先预览：jieyong meter import 文件 --dry-run；无误再导入：jieyong meter import 文件。",
    "有一处错误则整个文件不导入，错误逐格指出；同一文件重复导入不会重复记录。",
    "导错了可整批撤销：jieyong meter withdraw act 编号。",
)


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A meter to be read.

    Attributes:
        code: of the meter.
        device: code of the device that hangs there.
        unit: of its register.
        last: what is known of it; None: nothing.
    """

    code: str
    name: str
    device: str
    unit: str
    last: Known | None


def template_rows(
    conn: psycopg.Connection[Any], now: datetime, institution: str | None = None
) -> list[TemplateRow]:
    """Return the meters that can be read now, by code.

    Raises:
        RefusedError: there is no such institution.
    """
    rows = []
    for row in current(conn, now, institution):
        if not row.open or row.device_id is None or row.register is None or row.mounted is None:
            continue
        span = of_range(row.mounted) or ALWAYS
        held = Mounted(row.device_id, row.device or "", row.register, span)
        unit = row.register_unit or row.unit
        rows.append(TemplateRow(row.code, row.name, held.device, unit, before(conn, held, now)))
    return rows


def write_template(target: BinaryIO, rows: Sequence[TemplateRow], zone: ZoneInfo) -> None:
    """Write the sheet.

    Args:
        target: where the Excel file goes.
        rows: as :func:`template_rows` returns them.
        zone: in which times are shown.
    """
    book = xlsxwriter.Workbook(target, {"in_memory": True, "remove_timezone": True})
    sheet = book.add_worksheet(SHEET)
    heading = book.add_format({"bold": True, "bg_color": "#D9E2F3", "border": 1})
    plain = book.add_format({"num_format": "@"})
    moment = book.add_format({"num_format": _MEASURE})
    entered = book.add_format({"num_format": _MEASURE, "bg_color": "#FFF2CC", "locked": False})
    number = book.add_format({"bg_color": "#FFF2CC", "locked": False, "num_format": "0.######"})
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, HEADINGS[column], heading)
    for index, row in enumerate(rows, start=1):
        for column, text in enumerate((row.code, row.name, row.device, row.unit)):
            sheet.write_string(index, column, text, plain)
        if row.last is not None:
            sheet.write_datetime(index, 4, row.last.at.astimezone(zone), moment)
            sheet.write_number(index, 5, float(row.last.value))
        sheet.write_blank(index, 6, None, entered)
        sheet.write_blank(index, 7, None, number)
    sheet.freeze_panes(1, 1)
    _validate(sheet, max(len(rows), 1))
    guide = book.add_worksheet("说明")
    guide.set_column(0, 0, 100)
    for index, words in enumerate(_GUIDE):
        guide.write_string(index, 0, words)
    book.close()


def _validate(sheet: Any, last: int) -> None:  # noqa: ANN401 - XlsxWriter ships no types
    sheet.data_validation(
        1,
        6,
        last,
        6,
        {
            "validate": "date",
            "criteria": ">",
            "value": datetime(2000, 1, 1),  # noqa: DTZ001 - Excel knows no zones
            "error_title": AT,
            "error_message": "请写成 2026-10-31 08:30",
        },
    )
    sheet.data_validation(
        1,
        7,
        last,
        7,
        {
            "validate": "decimal",
            "criteria": ">=",
            "value": 0,
            "error_title": VALUE,
            "error_message": "请填写表上显示的非负数，不带单位",
        },
    )
