"""`jieyong permission …`: who may do what only few may."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from jieyong.commands.screen import console
from jieyong.commands.session import By, Config, session
from registry import permissions
from registry.permissions import NAMES, Permission

permission_app = typer.Typer(no_args_is_help=True, help="权限：授予、撤销、列出。")

Who = Annotated[str, typer.Argument(help="何人：与各命令 --by 所写一致。")]
What = Annotated[Permission, typer.Argument(help="权限：track.read 查看行车轨迹。")]


@permission_app.command("grant", help="授予权限；一经授予过，无权限者即不能查看。")
def grant_command(
    principal: Who,
    permission: What,
    source: Annotated[str, typer.Option("--source", help="依据，如批准文号，写进记录。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Grant a permission."""
    with session(config, by) as at:
        permissions.grant(at.conn, at.act, principal, permission, source)
    typer.echo(f"已授予 {principal}：{NAMES[permission]}。")


@permission_app.command("withdraw", help="撤销权限；记录保留。")
def withdraw_command(
    principal: Who, permission: What, by: By = None, config: Config = None
) -> None:
    """Withdraw a permission."""
    with session(config, by) as at:
        permissions.withdraw(at.conn, at.act, principal, permission)
    typer.echo(f"已撤销 {principal}：{NAMES[permission]}。")


@permission_app.command("list", help="列出权限，含已撤销的。")
def list_command(config: Config = None) -> None:
    """List all grants."""
    with session(config) as at:
        found = permissions.grants(at.conn)
    table = Table("编号", "何人", "权限", "依据", "授予人", "授予时间", "撤销人", "撤销时间")
    for one in found:
        ended = one.withdrawn_at
        table.add_row(
            *(str(one.id), one.principal, NAMES[Permission(one.permission)], one.note),
            *(one.entered_by, f"{one.entered_at.astimezone(at.zone):%Y-%m-%d %H:%M}"),
            one.withdrawn_by or "",
            "" if ended is None else f"{ended.astimezone(at.zone):%Y-%m-%d %H:%M}",
        )
    console().print(table)
    if not found:
        typer.echo("尚未授予任何权限：能连接数据库者均可查看轨迹，每次查看记入操作日志。")
