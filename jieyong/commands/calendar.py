"""`jieyong calendar`: holidays and make-up days that no package knows yet. For officers."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Annotated, Final

import typer

from jieyong.commands import asked
from jieyong.commands.session import By, Config, session
from registry.calendar_store import enter_days
from registry.day_kind import DayKind
from registry.refusal import refuse

_DAY_KINDS: Final = {
    "工作日": DayKind.WORKDAY,
    "周末": DayKind.WEEKEND,
    "节假日": DayKind.HOLIDAY,
}


def calendar_command(
    file: Path,
    source: Annotated[str, typer.Option(help="依据：节假日安排的通知名称和文号。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Enter the days that differ from their weekday, from a CSV of date and kind."""
    days = _read_days(file)
    with session(config, by) as at:
        changed = enter_days(at.conn, at.act, days, source)
    typer.echo(f"读入 {len(days)} 天，其中 {changed} 天为新增或变更。")


def _read_days(file: Path) -> dict[date, DayKind]:
    """Days and their kinds of a CSV file without headings: ``2026-10-10,工作日``.

    Raises:
        registry.refusal.RefusedError: a line is wrong; the first is named.
    """
    days: dict[date, DayKind] = {}
    for number, row in enumerate(csv.reader(_text(file).splitlines()), start=1):
        where = f"{file.name} 第 {number} 行"
        if len(row) != 2 or row[1].strip() not in _DAY_KINDS:
            refuse(where, f"应为“日期,{'|'.join(_DAY_KINDS)}”，如 2026-10-10,工作日")
        day = asked.day(row[0].strip().replace("/", "-"), where)
        if day in days:
            refuse(where, f"{day} 出现两次，请删去一行")
        days[day] = _DAY_KINDS[row[1].strip()]
    return days


def _text(file: Path) -> str:
    """Return what a file says; Excel on a Chinese Windows writes CSV in GBK, others in UTF-8."""
    content = file.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return refuse(file.name, "不是文本文件；请另存为 CSV（UTF-8），每行一个日期")
