"""`jieyong total mains`: main meters against their sub-meters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from jieyong.commands import asked
from jieyong.commands.options import AsJson, OneMonth
from jieyong.commands.session import Config, Session, session
from jieyong.commands.total_screen import show
from metering.derive.times import next_month
from metering.tree.mains import balances, mains
from metering.tree.mains_report import (
    Main,
    MainsReport,
    aside_lines,
    finding_lines,
    mains_table,
    mains_to_json,
    shared_lines,
)
from metering.tree.periods import Grain, Period, periods
from metering.tree.remainder import judge
from registry.refusal import refuse


def mains_command(
    month: OneMonth,
    grain: Annotated[
        Grain, typer.Option("--grain", help="month 按月，day 按日，hour 按小时。")
    ] = Grain.MONTH,
    meter: Annotated[str | None, typer.Option("--meter", help="只看一块总表：计量表编码。")] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List what main meters measured beyond their sub-meters."""
    first = asked.month(month, "月份")
    with session(config) as at, at.conn.transaction():
        at.conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        spans = periods(grain, first, next_month(first), at.zone)
        found = tuple(_mains(at, grain, spans, meter))
    report = MainsReport(first, grain, at.zone, found)
    if as_json:
        typer.echo(mains_to_json(report))
    elif not found:
        typer.echo(f"{first:%Y-%m} 没有挂着分表的总表。")
    else:
        _print(report)


def _mains(at: Session, grain: Grain, spans: Sequence[Period], meter: str | None) -> list[Main]:
    ids = mains(at.conn, spans[0].begin, spans[-1].end)
    known = at.conn.execute("SELECT id, code, unit FROM meter WHERE id = ANY(%s)", [ids])
    units = {id_: unit for id_, code, unit in known if meter in {None, code}}
    if meter is not None and not units:
        refuse("--meter", f"{meter} 在这个月不是总表：没有表挂在它之下；请更正编码")
    tolerance = at.settings.mains.tolerance()
    return [
        Main(balance, units[id_], judge(balance, tolerance))
        for id_, balance in balances(at.conn, sorted(units), grain, spans)
    ]


def _print(report: MainsReport) -> None:
    show(f"{report.month:%Y-%m} 总分表差额", mains_table(report))
    for line in (*aside_lines(report), *shared_lines(report), *finding_lines(report)):
        typer.echo(line)
    if not any(one.finding for one in report.mains):
        typer.echo(f"没有差额为负、超出允许误差的总表{_unjudged(report)}。")


def _unjudged(report: MainsReport) -> str:
    """Say how many rows nothing can be said of; empty: none."""
    unknown = sum(one.balance.remainder is None for one in report.mains)
    return f"；其中 {unknown} 行有表未知，差额无法判断，请补录读数" if unknown else ""
