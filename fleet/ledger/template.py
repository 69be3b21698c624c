"""The workbook that people fill in: vehicles, cards, orders, costs, people and places, budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from fleet.ledger.words import Words
from registry.workbook import column_name

_LAST_ROW: Final = 5000
_WIDTH: Final = 15
_DAYS: Final = frozenset({"since", "day", "last", "bought_on"})
_TIMES: Final = frozenset({"at", "out_at", "back_at"})
_TEXTS: Final = frozenset(
    {"code", "institution", "card", "main_card", "transaction_id", "number", "document"}
)
_HELP: Final = (
    "一、“车辆”表一辆一行；情况变了（换牌、封存、处置）另起一行，写明起始日期，未变的留空。",
    "二、“油卡”表写明每张卡自何时起归哪辆车；车辆留空表示自此不归任何车。卡号一列须为文本格式。",
    "三、“派车单”缺的项目请留空，不影响导入，只影响完整率。",
    "四、“费用”表一笔一行，类别可写加油、充值、圈存、退款、非油品、维修、保险、通行费、停车、充电、尿素、其他。",
    "五、有交易流水号的按流水号去重；没有的按内容去重，同一文件里两行完全相同算两笔。",
    "六、不知道的请留空，不要填 0。本单位院内充电请填“是”：其电量已在电费中，不再相加。",
    "七、加油后油箱是满的，“加满”填“是”；前面漏记过一次加油的，“之前漏记”填“是”。",
    "八、有一处错误则全部不导入，并逐格指出。",
)
_VEHICLES: Final[LiteralString] = """
    SELECT v.code, i.code, v.plate, v.energy FROM vehicle v
    JOIN institution i ON i.id = v.institution_id
    WHERE upper_inf(v.valid)
        AND v.code NOT IN (SELECT code FROM fuel_consumer WHERE withdrawn_at IS NULL)
    ORDER BY i.code, v.code
"""


def not_yet(conn: psycopg.Connection[Any]) -> list[tuple[str, str, str, str]]:
    """Return vehicles of the inventory that the ledger lacks: code, institution, plate, energy."""
    return list(conn.execute(_VEHICLES).fetchall())


def write_template(path: Path, words: Words, vehicles: Sequence[tuple[str, str, str, str]]) -> None:
    """Write the workbook; the vehicles are listed in it, their since left open.

    Args:
        path: where to.
        words: headings and choices.
        vehicles: code, institution, plate, energy.
    """
    with xlsxwriter.Workbook(str(path)) as book:
        formats = {
            "heading": book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1}),
            "day": book.add_format({"num_format": "yyyy-mm-dd"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            "text": book.add_format({"num_format": "@"}),
        }
        sheets = {kind: _sheet(book, kind, words, formats) for kind in words.sheets}
        fields = list(words.headings["consumers"])
        for row, (code, institution, plate, energy) in enumerate(vehicles, 1):
            said = {
                "code": code,
                "institution": institution,
                "plate": plate,
                "energy": words.name("energies", energy),
            }
            for field, value in said.items():
                sheets["consumers"].write_string(row, fields.index(field), value)
        _choices(sheets, words)
        guide = book.add_worksheet("填写说明")
        guide.set_column(0, 0, 110)
        guide.write_column(0, 0, _HELP)


def _sheet(
    book: xlsxwriter.Workbook, kind: str, words: Words, formats: Mapping[str, Format]
) -> Worksheet:
    sheet = book.add_worksheet(words.sheets[kind][0])
    for column, field in enumerate(words.headings[kind]):
        usual = None
        if field in _DAYS and kind != "cards":
            usual = formats["day"]
        elif field in _TIMES or field in _DAYS:
            usual = formats["time"]
        elif field in _TEXTS:
            usual = formats["text"]
        sheet.set_column(column, column, _WIDTH, usual)
        sheet.write_string(0, column, words.heading(kind, field), formats["heading"])
    sheet.freeze_panes(1, 1)
    return sheet


def _choices(sheets: Mapping[str, Worksheet], words: Words) -> None:
    def first(options: Mapping[str, Sequence[str]]) -> list[str]:
        return [names[0] for names in options.values()]

    yes_no = [words.yes[0], words.no[0]]
    choices = (
        ("consumers", "kind", [one.words[0] for one in words.consumers.values()]),
        ("consumers", "energy", [one.words[0] for one in words.energies.values()]),
        *(("consumers", name, first(options)) for name, options in words.choices.items()),
        ("spending", "kind", [one.words[0] for one in words.transactions.values()]),
        ("spending", "product", [one.words[0] for one in words.products.values()]),
        *(("spending", name, yes_no) for name in ("full", "missed", "own_premises")),
        ("parties", "kind", first(words.parties)),
        ("parties", "chain", yes_no),
    )
    for kind, field, options in choices:
        column = column_name(list(words.headings[kind]).index(field))
        cells = f"{column}2:{column}{_LAST_ROW}"
        sheets[kind].data_validation(cells, {"validate": "list", "source": options})
