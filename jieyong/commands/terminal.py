"""`jieyong terminal …`: terminals that wait: who they are, let them in, turn them away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Annotated, Final

import typer
from rich.table import Table

from collector.jt808.messages import MessageError, parse_registration
from collector.jt808.rows import SOURCE as JT808
from collector.replay import Jt808Replayer, MqttReplayer, Replayer
from jieyong.commands.options import Why
from jieyong.commands.screen import console, plain
from jieyong.commands.session import By, Config, Session, session
from jieyong.database import database_url
from metering.facts import written
from registry.importing import lock
from registry.refusal import refuse
from registry.terminal_decisions import Approval, Decision, approve, decisions, turn_away
from registry.vehicles import find_vehicle
from storage.errors import RowsRefused
from storage.records import Batch, split
from storage.waiting import Kept, Waiting, kept, mark_replayed, replaying, waiting
from storage.writer import BulkWriter

_MOST: Final = 500
"""Messages that are brought in together."""
_NEW_BODY: Final = 76
"""A registration of 2019 is so long at least; of 2013 shorter."""

terminal_app = typer.Typer(no_args_is_help=True, help="待接入的车载终端：列出、批准、拒绝、补录。")

Code = Annotated[str, typer.Argument(help="终端编号，见 jieyong terminal list。")]


@terminal_app.command("list", help="列出等待接入的终端，及其自报的信息。")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="也列出已批准、已拒绝的终端。")] = False,
    config: Config = None,
) -> None:
    """List who waits."""
    with session(config) as at:
        found = waiting(at.conn)
        decided = decisions(at.conn)
    table = Table(
        "终端", "来源", "首次", "最近", "条数", "未补录", "自报车牌", "厂商", "型号", "处理"
    )
    rows = 0
    for one in found:
        code = code_of(at, one)
        decision = decided.get(code)
        if code and (everything or decision is None):
            rows += 1
            table.add_row(plain(code), one.source, *_seen(at, one), *_told(one), _said(decision))
    console().print(table)
    if not rows:
        typer.echo("没有等待接入的终端。")


@terminal_app.command("approve", help="批准接入并绑定车辆，随即补录它等待期间发来的定位。")
def approve_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: Code,
    vehicle: Annotated[str, typer.Option("--vehicle", help="车辆编码或车牌。")],
    since: Annotated[
        str, typer.Option("--since", help="起始时间，自何时绑定，如 2026-11-01 或含时刻。")
    ],
    source: Annotated[str, typer.Option("--source", help="依据，写进记录。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Let a terminal in."""
    with session(config, by) as at:
        found = find_vehicle(at.conn, vehicle, "--vehicle")
        begin = written.moment(since, at.zone, "--since")
        waits = _on_the_wire(at, code)
        if waits is None:
            refuse(code, "没有这样的终端在等待；请核对编号，见 jieyong terminal list")
        with replaying(at.conn):
            with at.conn.transaction():
                lock(at.conn)
                approval = Approval(waits, found.id, found.code, begin, source)
                terminal_id = approve(at.conn, at.act, approval)
            messages = replay(at, waits, terminal_id)
    typer.echo(
        f"已批准终端 {code}，自 {begin:%Y-%m-%d %H:%M} 绑定 {found.plate}；{_brought(messages)}"
    )
    typer.echo("采集程序几秒内生效；其间到达的，稍后用 jieyong terminal replay 补录。")
    typer.echo("请同时写入设备清单，否则下次导入清单会被拒绝。")


@terminal_app.command("refuse", help="拒绝接入；已批准的自现在起解除绑定。")
def refuse_command(
    code: Code,
    reason: Why,
    by: By = None,
    config: Config = None,
) -> None:
    """Turn a terminal away."""
    with session(config, by) as at, at.conn.transaction():
        lock(at.conn)
        turn_away(at.conn, at.act, _on_the_wire(at, code) or code, reason)
    typer.echo(f"已拒绝终端 {code}。")


