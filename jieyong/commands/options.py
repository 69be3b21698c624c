"""Options that many commands have: one name, one meaning. docs/commands.md lists all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from jieyong.commands import asked
from registry.refusal import refuse
from storage.times import midnight

AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON，供程序使用。")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="只预览，不录入。")]
File = Annotated[Path | None, typer.Argument(help="写入此文件：.xlsx、.csv 或 .json；不写则显示。")]

Month = Annotated[str | None, typer.Option("--month", help="月份，如 2026-10。")]
OneMonth = Annotated[str, typer.Option("--month", help="月份，如 2026-10。")]
Year = Annotated[int | None, typer.Option("--year", callback=asked.year, help="年份。")]
ThisYear = Annotated[int, typer.Option("--year", callback=asked.year, help="年份。")]
First = Annotated[str | None, typer.Option("--from", help="第一天，如 2026-10-01。")]
Last = Annotated[str | None, typer.Option("--to", help="最后一天（含）。")]

Vehicle = Annotated[str | None, typer.Option("--vehicle", help="一辆车：编码或车牌。")]
ThisVehicle = Annotated[str, typer.Argument(help="车辆编码或车牌，见设备清单。")]
Institutions = Annotated[
    list[str] | None, typer.Option("--institution", help="机构编码，可写多次；不写为全部。")
]
Why = Annotated[str, typer.Option("--reason", help="原因，写入操作日志。")]


def window(
    month: str | None, first: str | None, last: str | None, *, most: int | None = None
) -> tuple[date, date]:
    """Return the days that ``--month``, or ``--from`` and ``--to`` mean; both included.

    Args:
        month: of the options; None: not given.
        first: likewise.
        last: likewise; without it the first day alone.
        most: so many days at the most.

    Raises:
        RefusedError: both ways are used or neither, or the days are none.
    """
    if (month is None) == (first is None) or (last is not None and first is None):
        refuse("--month", "请写 --month 2026-10，或 --from 2026-10-01 --to 2026-10-08")
    if month is not None:
        begin = asked.month(month, "--month")
        return begin, (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    begin = asked.day(first or "", "--from")
    end = begin if last is None else asked.day(last, "--to")
    if most is not None and (end - begin).days >= most:
        refuse("--to", f"一次最多 {most} 天；请分段")
    return in_order(begin, end)


def until_last(last: str | None, first: str | None, today: date, days: int) -> tuple[date, date]:
    """Return the days that ``--to`` and ``--from`` mean: the last ones where they are left out.

    Args:
        last: of the options; None: today.
        first: likewise; None: so many days.
        today: at the site.
        days: with the last one.

    Raises:
        RefusedError: they are no days, or in the wrong order.
    """
    end = today if last is None else asked.day(last, "--to")
    begin = end - timedelta(days=days - 1) if first is None else asked.day(first, "--from")
    return in_order(begin, end)


def in_order(begin: date, end: date) -> tuple[date, date]:
    """Return two days.

    Raises:
        RefusedError: the last lies before the first.
    """
    if end < begin:
        refuse("--to", f"最后一天 {end} 早于第一天 {begin}；请改正")
    return begin, end


def moments(begin: date, end: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when the first of some days begins, and when the last one is over."""
    return midnight(begin, zone), midnight(end + timedelta(days=1), zone)


def institutions_named(conn: psycopg.Connection[Any], codes: Sequence[str] | None) -> str:
    """Name the institutions that ``--institution`` means; None: all of them.

    Raises:
        RefusedError: one does not exist.
    """
    names = dict(conn.execute("SELECT code, name FROM institution").fetchall())
    unknown = sorted(set(codes or ()) - set(names))
    if unknown:
        refuse("--institution", f"机构 {'、'.join(unknown)} 不存在，请核对编码")
    return "、".join(names[code] for code in codes) if codes else "全部机构"
