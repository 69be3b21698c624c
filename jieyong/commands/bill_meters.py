"""`jieyong bill meters|bind|release`: which meters count an account, and from when until when."""

from __future__ import annotations

from typing import Annotated

import typer

from jieyong.commands.asked import day
from jieyong.commands.session import By, Config, session
from metering.bills import accounts
from metering.bills.account import find_account

Account = Annotated[str, typer.Argument(help="户号或其编码。")]
Meter = Annotated[str, typer.Argument(help="计量表编码。")]


def meters(account: Account, config: Config = None) -> None:
    """列出户号的计量表和起止日期 (which meters count an account, and when)."""
    with session(config) as at:
        code = find_account(at.conn, account).code
        found = accounts.bound_meters(at.conn, code)
    if not found:
        typer.echo(f"户号 {code} 没有计量表；绑定：jieyong bill bind {code} 表编码 --since 日期")
    for one in found:
        since = "最初" if one.since is None else f"{one.since}"
        until = "今后" if one.until is None else f"{one.until}（不含）"
        typer.echo(f"{one.meter}　{since} 至 {until}")


def bind(
    account: Account,
    meter: Meter,
    since: Annotated[str, typer.Option("--since", help="起始日期，如 2026-03-01。")],
    config: Config = None,
    by: By = None,
) -> None:
    """把计量表自某日起绑定到户号 (let a meter count an account from a day on)."""
    first = day(since, "--since")
    with session(config, by) as at:
        code = find_account(at.conn, account).code
        accounts.bind_meter(at.conn, at.act, code, meter, first)
    typer.echo(f"计量表 {meter} 自 {first} 起属于户号 {code}。")
    typer.echo(f"撤销：jieyong bill release {code} {meter} --until {first}")


def release(
    account: Account,
    meter: Meter,
    until: Annotated[
        str, typer.Option("--until", help="截止日期（不含）：自这天起不再属于，如 2026-03-01。")
    ],
    config: Config = None,
    by: By = None,
) -> None:
    """计量表自某日起不再属于户号；写绑定之日即整段撤销 (let it count no longer)."""
    end = day(until, "--until")
    with session(config, by) as at:
        code = find_account(at.conn, account).code
        accounts.release_meter(at.conn, at.act, code, meter, end)
    typer.echo(f"计量表 {meter} 自 {end} 起不再属于户号 {code}。此前的记录仍可查。")
