"""`jieyong meter`: what is counted, and the facts that people enter about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import Console

from jieyong import logs
from jieyong.commands import meter_files, meter_tables
from jieyong.commands.screen import console
from jieyong.commands.session import By, Config, Session, session
from jieyong.settings_file import load_settings
from jieyong.workers.crew import run_crew
from jieyong.workers.metering import CREW
from jieyong.workers.processes import until_signal
from metering.derive.again import compute_everything_again, compute_meter_again
from metering.facts import written
from metering.facts.acts import withdraw_act
from metering.facts.entry import correct_entry, enter_entry, withdraw_entry
from metering.facts.entry_check import Entry, Kind, Where
from metering.facts.listing import current
from metering.facts.meters import find
from metering.facts.move import Move, correct_move, move_place
from metering.facts.ratio import (
    RatioFact,
    correct_ratio,
    standing_ratios,
    succeed_ratio,
    withdraw_ratio,
)
from metering.facts.register import withdraw_register
from metering.facts.replace import Replacement, Values, correct_replacement, replace
from metering.facts.span import Span
from registry.audit import record
from registry.refusal import refuse

meter_app = typer.Typer(
    no_args_is_help=True, help="计量表：变比、换表、抄表，以及它们的更正与撤销。"
)

Code = Annotated[str, typer.Argument(help="计量表编码，见 jieyong meter list。")]
Instead = Annotated[
    int | None, typer.Option("--instead-of", help="更正：撤销这个编号的记录，以本次为准。")
]
Note = Annotated[str, typer.Option("--note", help="备注，写进记录。")]


@meter_app.command(help="持续计算用量，直到 Ctrl-C。")
def work(config: Config = None) -> None:
    """Compute what is due until Ctrl-C or TERM."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    run_crew(CREW, settings, until_signal())


class Fact(StrEnum):
    """What can be withdrawn."""

    RATIO = "ratio"
    REGISTER = "register"
    ENTRY = "entry"
    ACT = "act"


_FACTS: Final = {
    Fact.RATIO: "变比",
    Fact.REGISTER: "表底参数",
    Fact.ENTRY: "读数",
    Fact.ACT: "操作",
}


class KindOption(StrEnum):
    """What a reading is."""

    READING = "reading"
    INITIAL = "initial"
    FINAL = "final"
    RESET = "reset"


@meter_app.command("list", help="列出全部计量表。")
def list_command(
    energy: Annotated[str | None, typer.Option(help="只列一种能源，如 electricity。")] = None,
    institution: meter_files.Institution = None,
    config: Config = None,
) -> None:
    """List all meters."""
    with session(config) as at:
        rows = current(at.conn, at.act.at, institution)
    console().print(meter_tables.overview([r for r in rows if energy in {None, r.energy}]))


@meter_app.command(help="查看一块计量表：安装、变比、表底参数、录入的读数和操作，连同编号。")
def show(code: Code, config: Config = None) -> None:
    """Show everything known of one meter."""
    with session(config) as at:
        meter = find(at.conn, code)
        tables = list(meter_tables.details(at.conn, meter, at.zone))
    for table in tables:
        Console().print(table)