@terminal_app.command(
    "replay", help="补录一个终端接入之前发来的定位和驾驶员卡；重复执行不会重复入库。"
)
def replay_command(code: Code, config: Config = None) -> None:
    """Bring in what a terminal sent before it was known."""
    with session(config) as at:
        row = at.conn.execute(
            "SELECT id FROM terminal WHERE ltrim(lower(code), '0') = ltrim(lower(%s), '0')"
            " AND valid @> %s::timestamptz",
            [code.strip(), at.now],
        ).fetchall()
        if len(row) != 1:
            refuse(code, "清单中没有这个终端，或有两个仅前导零不同的编号；请先批准接入或更正清单")
        with replaying(at.conn):
            messages = replay(at, code.strip(), row[0][0])
    typer.echo(_brought(messages))


def _on_the_wire(at: Session, code: str) -> str | None:
    """Return the code of a terminal that waited, as it writes it; None: none of this code did."""
    for one in waiting(at.conn):
        found = code_of(at, one)
        if found and _same(found, code.strip(), one.source):
            return found
    return None


def code_of(at: Session, one: Waiting) -> str:
    """Return the code that a terminal has on the wire; empty where its topic is not of ours."""
    if one.source == JT808:
        return one.origin
    before, _, after = at.settings.mqtt.topic.partition("+")
    if not (one.origin.startswith(before) and one.origin.endswith(after)):
        return ""
    return one.origin.removeprefix(before).removesuffix(after)


def replay(at: Session, code: str, terminal_id: int) -> int:
    """Bring in what a terminal sent while it waited; return how many messages.

    Killed at any moment and done again it doubles nothing: messages are marked behind the commit of
    their rows, and rows that are there already are no-ops.
    """
    done = 0
    conninfo, settings = database_url(at.settings), at.settings
    with closing(BulkWriter(conninfo, settings.database, zone=settings.time_zone)) as writer:
        for one in waiting(at.conn, everything=True):
            if _same(code_of(at, one), code, one.source):
                replayer = _replayer(at, one, code, terminal_id)
                while messages := kept(at.conn, one.source, one.origin, _MOST):
                    _bring(writer, replayer, messages)
                    mark_replayed(at.conn, [message.digest for message in messages], at.now)
                    done += len(messages)
    return done


def _bring(writer: BulkWriter, replayer: Replayer, messages: Sequence[Kept]) -> None:
    batches = replayer.batches(messages)
    try:
        writer.write(batches)
    except RowsRefused:
        rows = [Batch(one.kind, 1, row) for one in batches for row in split(one.body)]
        for row in rows:
            # What can never be stored stays what it is, in quarantine.
            with suppress(RowsRefused):
                writer.write([row])


def _replayer(at: Session, one: Waiting, code: str, terminal_id: int) -> Replayer:
    if one.source == JT808:
        return Jt808Replayer(code, terminal_id)
    mqtt = at.settings.mqtt
    return MqttReplayer(mqtt.topic, code, terminal_id, mqtt.max_payload_bytes)


def _same(one: str, other: str, source: str) -> bool:
    if source != JT808:
        return one == other
    return one.lower().lstrip("0") == other.lower().lstrip("0")


def _seen(at: Session, one: Waiting) -> tuple[str, str, str, str]:
    first, last = (f"{t.astimezone(at.zone):%Y-%m-%d %H:%M}" for t in (one.first_at, one.last_at))
    return first, last, str(one.messages), str(one.not_replayed)


def _told(one: Waiting) -> tuple[str, str, str]:
    """Return plate, maker and model as the terminal says them; they decide nothing."""
    body = one.introduction
    if body is None:
        return "", "", ""
    try:
        told = parse_registration(body, new=len(body) >= _NEW_BODY)
    except MessageError:
        return "", "", ""
    return plain(told.plate), plain(told.maker), plain(told.model)


def _said(decision: Decision | None) -> str:
    if decision is None:
        return "等待"
    what = "已拒绝" if decision.terminal_id is None else "已批准"
    return f"{what}（{decision.entered_by}）{decision.note}"


def _brought(messages: int) -> str:
    return f"补录 {messages} 条。" if messages else "没有需要补录的。"
