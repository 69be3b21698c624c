"""The workbook to fill in: circles, yards, sealed times, duty."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import xlsxwriter

from fleet.fence import rows
from fleet.yards.days import known_words
from fleet.yards.entry import SHEETS
from fleet.yards.rows import HEADINGS

_NOTES: Final[Mapping[str, tuple[str, ...]]] = {
    "围栏": (
        "一行一个圆形围栏；多边形请用 GeoJSON 导入。",
        "坐标系必填：WGS84（天地图、CGCS2000）、GCJ02（高德、腾讯）、BD09（百度）；录入时换算一次，原坐标保留。",
        "半径、边界余量：米；停留：分钟。定点类别：定点停放、定点加油站、定点维修厂，可不填。",
    ),
    "定点停放": (
        "车辆、机构只填一个；都不填为全部车辆。车辆自己的停放地点优先于机构的。",
        f"哪些天：{known_words()}；缺省每天。起时缺省 22:00，止时缺省次日 06:00。",
    ),
    "封存停驶": ("哪些天写“节假日”为每逢法定节假日；写“每天”要填截止日期。",),
    "值班": ("值班车辆在该时段不受定点停放和封存的限制。时间写成 2026-10-01 08:00。",),
}


def write_template(path: Path) -> None:
    """Write the workbook: a sheet of each kind with its headings, and one that explains."""
    with xlsxwriter.Workbook(str(path)) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        for kind, names in SHEETS.items():
            sheet = book.add_worksheet(names[0])
            headings = rows.HEADINGS if kind == "fences" else HEADINGS[kind]
            for column, its in enumerate(headings.values()):
                sheet.write_string(0, column, its[0], head)
            sheet.set_column(0, len(headings) - 1, 14)
            sheet.freeze_panes(1, 0)
        notes = book.add_worksheet("说明")
        notes.set_column(0, 0, 100)
        lines = [text for name, texts in _NOTES.items() for text in (name, *texts)]
        for number, text in enumerate(lines):
            notes.write_string(number, 0, text)
