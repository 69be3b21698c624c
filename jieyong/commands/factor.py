"""`jieyong factor`: factors, tariffs, and what institutions are divided by; for officers."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from jieyong.commands.factor_basic import basic, basics, demand
from jieyong.commands.factor_cost import cost
from jieyong.commands.factor_files import decimal, files
from jieyong.commands.factor_power import power
from jieyong.commands.indicator import indicators
from jieyong.commands.session import By, Config, session
from jieyong.settings_file import load_settings
from metering.factors import base_prices, institution_facts
from metering.factors.assignments import (
    Assignment,
    OfInstitution,
    OfMeter,
    assign,
    withdraw_assignment,
)
from metering.factors.basic_basis import withdraw_basis
from metering.factors.entered_demand import withdraw_demand
from metering.factors.institution_facts import Fact
from metering.factors.kinds import load_fact_kinds
from metering.factors.sets import Factor, Measure
from metering.factors.tariff import in_force
from registry.refusal import RefusedError

factor_app = typer.Typer(
    no_args_is_help=True, help="折标系数、排放因子、电价方案，以及机构的面积、人数等信息。"
)

factor_app.command(help="按电价方案计算一块计量表一个月的电费：各时段、各档、基本电费、未知部分。")(
    cost
)
factor_app.command(help="登记电表基本电费的计费方式：变压器容量、合同最大需量或实际最大需量。")(
    basic
)
factor_app.command(help="列出一块电表登记的基本电费计费方式，连同编号。")(basics)
factor_app.command(help="录入电费账单上一个月的最大需量（kW）；优先于由功率计量得出的。")(demand)
factor_app.command(help="按账单上的有功、无功电量核算功率因数调整电费。")(power)
factor_app.command(help="一个机构若干月的综合能耗、碳排放，及人均、单位面积指标。")(indicators)

Since = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="起始日期，如 2026-01-01。")]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="截止日期（不含当日）；缺省长期有效。"),
]
Source = Annotated[str, typer.Option(help="依据，例如不动产权证号、公告名称。")]
Number = Annotated[str, typer.Argument(help="数值，不带单位。")]


_KINDS = "fact 机构信息；tariff 电价指定；price 基准电价；basic 基本电费计费方式；demand 最大需量。"


class Entry(StrEnum):
    """What can be withdrawn."""

    FACT = "fact"
    TARIFF = "tariff"
    PRICE = "price"
    BASIC = "basic"
    DEMAND = "demand"


@factor_app.command(help="检查全部系数、因子和电价文件；错误逐行指出。")
def check(config: Config = None) -> None:
    """Check every file, those of one's own included."""
    library, tariffs = files(load_settings(config))
    typer.echo(f"没有错误：{len(library.sets)} 套系数与因子，{len(tariffs)} 个电价方案。")


@factor_app.command("list", help="列出某日适用的系数与因子，连同来源和可信程度。")
def list_command(
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="哪一天；缺省为今日。")
    ] = None,
    config: Config = None,
) -> None:
    """List the factors in force on a day."""
    settings = load_settings(config)
    library, _ = files(settings)
    on = day.date() if day else datetime.now(ZoneInfo(settings.time_zone)).date()
    table = Table("能源", "单位", "折标准煤 kgce", "出处", "二氧化碳 kg", "出处")
    for kind in library.kinds.values():
        cells = (
            cell
            for measure in Measure
            for cell in _cells(
                library.factor(measure, kind.code, on, settings.factors.jurisdiction)
            )
        )
        table.add_row(kind.name, kind.unit, *cells)
    Console().print(table)


@factor_app.command(help="列出电价方案。")
def tariffs(config: Config = None) -> None:
    """List the tariffs."""
    table = Table("编码", "名称", "能源", "自", "来源")
    for one in files(load_settings(config))[1]:
        source = f"{one.provenance.source}（{one.provenance.confidence}）"
        table.add_row(one.code, one.name, one.energy, str(one.since), source)
    Console().print(table)


