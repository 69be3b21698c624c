"""`jieyong total relation|standing`: who reports what, and where institutions stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from jieyong.commands import asked
from jieyong.commands.options import DryRun
from jieyong.commands.session import By, Config, session
from jieyong.commands.total_screen import show, text_table
from metering.quality.words import moment
from metering.tree.list_entry import (
    RELATIONS,
    STANDINGS,
    SUBJECTS,
    Done,
    enter_relations,
    enter_standings,
)
from metering.tree.list_file import read_lines, write_template
from metering.tree.listing import Entered, listed_relations, listed_standings
from metering.tree.relations import SHOWN, Kind, Relation, enter_relation, withdraw_relation
from metering.tree.standing import Standing, enter_standing, withdraw_standing
from registry.refusal import refuse

SUBJECTS_SHOWN = {kind: shown for shown, kind in SUBJECTS.items()}
_ENTERED = ("录入人", "录入时间", "状态")

relation_app = typer.Typer(
    no_args_is_help=True, help="上报关系：自报、代报、合署、分摊、不计入；按日生效。"
)
standing_app = typer.Typer(no_args_is_help=True, help="机构归属：区县、类型、级别；按日生效。")


class Subject(StrEnum):
    """What a relation may be about."""

    INSTITUTION = "institution"
    BUILDING = "building"
    ROOM = "room"
    METER = "meter"


Number = Annotated[int, typer.Argument(help="编号，见 list。")]
Since = Annotated[
    str | None, typer.Option("--since", help="起始日期，如 2026-01-01；缺省自始有效。")
]
Until = Annotated[str | None, typer.Option("--until", help="截止日期（不含当日）；缺省长期有效。")]
File = Annotated[Path, typer.Argument(help="文件，.xlsx 或 .csv。")]
Withdrawn = Annotated[bool, typer.Option("--withdrawn", help="连同已撤销的。")]


@relation_app.command("list", help="列出上报关系，连同编号。")
def relation_list(withdrawn: Withdrawn = False, config: Config = None) -> None:
    """List reporting relations."""
    with session(config) as at:
        found = listed_relations(at.conn, withdrawn=withdrawn)
    if not found:
        typer.echo("没有上报关系：各机构自报。")
        return
    titles = ("编号", "对象", "编码", "关系", "上报机构", "自", "至（不含）", "备注", *_ENTERED)
    rows = tuple(
        (
            *(str(entered.id), SUBJECTS_SHOWN[one.subject_kind], one.subject, SHOWN[one.kind]),
            *(_shares(one), *_days(one.since, one.until), one.note, *_who(entered, at.zone)),
        )
        for entered, one in found
    )
    show("上报关系", text_table("上报关系", titles, rows))


@relation_app.command("enter", help="录入一条上报关系。")
def relation_enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    subject_kind: Annotated[
        Subject,
        typer.Argument(help="institution 机构，building 建筑，room 房间，meter 计量表。"),
    ],
    subject: Annotated[str, typer.Argument(help="编码。")],
    kind: Annotated[
        Kind,
        typer.Argument(
            help="own 自报，on_behalf 代报，merged 合署，shared 分摊，excluded 不计入。"
        ),
    ],
    institution: Annotated[
        list[str] | None,
        typer.Option(
            "--institution",
            help="上报机构编码；分摊写多次，如 --institution A=3 --institution B=2。",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    source: Annotated[str, typer.Option("--source", help="依据，写进记录。")] = "",
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a reporting relation."""
    relation = Relation(
        subject_kind=subject_kind.value,
        subject=subject,
        kind=kind,
        shares=_parts(institution or [], kind),
        since=_date(since, "--since"),
        until=_date(until, "--until"),
        note=source,
    )
    with session(config, by) as at:
        number = enter_relation(at.conn, at.act, relation)
    typer.echo(f"已录入上报关系，编号 {number}。")


@relation_app.command("withdraw", help="撤销一条上报关系；记录保留。")
def relation_withdraw(number: Number, by: By = None, config: Config = None) -> None:
    """Take a relation out of force."""
    with session(config, by) as at:
        withdraw_relation(at.conn, at.act, number)
    typer.echo(f"已撤销上报关系 {number}。")


@relation_app.command("template", help="导出填报模板（Excel）。")
def relation_template(file: File) -> None:
    """Write the list of relations to fill in."""
    file.write_bytes(write_template(RELATIONS))
    typer.echo(f"模板已写入 {file}。")


