"""`jieyong fleet cards`: whose card was in a vehicle's terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from fleet.cards.listing import CardRow, cards
from jieyong.commands import fleet_tables
from jieyong.commands.options import AsJson, First, Last, ThisVehicle, moments, until_last
from jieyong.commands.screen import console, plain
from jieyong.commands.session import Config, Reader, Reason, session, track_of
from registry.vehicles import find_vehicle

_DAYS: Final = 7
_EVENTS: Final = {"in": "插入", "out": "拔出", "read": "读卡"}
_RESULTS: Final = {
    0: "成功",
    1: "密钥认证未通过",
    2: "卡片已锁定",
    3: "卡片被拔出",
    4: "数据校验错误",
}


def cards_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    vehicle: ThisVehicle,
    reason: Reason,
    first: First = None,
    last: Last = None,
    as_json: AsJson = False,
    by: Reader = None,
    config: Config = None,
) -> None:
    """Show the cards of drivers; looking is recorded."""
    with session(config, by) as at:
        begin, end = until_last(last, first, at.today, _DAYS)
        found = find_vehicle(at.conn, vehicle)
        since, until = moments(begin, end, at.zone)
        days = {"from": begin.isoformat(), "to": end.isoformat()}
        with track_of(at, "cards.read", found.code, reason, **days):
            rows = cards(at.conn, found.id, since, until)
    if as_json:
        typer.echo(fleet_tables.as_json(rows, at.zone))
        return
    console().print(_table(rows, f"{found.plate} 的驾驶员卡", at.zone))
    typer.echo("没有插卡记录的时段，不知道由谁驾驶。")


def _table(rows: Sequence[CardRow], title: str, zone: ZoneInfo) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in ("时间", "事件", "结果", "姓名", "从业资格证", "发证机构", "有效期至", "终端"):
        table.add_column(heading)
    for row in rows:
        when = f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        table.add_row(
            when if row.timed else f"{when}（收到）",
            _EVENTS[row.event],
            _result(row),
            *(plain(text) for text in _person(row)),
            "" if row.valid_until is None else str(row.valid_until),
            row.terminal,
        )
    return table


def _result(row: CardRow) -> str:
    if row.result is None:
        return ""
    return _RESULTS.get(row.result, f"未知（{row.result}）")


def _person(row: CardRow) -> tuple[str, str, str]:
    if row.withheld:
        return "涉密，不保存", "", ""
    return row.name or "", row.qualification or "", row.issuer or ""