@factor_app.command(help="查看机构的面积、人数等信息，连同编号。")
def show(
    institution: Annotated[str, typer.Argument(help="机构编码。")], config: Config = None
) -> None:
    """Show the facts of an institution."""
    kinds = load_fact_kinds()
    table = Table("编号", "信息", "数值", "单位", "自", "至（不含）", "依据", "录入人")
    with session(config) as at:
        for one in institution_facts.entered(at.conn, institution):
            kind, fact = kinds[one.fact.code], one.fact
            value = f"{fact.value.normalize():f}"
            until = "" if fact.end is None else str(fact.end)
            table.add_row(
                *(str(one.id), kind.name, value, kind.unit, str(fact.begin), until),
                *(fact.source, one.by),
            )
    Console().print(table)


@factor_app.command(help="录入机构信息（floor-area 面积、energy-users 用能人数等）。")
def enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: Annotated[str, typer.Argument(help="机构编码。")],
    code: Annotated[str, typer.Argument(help="信息名，如 floor-area。")],
    value: Number,
    since: Since,
    source: Source,
    until: Until = None,
    change: Annotated[
        bool, typer.Option("--change", help="自起始日期起变更；此前的记录保留到前一日。")
    ] = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a fact, or change it from a day on."""
    fact = Fact(institution, code, decimal(value), since.date(), _date(until), source)
    write = institution_facts.change if change else institution_facts.enter
    with session(config, by) as at:
        number = write(at.conn, at.act, fact, load_fact_kinds())
    typer.echo(f"已录入 #{number}。")


@factor_app.command("assign", help="指定计量表，或机构某种能源，使用的电价方案。")
def assign_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    tariff: Annotated[str, typer.Argument(help="方案编码，见 jieyong factor tariffs。")],
    since: Since,
    meter: Annotated[str | None, typer.Option(help="计量表编码。")] = None,
    institution: Annotated[str | None, typer.Option(help="机构编码，连同 --energy。")] = None,
    energy: Annotated[str, typer.Option(help="能源，如 electricity。")] = "electricity",
    until: Until = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Assign a tariff."""
    if (meter is None) == (institution is None):
        raise RefusedError("请写 --meter 或 --institution，二者之一")
    subject = OfMeter(meter) if meter else OfInstitution(institution or "", energy)
    wanted = Assignment(tariff, since.date(), _date(until))
    with session(config, by) as at:
        known = files(at.settings)[1]
        number = assign(at.conn, at.act, subject, wanted, known)
    typer.echo(f"已指定 #{number}。")


@factor_app.command(help="录入按月公布的基准电价（平段，元每单位），自该月起执行。")
def price(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    tariff: Annotated[str, typer.Argument(help="方案编码。")],
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="月份，如 2026-07。")],
    yuan: Number,
    source: Source,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a base price."""
    with session(config, by) as at:
        try:
            one = in_force(files(at.settings)[1], tariff, month.date())
        except LookupError as error:
            raise RefusedError(f"{month:%Y-%m} 没有编码为 {tariff} 的电价方案：请核对") from error
        entry = base_prices.BasePrice(month.date(), decimal(yuan), source)
        number = base_prices.enter(at.conn, at.act, one, entry)
    typer.echo(f"已录入 #{number}。")


@factor_app.command(help="撤回一条记录；记录仍可查，不再计入。")
def withdraw(
    kind: Annotated[Entry, typer.Argument(help=_KINDS)],
    number: Annotated[int, typer.Argument(help="编号。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw an entry."""
    undo = {
        Entry.FACT: institution_facts.withdraw_fact,
        Entry.TARIFF: withdraw_assignment,
        Entry.PRICE: base_prices.withdraw_price,
        Entry.BASIC: withdraw_basis,
        Entry.DEMAND: withdraw_demand,
    }
    with session(config, by) as at:
        undo[kind](at.conn, at.act, number)
    typer.echo(f"已撤回 {kind.value} #{number}。")


def _cells(factor: Factor | None) -> tuple[str, str]:
    if factor is None:
        return "", ""
    sure = {"high": "高", "medium": "中", "low": "低"}[factor.provenance.confidence]
    return f"{factor.per_unit.normalize():f}", f"{factor.set_name}（可信：{sure}）"


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
