"""`jieyong tag …`: what things are to rules; tags that hold for a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from jieyong.commands import asked
from jieyong.commands.giving import give, tabled
from jieyong.commands.options import AsJson, Vehicle, Why, moments
from jieyong.commands.session import By, Config, Session, session
from metering.facts import written
from metering.quality.words import moment
from registry import tag_entry, tag_words
from registry.refusal import refuse
from registry.table import Row, Table
from registry.tag_entry import Entry, Said, Subject
from registry.tags import DatedTag, tags_at

tag_app = typer.Typer(
    no_args_is_help=True, help="标签：机房、值班室、应急响应等，供规则划定范围和免检。"
)

Institution = Annotated[str | None, typer.Option("--institution", help="机构编码。")]
Building = Annotated[str | None, typer.Option("--building", help="建筑编码。")]
Room = Annotated[str | None, typer.Option("--room", help="房间编码。")]
Place = Annotated[str | None, typer.Option("--place", help="计量点编码。")]
Withdrawn = Annotated[bool, typer.Option("--withdrawn", help="也列出已撤销的。")]


@tag_app.command("list", help="一个对象现有的标签，含自上级沿用的；不写对象则列出录入的标签。")
def list_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    institution: Institution = None,
    building: Building = None,
    room: Room = None,
    place: Place = None,
    vehicle: Vehicle = None,
    day: Annotated[str | None, typer.Option("--day", help="哪一天；缺省为现在。")] = None,
    withdrawn: Withdrawn = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List tags of a thing, or what was entered."""
    said = _said(institution, building, room, place, vehicle)
    if not said and day:
        refuse("--day", "请写明对象，如 --room")
    if said and withdrawn:
        refuse("--withdrawn", "只用于列出录入的标签，不写对象")
    with session(config) as at:
        if said:
            subject = _subject(at.conn, said)
            found = _tags(at, subject, day)
            table = _of_thing(subject, found, at.zone)
        else:
            table = _entered(tag_entry.entries(at.conn, withdrawn=withdrawn), at.zone)
    give([table], None, as_json=as_json)


@tag_app.command("enter", help="给一个对象录入一段时间的标签，如应急响应、重大活动；其下各处沿用。")
def enter_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    tag: Annotated[str, typer.Option("--tag", help="标签，见 jieyong tag words。")],
    since: Annotated[
        str, typer.Option("--since", help="起始时间，如 2026-10-01 或 2026-10-01 18:00。")
    ],
    until: Annotated[str, typer.Option("--until", help="截止时间（不含）。")],
    reason: Why,
    institution: Institution = None,
    building: Building = None,
    room: Room = None,
    place: Place = None,
    vehicle: Vehicle = None,
    by: By = None,
    config: Config = None,
) -> None:
    """Enter a tag for a time."""
    said = _said(institution, building, room, place, vehicle)
    with session(config, by) as at:
        begin = written.moment(since, at.zone, "--since")
        end = written.moment(until, at.zone, "--until")
        subject = _subject(at.conn, said)
        number = tag_entry.enter(at.conn, at.act, subject, Said(tag, begin, end, reason))
    typer.echo(f"已录入，编号 {number}：{subject.name} {tag_words.name(tag)}。")


@tag_app.command("withdraw", help="撤销一个录入的标签；记录保留。清单中的标签请改清单。")
def withdraw_command(
    number: Annotated[int, typer.Argument(min=1, help="编号，见 jieyong tag list。")],
    reason: Why,
    by: By = None,
    config: Config = None,
) -> None:
    """Withdraw a tag that was entered."""
    with session(config, by) as at:
        entry = tag_entry.withdraw(at.conn, at.act, number, reason)
    typer.echo(f"已撤销 {number}：{entry.name} {tag_words.name(entry.tag)}。")


@tag_app.command("words", help="列出通用的标签；自定的以 x- 开头。")
def words_command(as_json: AsJson = False) -> None:
    """List the well-known tags."""
    rows: list[Row] = [
        {
            "tag": word.tag,
            "name": word.name,
            "of": "、".join(tag_words.KINDS[kind] for kind in word.of),
            "means": word.means,
        }
        for word in tag_words.known().values()
    ]
    headings = (("tag", "标签"), ("name", "名称"), ("of", "用于"), ("means", "含义"))
    give([tabled("通用标签", headings, rows)], None, as_json=as_json)


def _said(*codes: str | None) -> dict[str, str]:
    """Kind → what stands behind its option; of none or one of them.

    Raises:
        registry.refusal.RefusedError: several were given.
    """
    said = {kind: code for kind, code in zip(tag_words.KINDS, codes, strict=True) if code}
    if len(said) > 1:
        refuse(" ".join(f"--{kind}" for kind in said), "只能写一个对象")
    return said


def _subject(conn: psycopg.Connection[Any], said: dict[str, str]) -> Subject:
    for kind, code in said.items():
        return tag_entry.find(conn, kind, code)
    options = "、".join(f"--{kind}（{name}）" for kind, name in tag_words.KINDS.items())
    return refuse("对象", f"请写 {options} 之一")


def _tags(at: Session, subject: Subject, day: str | None) -> tuple[DatedTag, ...]:
    begin = end = at.now
    if day is not None:
        its = asked.day(day, "--day")
        begin, end = moments(its, its, at.zone)
    return tags_at(at.conn, subject.kind, [subject.id], begin, end).get(subject.id, ())


def _of_thing(subject: Subject, tags: Sequence[DatedTag], zone: ZoneInfo) -> Table:
    rows: list[Row] = [
        {
            "tag": one.tag,
            "name": tag_words.name(one.tag),
            "kind": tag_words.KINDS[one.kind],
            "code": one.code,
            "from": one.name,
            "since": moment(one.since, zone),
            "until": moment(one.until, zone),
            "reason": one.reason or "设备清单",
        }
        for one in tags
    ]
    headings = (
        *(("tag", "标签"), ("name", "名称"), ("kind", "来自"), ("code", "编码"), ("from", "对象")),
        *(("since", "自"), ("until", "至（不含）"), ("reason", "依据")),
    )
    return tabled(f"{subject.name}的标签", headings, rows)


def _entered(entries: Sequence[Entry], zone: ZoneInfo) -> Table:
    rows: list[Row] = [
        {
            "number": one.number,
            "tag": one.tag,
            "name": tag_words.name(one.tag),
            "kind": tag_words.KINDS[one.kind],
            "code": one.code,
            "to": one.name,
            "since": moment(one.since, zone),
            "until": moment(one.until, zone),
            "reason": one.reason,
            "by": one.entered_by,
            "at": moment(one.entered_at, zone),
            "withdrawn_by": one.withdrawn_by,
            "withdrawn_at": one.withdrawn_at and moment(one.withdrawn_at, zone),
        }
        for one in entries
    ]
    headings = (
        *(("number", "编号"), ("tag", "标签"), ("name", "名称"), ("kind", "用于")),
        *(("code", "编码"), ("to", "对象"), ("since", "自"), ("until", "至（不含）")),
        *(("reason", "原因"), ("by", "录入人"), ("at", "录入时间")),
        *(("withdrawn_by", "撤销人"), ("withdrawn_at", "撤销时间")),
    )
    return tabled("录入的标签", headings, rows)