@meter_app.command(help="登记变比；正在生效的变比到新变比开始时结束。")
def ratio(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: Code,
    ct: Annotated[str, typer.Option(help="电流互感器变比：80 或 400/5；没有写 1。")],
    since: Annotated[str, typer.Option(help="起始时间：2026-06-01 或 2026-06-01 08:30。")],
    pt: Annotated[str, typer.Option(help="电压互感器变比；没有写 1。")] = "1",
    until: Annotated[str | None, typer.Option(help="截止时间（不含）；缺省一直有效。")] = None,
    instead: Instead = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a ratio; the one in force ends where it begins."""
    with session(config, by) as at:
        end = written.moment(until, at.zone, "--until") if until else None
        span = Span(written.moment(since, at.zone, "--since"), end)
        fact = RatioFact(code, written.ratio(ct, "--ct"), written.ratio(pt, "--pt"), span)
        if instead is None:
            number = succeed_ratio(at.conn, at.act, fact)
        else:
            number = correct_ratio(at.conn, at.act, instead, fact)
        unrated = _unrated_from(at, code, end)
    typer.echo(f"已登记变比 #{number}；受影响的用量将重新计算。")
    for begin in unrated:
        typer.echo(
            f"注意：自 {begin:%Y-%m-%d %H:%M} 起没有变比，按 1 计算；若恢复原变比，请再登记一次。"
        )


@meter_app.command("replace", help="登记换表：旧表止数、新表底数和安装关系，一次完成。")
def replace_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: Code,
    device: Annotated[str, typer.Option(help="新表的设备编码；须已在设备清单中。")],
    removed: Annotated[str, typer.Option(help="旧表拆下时间：2026-06-18 10:30。")],
    installed: Annotated[str | None, typer.Option(help="新表装上时间；缺省与拆下同时。")] = None,
    final: Annotated[str | None, typer.Option(help="旧表止数；没抄到可不填。")] = None,
    initial: Annotated[str | None, typer.Option(help="新表底数；没抄到可不填。")] = None,
    also: Annotated[
        list[str] | None, typer.Option(help="同一处另一块表：编码=止数=底数，可重复。")
    ] = None,
    note: Note = "",
    instead: Instead = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a replacement as one act."""
    with session(config, by) as at:
        off = written.moment(removed, at.zone, "--removed")
        on = written.moment(installed, at.zone, "--installed") if installed else off
        values = (_values(code, final, initial), *(_also(text) for text in also or ()))
        stated = Replacement(code, device, off, on, values, note)
        if instead is None:
            number = replace(at.conn, at.act, stated)
        else:
            number = correct_replacement(at.conn, at.act, instead, stated)
    typer.echo(f"已登记换表 #{number}；受影响的用量将重新计算。")
    typer.echo(
        f"请把设备清单中的旧表写上 until: {off:%Y-%m-%d %H:%M}，"
        f"{device} 写上 since: {on:%Y-%m-%d %H:%M}，以免下次导入清单时改回。"
    )


@meter_app.command(help="登记计量点移到另一房间；自那时起用量计入新房间。")
def move(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    place: Annotated[str, typer.Argument(help="计量点编码。")],
    room: Annotated[str, typer.Option(help="新房间的编码。")],
    since: Annotated[str, typer.Option(help="起始时间：2026-06-01。")],
    instead: Instead = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter that a place belongs to another room."""
    with session(config, by) as at:
        stated = Move(place, room, written.moment(since, at.zone, "--since"))
        if instead is None:
            number = move_place(at.conn, at.act, stated)
        else:
            number = correct_move(at.conn, at.act, instead, stated)
    typer.echo(f"已登记移位 #{number}。请同时修改设备清单中的房间和 since。")


@meter_app.command(help="录入一次人工抄表读数。")
def read(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    code: Code,
    value: Annotated[str, typer.Argument(help="表显读数，不乘变比。")],
    at: Annotated[str, typer.Option(help="抄表时间：2026-10-31 08:30。")],
    kind: Annotated[
        KindOption,
        typer.Option(help="reading 抄表；initial 装表底数；final 拆表止数；reset 清零后起数。"),
    ] = KindOption.READING,
    note: Note = "",
    instead: Instead = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter one reading."""
    with session(config, by) as here:
        moment = written.moment(at, here.zone, "--at")
        meant: Kind = kind.value
        entry = Entry(code, moment, written.number(value, "读数"), meant, note)
        where = Where(code, "--at", "读数")
        if instead is None:
            number = enter_entry(here.conn, here.act, entry, where)
        else:
            number = correct_entry(here.conn, here.act, instead, entry, where)
    typer.echo(f"已录入读数 #{number}；受影响的用量将重新计算。")


@meter_app.command(help="撤销一条记录；原记录保留，不再参与计算。")
def withdraw(
    kind: Annotated[
        Fact,
        typer.Argument(help="ratio 变比；register 表底参数；entry 读数；act 换表、移位、导入。"),
    ],
    number: Annotated[int, typer.Argument(help="编号，见 jieyong meter show。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw a fact: it stays, and counts no more."""
    with session(config, by) as at:
        if kind is Fact.RATIO:
            withdraw_ratio(at.conn, at.act, number)
        elif kind is Fact.REGISTER:
            withdraw_register(at.conn, at.act, number)
        elif kind is Fact.ENTRY:
            withdraw_entry(at.conn, at.act, number)
        else:
            withdraw_act(at.conn, at.act, number)
    typer.echo(f"已撤销{_FACTS[kind]} #{number}；受影响的用量将重新计算。")


@meter_app.command(
    help="重新计算一块表的全部用量；改了 metering、gauges 设置之后用 --all。读数和录入都不变。"
)
def recompute(
    code: Annotated[str | None, typer.Argument(help="计量表编码。")] = None,
    everything: Annotated[bool, typer.Option("--all", help="全部计量表和瞬时量、状态。")] = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Have figures computed again by the workers; nothing else changes."""
    if (code is None) != everything:
        refuse("用法", "请写一个计量表编码，或者写 --all")
    with session(config, by) as at, at.conn.transaction():
        if code is None:
            meters, points = compute_everything_again(at.conn, at.act.at)
            what = f"{meters} 块计量表、{points} 个瞬时量和状态"
        else:
            compute_meter_again(at.conn, find(at.conn, code).id, at.act.at)
            what = code
        record(at.conn, at.act, "meter.recompute", code or "--all")
    typer.echo(f"已安排重新计算：{what}；由 jieyong meter work 依次计算。")


meter_app.command(help="生成抄表模板：列出每块表和上次读数。")(meter_files.template)
meter_app.command("import", help="导入抄表 Excel；有一处错误则整个文件不导入，错误逐格指出。")(
    meter_files.import_command
)
meter_app.command(help="检查计量表文件；错误逐行指出，不改动任何数据。")(meter_files.check)
meter_app.command(help="按计量表文件更新：全部成功或全部不改。")(meter_files.apply)


def _unrated_from(at: Session, code: str, end: datetime | None) -> list[datetime]:
    """Return the end of a ratio where no other goes on from there."""
    if end is None:
        return []
    held = (fact.span for _, fact in standing_ratios(at.conn, find(at.conn, code)))
    return [] if any(end in span for span in held) else [end.astimezone(at.zone)]


def _values(code: str, final: str | None, initial: str | None) -> Values:
    return Values(
        code,
        None if final is None else written.number(final, "--final"),
        None if initial is None else written.number(initial, "--initial"),
    )


def _also(text: str) -> Values:
    parts = text.split("=")
    if len(parts) != 3:
        return refuse("--also", f"“{text}”写法不对；请写成 编码=止数=底数，没抄到的留空")
    code, final, initial = parts
    return _values(code, final or None, initial or None)
