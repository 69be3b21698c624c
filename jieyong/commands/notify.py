"""`jieyong notify`: notes that leave the house."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jieyong import logs
from jieyong.commands import notify_tables
from jieyong.commands.options import AsJson
from jieyong.commands.screen import console, plain
from jieyong.commands.session import Config, session
from jieyong.settings_file import load_settings
from jieyong.workers.crew import run_crew
from jieyong.workers.notify import CREW
from jieyong.workers.processes import until_signal
from notify import listing, outbox
from notify.model import Channel, Note, Route, Severity
from notify.reading import read_routes
from notify.send.deliver import deliver
from notify.send.outcome import NotSentError
from notify.settings import NotifySettings
from registry.refusal import refuse

notify_app = typer.Typer(
    no_args_is_help=True, help="通知：发送、试发、列出、重发；对象与渠道见 docs/notify.md。"
)


@notify_app.command(help="持续发送通知，直到 Ctrl-C。")
def work(config: Config = None) -> None:
    """Send what is due until Ctrl-C or TERM."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    read_routes(settings.notify.routes)  # a mistake is told once, not by every worker
    run_crew(CREW, settings, until_signal())


@notify_app.command("test", help="立即向一条路线的各渠道试发一条通知，并说明结果。")
def try_command(
    route: Annotated[str, typer.Option("--route", help="通知路线的编码。")],
    config: Config = None,
) -> None:
    """Send a test note by every channel of a route, past the outbox and quiet hours."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    routes = read_routes(settings.notify.routes)
    if route not in routes.routes:
        refuse("--route", f"路线“{route}”不存在；现有：{'、'.join(routes.routes) or '无'}")
    now = datetime.now(ZoneInfo(settings.time_zone))
    chosen = routes.routes[route]
    results = [
        _tried(routes.channels[code], chosen, settings.notify, now) for code in chosen.channels
    ]
    raise typer.Exit(0 if all(results) else 1)


@notify_app.command("list", help="待发、已搁置的通知及原因；--all 也列出已发送的。")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="也列出已发送的。")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="最多列出多少条。")] = 50,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List what is in the outbox."""
    with session(config) as at:
        rows = listing.listed(at.conn, most, sent=everything)
    if as_json:
        typer.echo(notify_tables.as_json(rows, at.zone))
        return
    console().print(notify_tables.table(rows, at.zone))
    typer.echo(notify_tables.total(rows))


@notify_app.command(help="重发已搁置的通知：一条或全部；编号不变，对方可据以识别重复。")
def retry(
    key: Annotated[str | None, typer.Argument(help="通知编号；不写为全部已搁置的。")] = None,
    config: Config = None,
) -> None:
    """Make messages due again that were set aside."""
    with session(config) as at:
        count = outbox.try_again(at.conn, key, at.act.at)
    if key is not None and count == 0:
        refuse("编号", f"“{key}”不在已搁置的通知中；jieyong notify list 列出编号")
    typer.echo(f"已将 {count} 条通知列入重发，由 jieyong notify work 发送。")


def _tried(channel: Channel, route: Route, settings: NotifySettings, now: datetime) -> bool:
    note = Note(
        key=f"test-{now:%Y%m%dT%H%M%S}-{now.microsecond:06d}",
        route=route.code,
        severity=Severity.NOTICE,
        subject="test",
        title="节用：试发通知",
        body=f"路线 {route.code}，渠道 {channel.code}。收到即表示渠道可用，无需处理。",
        happened_at=now,
    )
    name = plain(channel.code)
    try:
        said = deliver(channel, [note], settings.routes.parent, now, settings.timeout_s)
    except NotSentError as error:
        console().print(f"{name}：失败，{plain(str(error))}")
        return False
    console().print(f"{name}：已送达（{plain(said)}）")
    return True
