"""`jieyong factor basic|basics|demand`: what the basic charge of a meter is taken on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands.factor_files import decimal
from jieyong.commands.indicator import month_of
from jieyong.commands.session import By, Config, session
from metering.factors import basic_basis, entered_demand
from metering.factors.basic import Basis
from metering.factors.basic_basis import BasisFact
from metering.factors.entered_demand import EnteredDemand

Meter = Annotated[str, typer.Argument(help="计量表编码。")]


def basic(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    meter: Meter,
    basis: Annotated[
        Basis,
        typer.Argument(
            help="capacity 变压器容量（kVA）；contract 合同最大需量（kW）；measured 实际最大需量。"
        ),
    ],
    since: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="起始日期。")],
    source: Annotated[str, typer.Option(help="依据，例如供用电合同、变更申请。")],
    size: Annotated[str | None, typer.Option(help="kVA 或 kW；按实际最大需量时不填。")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="截止日期（不含当日）；缺省长期有效。"),
    ] = None,
    change: Annotated[
        bool, typer.Option("--change", help="自起始日期起变更；此前的记录保留到前一日。")
    ] = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter what the basic charge is taken on, or change it from a day on."""
    kilo = None if size is None else decimal(size)
    end = None if until is None else until.date()
    fact = BasisFact(meter, basis, kilo, since.date(), end, source)
    write = basic_basis.change if change else basic_basis.enter
    with session(config, by) as at:
        number = write(at.conn, at.act, fact)
    typer.echo(f"已登记 #{number}。")


def demand(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    meter: Meter,
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="月份，如 2026-07。")],
    kilowatts: Annotated[str, typer.Argument(help="抄见最大需量，kW，已乘倍率。")],
    source: Annotated[str, typer.Option(help="依据，例如 7月电费账单。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Enter the greatest demand of a month as the bill has it."""
    with session(config, by) as at:
        one = EnteredDemand(meter, month_of(month), decimal(kilowatts), source)
        number = entered_demand.enter(at.conn, at.act, one)
    typer.echo(f"已录入 #{number}。")


def basics(meter: Meter, config: Config = None) -> None:
    """List what counts of a meter."""
    table = Table("编号", "计费方式", "数值", "自", "至（不含）", "依据", "录入人")
    with session(config) as at:
        for one in basic_basis.read(at.conn, meter, None, None):
            fact = one.fact
            size = "" if fact.size is None else f"{fact.size.normalize():f} {fact.basis.unit}"
            until = "" if fact.end is None else str(fact.end)
            name, since = fact.basis.chinese, str(fact.begin)
            table.add_row(str(one.id), name, size, since, until, fact.source, one.by)
    Console().print(table)