@relation_app.command("import", help="导入填好的 Excel 或 CSV；有一处错误则全部不录入。")
def relation_import(
    file: File, dry_run: DryRun = False, by: By = None, config: Config = None
) -> None:
    """Enter a list of relations, whole or not at all."""
    lines = read_lines(file.read_bytes(), file.name, RELATIONS)
    with session(config, by) as at, at.conn.transaction(force_rollback=dry_run):
        done = enter_relations(at.conn, at.act, lines)
    _say(done, dry_run=dry_run)


@standing_app.command("list", help="列出机构归属，连同编号。")
def standing_list(withdrawn: Withdrawn = False, config: Config = None) -> None:
    """List where institutions stand."""
    with session(config) as at:
        found = listed_standings(at.conn, withdrawn=withdrawn)
    if not found:
        typer.echo("没有登记机构归属。")
        return
    titles = ("编号", "机构", "区县", "类型", "级别", "自", "至（不含）", *_ENTERED)
    rows = tuple(
        (
            *(str(entered.id), one.institution, one.district, one.type, one.level),
            *(*_days(one.since, one.until), *_who(entered, at.zone)),
        )
        for entered, one in found
    )
    show("机构归属", text_table("机构归属", titles, rows))


@standing_app.command("enter", help="登记机构的区县、类型、级别。")
def standing_enter(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: Annotated[str, typer.Argument(help="机构编码。")],
    district: Annotated[str, typer.Argument(help="区县的代码或名称。")],
    kind: Annotated[str, typer.Option("--type", help="机构类型代码，如 01、021。")] = "",
    rank: Annotated[str, typer.Option("--rank", help="级别，如 省级、市级、县级。")] = "",
    since: Since = None,
    until: Until = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter where an institution stands."""
    days = _date(since, "--since"), _date(until, "--until")
    standing = Standing(institution, district, kind, rank, *days)
    with session(config, by) as at:
        number = enter_standing(at.conn, at.act, standing)
    typer.echo(f"已登记机构归属，编号 {number}。")


@standing_app.command("withdraw", help="撤销一条机构归属；记录保留。")
def standing_withdraw(number: Number, by: By = None, config: Config = None) -> None:
    """Take a standing out of force."""
    with session(config, by) as at:
        withdraw_standing(at.conn, at.act, number)
    typer.echo(f"已撤销机构归属 {number}。")


@standing_app.command("template", help="导出填报模板（Excel）。")
def standing_template(file: File) -> None:
    """Write the list of standings to fill in."""
    file.write_bytes(write_template(STANDINGS))
    typer.echo(f"模板已写入 {file}。")


@standing_app.command("import", help="导入填好的 Excel 或 CSV；有一处错误则全部不登记。")
def standing_import(
    file: File, dry_run: DryRun = False, by: By = None, config: Config = None
) -> None:
    """Enter a list of standings, whole or not at all."""
    lines = read_lines(file.read_bytes(), file.name, STANDINGS)
    with session(config, by) as at, at.conn.transaction(force_rollback=dry_run):
        done = enter_standings(at.conn, at.act, lines)
    _say(done, dry_run=dry_run)


def _say(done: Done, *, dry_run: bool) -> None:
    typer.echo(f"新增 {done.added} 行，已有且相同 {done.unchanged} 行。")
    if dry_run:
        typer.echo("以上为预览，未录入。")


def _parts(words: Sequence[str], kind: Kind) -> Mapping[str, int]:
    """Read ``A`` or, of shared ones, ``A=3``."""
    found: dict[str, int] = {}
    for word in words:
        code, parts = (word, "1") if kind is not Kind.SHARED else _halves(word)
        if code in found:
            refuse("--to", f"{code} 出现两次，请删去一个")
        found[code] = int(parts)
    return found


def _halves(word: str) -> tuple[str, str]:
    code, _, parts = word.rpartition("=")
    if not code or not (parts.isascii() and parts.isdecimal()):
        refuse("--to", f"“{word}”没有写份额，请写成 编码=份额，如 A=3，份额是整数")
    return code, parts


def _shares(one: Relation) -> str:
    if one.kind is Kind.SHARED:
        return "、".join(f"{code}={parts}" for code, parts in one.shares.items())
    return "、".join(one.shares)


def _days(since: date | None, until: date | None) -> tuple[str, str]:
    return (str(since) if since else "不限", str(until) if until else "今后")


def _who(entered: Entered, zone: ZoneInfo) -> tuple[str, str, str]:
    state = f"{entered.withdrawn_by} 已撤销" if entered.withdrawn_by else "有效"
    return entered.by, moment(entered.at, zone), state


def _date(text: str | None, where: str) -> date | None:
    return None if text is None else asked.day(text, where)
