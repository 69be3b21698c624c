"""`jieyong fleet use`: how much vehicles are used, and how many would have been enough."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet.use.load import known
from fleet.use.report import Asked, pools, uses
from fleet.use.sheet import pool_table, use_table
from jieyong.commands.giving import give
from jieyong.commands.options import (
    AsJson,
    File,
    First,
    Institutions,
    Last,
    Month,
    institutions_named,
    window,
)
from jieyong.commands.session import Config, session
from registry.calendar_store import load_calendar
from registry.day_kind import DayKind
from registry.refusal import refuse

_MOST_DAYS = 366


def use(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: File = None,
    month: Month = None,
    first: First = None,
    last: Last = None,
    institution: Institutions = None,
    together: Annotated[
        list[str] | None,
        typer.Option("--together", help="合起来看的机构编码，用逗号分开；可写多次。"),
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """车辆使用情况：用车天数、闲置、同时外出最多几辆."""
    begin, end = window(month, first, last, most=_MOST_DAYS)
    groups = [[code.strip() for code in one.split(",")] for one in together or ()]
    with session(config) as at:
        only = None if institution is None else [*institution, *(c for g in groups for c in g)]
        if end >= at.today:
            refuse("--to", f"{end} 尚未过完；请写到昨天为止")
        which = institutions_named(at.conn, institution)
        institutions_named(at.conn, [code for group in groups for code in group])
        calendar, rule = load_calendar(at.conn), at.settings.sheets
        when = Asked(
            *(begin, end, at.zone),
            pause=rule.pause_minutes,
            idle_days=rule.idle_days,
            workday=lambda day: calendar.kind(day) is DayKind.WORKDAY,
        )
        found = known(at.conn, begin, end, at.zone, only, at.today)
    said = f"单位：{which}　　时段：{begin} 至 {end}"
    tables = [
        use_table(uses(found, when), said, rule.idle_days, rule.pause_minutes),
        pool_table(pools(found, when, groups), said, when.zone),
    ]
    give(tables, file, as_json=as_json)
