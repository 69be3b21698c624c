"""`jieyong vehicle publish|published`: the monthly sheet that is posted (单车核算公示表)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table as Shown

from fleet.ledger.words import words
from fleet.publish import store
from fleet.publish.publishing import Books, Draft, draft, publish, refuse_nothing
from fleet.publish.sheet import corrections, several, sheet
from jieyong.commands import asked
from jieyong.commands.giving import give
from jieyong.commands.options import AsJson, File, Institutions, Month, OneMonth, institutions_named
from jieyong.commands.screen import console
from jieyong.commands.session import By, Config, Session, session
from registry.refusal import refuse
from registry.table import Table

One = Annotated[str, typer.Option("--institution", help="机构编码。")]
Why = Annotated[str, typer.Option("--reason", help="更正或撤回的原因，写入操作日志。")]


def publish_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    month: OneMonth,
    institution: One,
    file: File = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只看公示内容，不公示。")] = False,
    correct: Annotated[bool, typer.Option("--correct", help="公示更正：另出一版。")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="撤回现行公示。")] = False,
    reason: Why = "",
    as_json: AsJson = False,
    by: By = None,
    config: Config = None,
) -> None:
    """公示一个月的单车核算：数字即时固定，以后的更正另列 (publish a month; it is frozen)."""
    when = asked.month(month, "--month")
    if (correct or withdraw) and not reason.strip():
        refuse("--reason", "请写明更正或撤回的原因")
    if correct + withdraw + dry_run > 1:
        refuse("--correct", "--correct、--withdraw、--dry-run 只写一个")
    with session(config, by) as at:
        institutions_named(at.conn, [institution])
        if withdraw:
            revision = store.withdraw(at.conn, at.act, institution, when, reason)
            typer.echo(f"已撤回 {institution} {month} 的公示（第 {revision} 版）。记录仍可查。")
            return
        if dry_run:
            found = draft(at.conn, institution, when, at.today, _books(at))
            refuse_nothing(found, institution, when)
            tables = _tables(at, found, "预览", None, file, as_json=as_json)
        else:
            correcting = reason if correct else ""
            found, revision = publish(
                at.conn, at.act, institution, when, _books(at), correcting=correcting
            )
            named = f"第 {revision} 版" + (f"（更正：{reason}）" if correct else "")
            tables = _tables(at, found, named, at, file, as_json=as_json)
            typer.echo(f"已公示 {institution} {month}，{named}。", err=as_json)
    _warn(found)
    give(tables, file, as_json=as_json)


def published_command(
    file: File = None,
    month: Month = None,
    institution: Institutions = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """列出公示过的月份；写明月份则给出公示的原表，以及与现在账面的差异 (what was published)."""
    when = None if month is None else asked.month(month, "--month")
    with session(config) as at:
        institutions_named(at.conn, institution)
        if when is None:
            _list(at, institution)
            return
        tables = _as_published(at, when, institution, file, as_json=as_json)
    give(tables, file, as_json=as_json)


def _books(at: Session) -> Books:
    return Books(at.zone, words(), at.settings.sheets)


def _printed(file: Path | None, *, as_json: bool) -> bool:
    return not as_json and (file is None or file.suffix.lower() == ".xlsx")


def _tables(  # noqa: PLR0913 - what is shown, and how
    at: Session,
    found: Draft,
    revision: str,
    published: Session | None,
    file: Path | None,
    *,
    as_json: bool,
) -> list[Table]:
    on = published.now if published else None
    content, paper = found.made.content, _printed(file, as_json=as_json)
    tables = [sheet(content, revision, on, at.zone, for_print=paper)]
    if found.standing is not None:
        was = f"第 {found.standing.revision} 版"
        said = f"单位：{content.name}　　月份：{content.month}　　公示：{was}"
        tables.append(corrections(found.changed, said))
    return tables


def _as_published(
    at: Session, month: date, institutions: list[str] | None, file: Path | None, *, as_json: bool
) -> list[Table]:
    """Return what stands as it was posted, and what differs from it now."""
    paper = _printed(file, as_json=as_json)
    everyone = sorted({one.institution for one in store.publications(at.conn, month, institutions)})
    sheets, changed = [], []
    for code in everyone:
        one = store.standing(at.conn, code, month)
        if one is None:
            continue
        revision = f"第 {one.revision} 版"
        sheets.append(sheet(one.content, revision, one.published_at, at.zone, for_print=paper))
        found = draft(at.conn, code, month, at.today, _books(at))
        said = f"单位：{one.name}　　月份：{month:%Y-%m}　　公示：{revision}"
        changed.append(corrections(found.changed, said))
    if not sheets:
        refuse("--month", f"{month:%Y-%m} 没有有效的公示")
    return [*several(sheets), *several(changed)]


def _warn(found: Draft) -> None:
    """Tell the officer what the sheet must not say."""
    if found.made.left_out:
        typer.echo(
            f"提示 不公示车牌的车辆 {found.made.withheld} 辆未计入合计：计入会使其中一辆的数字"
            "可以推算（此提示不要公示）",
            err=True,
        )
    doubts = [
        f"{one.plate} {note.text}"
        for one in found.made.content.vehicles
        for note in one.notes
        if "疑点" in note.text
    ]
    for text in doubts:
        typer.echo(f"提示 {text}", err=True)


def _list(at: Session, institutions: list[str] | None) -> None:
    table = Shown("月份", "机构", "版", "公示人", "时间", "更正原因", "撤回")
    for one in store.publications(at.conn, None, institutions):
        on = f"{one.published_at.astimezone(at.zone):%Y-%m-%d %H:%M}"
        gone = f"{one.withdrawn_by}：{one.withdrawn_why}" if one.withdrawn_by else ""
        month = f"{one.month:%Y-%m}"
        table.add_row(month, one.name, str(one.revision), one.published_by, on, one.why, gone)
    console().print(table)
