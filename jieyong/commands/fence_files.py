"""`jieyong fence import|undo|export|template`: fences, yards, sealed times and duty in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fleet.fence import fences, geojson
from fleet.ledger import imports
from fleet.ledger.draft import Draft
from fleet.yards import entry, template
from jieyong.commands import asked
from jieyong.commands.options import AsJson, DryRun
from jieyong.commands.session import By, Config, session


def import_command(  # noqa: PLR0913, PLR0917 - options of a command, each by its name
    file: Path,
    datum: Annotated[
        str, typer.Option("--datum", help="GeoJSON 未注明坐标系的图形按此换算。")
    ] = "",
    since: Annotated[str, typer.Option("--since", help="起始日期，供 GeoJSON 未注明的图形。")] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Import a file, all of it or nothing."""
    usual = {"datum": datum, "since": since}
    with session(config, by) as at:
        if dry_run:
            drawn, number = entry.draw(at.conn, file, at.zone, usual), None
        else:
            done = imports.bring(at.conn, at.act, lambda: entry.draw(at.conn, file, at.zone, usual))
            drawn, number = done.draft, done.import_id
    if as_json:
        said = {"import": number, "new": drawn.counts(), "unchanged": drawn.unchanged}
        typer.echo(json.dumps(said, ensure_ascii=False, indent=1))
        return
    typer.echo(_counted(drawn))
    for text in drawn.ignored:
        typer.echo(f"未使用的列 {text}")
    if dry_run:
        typer.echo("以上为预览，未导入。")
    elif number is None:
        typer.echo("内容均已入库，没有变化。")
    else:
        typer.echo(f"已导入，导入编号 {number}；撤销：jieyong fence undo {number}")


def undo(number: int, by: By = None, config: Config = None) -> None:
    """Withdraw what an import brought."""
    with session(config, by) as at:
        rows = imports.undo(at.conn, at.act, number)
    typer.echo(f"已撤销导入 {number}：撤回 {rows} 行。记录仍可查。")


def export(
    file: Path,
    day: Annotated[str | None, typer.Option("--day", help="哪一天；缺省为今日。")] = None,
    original: Annotated[
        bool, typer.Option("--original", help="按录入时的坐标系导出，各图形注明坐标系。")
    ] = False,
    config: Config = None,
) -> None:
    """Write fences as GeoJSON."""
    with session(config) as at:
        on = at.today if day is None else asked.day(day, "--day")
        known = fences.standing(at.conn)
    codes = dict.fromkeys(one.code for one in known)
    found = [one for code in codes if (one := fences.of_day(known, code, on))]
    geojson.write(file, found, original=original)
    typer.echo(f"{len(found)} 个围栏已写入 {file}")


def template_command(file: Path) -> None:
    """Write the workbook to fill in."""
    template.write_template(file)
    typer.echo(f"模板已写入 {file}")


def _counted(drawn: Draft) -> str:
    names = {
        "fleet_fence": "围栏",
        "fleet_yard": "定点停放",
        "fleet_sealed": "封存",
        "fleet_duty": "值班",
    }
    counts = "、".join(f"{names[table]} {number}" for table, number in drawn.counts().items())
    return f"新增：{counts or '无'}；已入库 {drawn.unchanged} 项。"
