"""`jieyong factor cost`: a meter's month as a bill."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands.factor_files import pricing
from jieyong.commands.indicator import month_of
from jieyong.commands.options import AsJson
from jieyong.commands.session import Config, session
from metering.derive.times import next_month
from metering.factors.bill import BASIC, ENERGY, Bill, bill, to_json
from metering.factors.meter_cost import meter_cost, unit_of
from registry.calendar_store import load_calendar


def cost(
    meter: Annotated[str, typer.Argument(help="计量表编码。")],
    month: Annotated[datetime, typer.Option(formats=["%Y-%m"], help="月份，如 2026-07。")],
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Price a meter's month by the tariffs assigned."""
    begin = month_of(month)
    end = next_month(begin)
    with session(config) as at:
        asked = pricing(at, load_calendar(at.conn))
        found = bill(meter_cost(at.conn, meter, begin, end, asked), unit_of(at.conn, meter))
    if as_json:
        typer.echo(to_json(meter, begin, end, found))
        return
    _show(found)


def _show(one: Bill) -> None:
    table = Table("项目", "时间", "电价", "时段或档", "用量", "单位", "单价（元）", "金额（元）")
    for line in one.lines:
        quantity = "未知" if line.quantity is None else f"{line.quantity:,.2f}"
        price = "未知" if line.price is None else f"{line.price.normalize():f}"
        cells = (line.item, line.time, line.tariff, line.label)
        table.add_row(*cells, quantity, line.unit, price, _yuan(line.yuan))
    Console().print(table)
    if one.item == ENERGY:
        typer.echo(f"电度电费 {_yuan(one.energy)} 元，基本电费{_basic(one)}。")
    known = "（只计已知用量）" if one.yuan is not None and one.missing_quarters else ""
    typer.echo(f"合计 {_yuan(one.yuan)} 元{known}。{one.why}")
    if one.yuan is None and one.known:
        typer.echo(f"其中已知部分 {_yuan(one.known)} 元。")
    if one.missing_quarters:
        typer.echo(f"{one.missing_quarters} 个刻钟没有用量数据，未计入。")
    for note in one.notes:
        typer.echo(f"注：{note}。")


def _basic(one: Bill) -> str:
    if not one.of(BASIC):
        return "没有（电价文件没有基本电价，电表也没有登记计费方式）"
    return f" {_yuan(one.basic)} 元"


def _yuan(fen: Decimal | None) -> str:
    return "未知" if fen is None else f"{fen:,}"
