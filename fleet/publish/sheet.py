"""The sheet that is posted, and the sheet of corrections beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from fleet.publish.content import Content, Vehicle
from fleet.publish.differences import OTHERS, Difference, word
from registry.table import Column, Look, Row, Table, Value

UNKNOWN: Final = "—"
_NAMED: Final = ("sheet", "工作表")
_COLUMNS: Final = (
    Column("plate", "车牌号", width=13),
    Column("group", "类别", width=10),
    Column("use", "用途", width=12),
    Column("km", "里程", Look.QUANTITY, 10, summed=True, unit="km"),
    Column("source", "里程来源", width=10),
    Column("litres", "加油量", Look.QUANTITY, 9, summed=True, unit="L"),
    Column("fuel", "油气费", Look.MONEY, 10, summed=True, unit="元"),
    Column("per_100_km", "百公里油耗", Look.QUANTITY, 11, unit="L"),
    Column("kwh", "充电量", Look.QUANTITY, 9, summed=True, unit="kWh"),
    Column("charging", "充电费", Look.MONEY, 9, summed=True, unit="元"),
    Column("kwh_per_100_km", "百公里电耗", Look.QUANTITY, 11, unit="kWh"),
    Column("maintenance", "维修费", Look.MONEY, 10, summed=True, unit="元"),
    Column("insurance", "保险费", Look.MONEY, 10, summed=True, unit="元"),
    Column("road", "通行停车费", Look.MONEY, 11, summed=True, unit="元"),
    Column("rest", "其他", Look.MONEY, 9, summed=True, unit="元"),
    Column("cost", "运行费合计", Look.MONEY, 12, summed=True, unit="元"),
    Column("yuan_per_km", "每公里费用", Look.QUANTITY, 11, unit="元"),
    Column("spent", "本年累计", Look.MONEY, 11, summed=True, unit="元"),
    Column("budget", "年度预算", Look.MONEY, 11, summed=True, unit="元"),
    Column("share", "执行率", Look.SHARE, 8),
    Column("note", "注", width=9),
)
TITLES: Final = {column.key: column.heading for column in _COLUMNS}
_COUNTED: Final = (
    "运行费含油气、本单位以外充电、维修、保险、通行、停车、车用尿素和其他，退款已减；"
    "不含便利店商品、充值和圈存，不含本单位充电的电费（已在电费中）。"
)
_RATIO: Final = (
    "百公里能耗、每公里费用是同一区段的用量、费用与里程之比；合计行为总量之比，"
    "只算已知的逐车列出的车辆。"
)
_ABOUT: Final = (
    f"{UNKNOWN} 表示没有登记或不能计算，不是零；方括号中的编号见下。合计只加已知数。",
    "里程依次取里程表、终端里程、卫星定位中第一个已知的；区段与月初、月末相差七天以上的另注。",
    "按规定不公示的车辆不列出。",
)


def sheet(
    content: Content,
    revision: str,
    published_at: datetime | None,
    zone: ZoneInfo,
    *,
    for_print: bool,
) -> Table:
    """Return the sheet of one institution.

    Args:
        content: what it says.
        revision: which one, for its head.
        published_at: None: not yet.
        zone: the site's.
        for_print: unknown figures are dashes with numbered footnotes; otherwise they are empty, and
            the notes stand in full in their line.
    """
    marks = _marks(content)
    rows = [_line(one, marks, for_print=for_print) for one in content.vehicles]
    if content.others is not None:
        its: dict[str, Value] = {"plate": OTHERS, **content.others}
        rows.append(_dashed(its) if for_print else its)
    year, month = map(int, content.month.split("-"))
    on = "尚未公示" if published_at is None else f"{published_at.astimezone(zone):%Y-%m-%d}"
    return Table(
        name="公示表",
        title=f"{content.name}公务用车单车核算公示表",
        particulars=(
            f"单位：{content.name}　　月份：{year} 年 {month} 月　　公示日期：{on}　　{revision}"
        ),
        columns=_COLUMNS,
        rows=tuple(rows),
        remarks=(
            *_budget(content),
            _COUNTED,
            _RATIO,
            *_ABOUT,
            *(f"[{number}] {text}" for (_, text), number in marks.items()),
        ),
        sign=("单位负责人：", "车辆管理负责人：", "填表人：", "单位（盖章）："),
        named=_NAMED,
        totals=_dashed(content.totals) if for_print else None,
        a3=True,
    )


def corrections(found: Sequence[Difference], particulars: str) -> Table:
    """Return what differs from what was published, as a sheet."""
    return Table(
        name="更正",
        title="与公示数的差异",
        particulars=particulars,
        columns=(
            Column("whose", "车牌号", width=14),
            Column("item", "项目", width=20),
            Column("was", "公示", Look.QUANTITY, 16),
            Column("now", "现在", Look.QUANTITY, 16),
            Column("change", "差额", Look.QUANTITY, 16),
        ),
        rows=tuple(_difference(one) for one in found),
        remarks=("公示数不改动；公示更正后，两版都保留。",),
        named=_NAMED,
        totals={"item": f"{len(found)} 处不同"},
    )


def several(tables: Sequence[Table]) -> list[Table]:
    """Return sheets of several institutions with names that a workbook takes."""
    if len(tables) == 1:
        return list(tables)
    names = (re.sub(r"[\[\]:*?/\\']", " ", one.title)[:24] for one in tables)
    return [
        replace(one, name=f"{number} {name}")
        for number, (one, name) in enumerate(zip(tables, names, strict=True), 1)
    ]


def _marks(content: Content) -> dict[tuple[str, str], int]:
    """Number the notes, each text of a figure once, in the order of the sheet."""
    found: dict[tuple[str, str], int] = {}
    for one in content.vehicles:
        for note in one.notes:
            found.setdefault((note.figure, _said(note.figure, note.text)), len(found) + 1)
    return found


def _said(figure: str, text: str) -> str:
    title = next(column.title for column in _COLUMNS if column.key == figure)
    return f"{title}：{text}"


def _line(one: Vehicle, marks: Mapping[tuple[str, str], int], *, for_print: bool) -> Row:
    row: dict[str, Value] = {
        "plate": one.plate,
        "group": one.group or None,
        "use": one.use or None,
        "source": one.source or None,
        **one.figures,
    }
    if not for_print:
        texts = (_said(note.figure, note.text) for note in one.notes)
        return {**row, "note": "；".join(texts)}
    beside = []
    for note in one.notes:
        mark = f"[{marks[note.figure, _said(note.figure, note.text)]}]"
        shown = row[note.figure]
        if isinstance(shown, Decimal):
            beside.append(mark)
        else:
            row[note.figure] = f"{shown or UNKNOWN}{mark}"
    return _dashed({**row, "note": "".join(beside)})


def _dashed(row: Row) -> dict[str, Value]:
    return {
        column.key: UNKNOWN if (value := row.get(column.key, "")) is None else value
        for column in _COLUMNS
    }


def _budget(content: Content) -> list[str]:
    if content.budget is None:
        return []
    spent = content.totals["spent"]
    if spent is None:
        return [f"本单位公务用车运行费年度预算 {content.budget:,} 元。"]
    share = f"，占 {spent / content.budget:.1%}" if content.budget else ""
    said = f"本单位公务用车运行费年度预算 {content.budget:,} 元"
    return [f"{said}，表列车辆本年累计 {spent:,} 元{share}。"]


def _difference(one: Difference) -> Row:
    change = None
    if isinstance(one.was, Decimal) and isinstance(one.now, Decimal):
        change = f"{one.now - one.was:+,}" if one.item != "share" else None
    return {
        "whose": one.whose,
        "item": word(one.item) or TITLES[one.item],
        "was": _text(one.item, one.was),
        "now": _text(one.item, one.now),
        "change": change or UNKNOWN,
    }


def _text(item: str, value: Decimal | str | None) -> str:
    if not isinstance(value, Decimal):
        return value or UNKNOWN
    return f"{value:.1%}" if item == "share" else f"{value:,}"
