"""`jieyong factor indicators`: what consumption comes to, per head and per m²."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands.factor_files import files
from jieyong.commands.session import Config, session
from metering.derive.times import next_month
from metering.factors.rounding import rounded
from metering.plan.institution_indicators import Rules, indicators_of
from registry.refusal import RefusedError
from registry.years import refuse_wrong_year


def indicators(
    institution: Annotated[str, typer.Argument(help="机构编码。")],
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m"], help="第一个月，如 2026-01。")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m"], help="最后一个月（含）。")],
    config: Config = None,
) -> None:
    """Show the indicators of an institution over some months."""
    begin, end = month_of(first), next_month(month_of(last))
    if end <= begin:
        raise RefusedError(f"最后一个月 {last:%Y-%m} 早于第一个月 {first:%Y-%m}：请改正")
    with session(config) as at:
        own = at.settings.factors
        rules = Rules(files(at.settings)[0], own.jurisdiction, own.vehicle_fuel_in_area)
        zone = ZoneInfo(at.settings.time_zone)
        found = indicators_of(at.conn, institution, (begin, end), zone, rules)
    table = Table("指标", "数值", "单位", "系数", "未知的原因")
    for one in found:
        value = "未知" if one.figure.value is None else f"{rounded(one.figure.value, 2):,}"
        table.add_row(one.name, value, one.unit, "、".join(one.set_names), one.figure.why)
    Console().print(table)


def month_of(moment: datetime) -> date:
    """Return the month that a command was asked for.

    Raises:
        RefusedError: it is no month of our time.
    """
    refuse_wrong_year(moment)
    return moment.date()
