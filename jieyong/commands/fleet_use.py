"""`jieyong fleet use`: how much vehicles are used, and how many would have been enough."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import typer

from fleet.use.load import known
from fleet.use.report import Asked, pools, uses
from fleet.use.sheet import pool_table, use_table
from jieyong.commands import asked
from jieyong.commands.giving import give
from jieyong.commands.session import Config, session
from jieyong.commands.vehicle import Institution, Json
from jieyong.commands.vehicle import known as named
from registry.calendar_store import load_calendar
from registry.day_kind import DayKind
from registry.refusal import refuse

_MOST_DAYS = 366


def use(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    month: Annotated[str | None, typer.Option("--month", help="月份，如 2026-10。")] = None,
    first: Annotated[str | None, typer.Option("--from", help="第一天，如 2026-10-01。")] = None,
    last: Annotated[str | None, typer.Option("--to", help="最后一天（含）。")] = None,
    institution: Institution = None,
    together: Annotated[
        list[str] | None,
        typer.Option("--together", help="合起来看的机构编码，用逗号分开；可写多次。"),
    ] = None,
    as_json: Json = False,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="写入此 .xlsx 文件。")] = None,
    config: Config = None,
) -> None:
    """车辆使用情况：用车天数、闲置、同时外出最多几辆."""
    begin, end = _days(month, first, last)
    groups = [[code.strip() for code in one.split(",")] for one in together or ()]
    if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
        refuse(str(xlsx), "文件名应以 .xlsx 结尾")
    with session(config) as at:
        only = None if institution is None else [*institution, *(c for g in groups for c in g)]
        if end >= at.today:
            refuse("--to", f"{end} 尚未过完；请写到昨天为止")
        which = named(at, institution)
        named(at, [code for group in groups for code in group])
        calendar, rule = load_calendar(at.conn), at.settings.sheets
        when = Asked(
            *(begin, end, at.zone),
            pause=rule.pause_minutes,
            idle_days=rule.idle_days,
            workday=lambda day: calendar.kind(day) is DayKind.WORKDAY,
        )
        found = known(at.conn, begin, end, at.zone, only)
    said = f"单位：{which}　　时段：{begin} 至 {end}"
    tables = [
        use_table(uses(found, when), said, rule.idle_days, rule.pause_minutes),
        pool_table(pools(found, when, groups), said, when.zone),
    ]
    give(tables, xlsx, as_json=as_json)


def _days(month: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    if (month is None) == (first is None) or (first is None) != (last is None):
        refuse("--month", "请写 --month 2026-10，或 --from 和 --to")
    if month is not None:
        begin = asked.month(month, "--month")
        return begin, (begin + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    begin, end = asked.day(first or "", "--from"), asked.day(last or "", "--to")
    if end < begin:
        refuse("--to", f"最后一天 {end} 早于第一天 {begin}；请改正")
    if (end - begin).days >= _MOST_DAYS:
        refuse("--to", f"一次最多 {_MOST_DAYS} 天；请分段")
    return begin, end
