"""`jieyong factor cost|indicators`: what consumption comes to, in yuan and per head."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands.factor_files import files
from jieyong.commands.session import Config, session
from metering.bills.share import next_month
from metering.factors.meter_cost import Pricing, meter_cost
from metering.factors.rounding import of_micro, rounded
from metering.plan.calendar_store import load_calendar
from metering.plan.institution_indicators import Rules, indicators_of
from registry.refusal import RefusedError

_YEARS = range(1990, 2101)


def cost(
    meter: Annotated[str, typer.Argument(help="计量表编码。")],
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="月份，如 2026-07。")],
    config: Config = None,
) -> None:
    """Price a meter's month by the tariffs assigned."""
    begin = _month(month)
    with session(config) as at:
        zone = ZoneInfo(at.settings.time_zone)
        calendar = load_calendar(at.conn).kind
        pricing = Pricing(files(at.settings)[1], calendar, zone)
        found = meter_cost(at.conn, meter, begin, next_month(begin), pricing)
    table = Table("电价", "时段或档", "用量", "单价（元）", "金额（元）")
    for tariff, part in ((one.tariff, part) for one in found.costs for part in one.parts):
        quantity, price = f"{of_micro(part.micro):,.2f}", _shown(part.price)
        table.add_row(tariff, part.label, quantity, price, _yuan(part.yuan))
    Console().print(table)
    typer.echo(f"合计 {_yuan(found.yuan)} 元，不含基本电费。{found.why}")
    if found.missing_quarters:
        typer.echo(f"{found.missing_quarters} 个刻钟没有用量数据，未计入。")


def indicators(
    institution: Annotated[str, typer.Argument(help="机构编码。")],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="起始月份，如 2026-01。")],
    until: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="最后一个月份，含当月。")],
    config: Config = None,
) -> None:
    """Show the indicators of an institution over some months."""
    begin, end = _month(since), next_month(_month(until))
    if end <= begin:
        raise RefusedError(f"最后月份 {until:%Y-%m} 早于起始月份 {since:%Y-%m}：请改正")
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


def _month(moment: datetime) -> date:
    if moment.year not in _YEARS:
        raise RefusedError(f"月份 {moment:%Y-%m} 不在 {_YEARS[0]} 年至 {_YEARS[-1]} 年之间，请核对")
    return moment.date()


def _yuan(exact: Decimal | None) -> str:
    return "未知" if exact is None else f"{rounded(exact, 2):,}"


def _shown(price: Decimal | None) -> str:
    return "未知" if price is None else f"{price.normalize():f}"
