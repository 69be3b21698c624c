"""`jieyong meter template|import|check|apply`: readings and meters in files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jieyong.commands import meter_tables
from jieyong.commands.options import DryRun
from jieyong.commands.session import By, Config, Session, session
from jieyong.settings_file import load_settings
from metering.facts import manual
from metering.facts.file_apply import apply_meters
from metering.facts.file_reading import read_meters
from metering.facts.sheet import Line, read_sheet
from metering.facts.sync import sync_meters
from metering.facts.template import template_rows, write_template

Institution = Annotated[str | None, typer.Option(help="只列一个机构的表：机构编码。")]


def template(
    file: Annotated[Path, typer.Argument(help="要生成的 Excel 文件，如 抄表.xlsx。")],
    institution: Institution = None,
    config: Config = None,
) -> None:
    """Write the empty sheet for readings."""
    with session(config) as at:
        rows = template_rows(at.conn, at.act.at, institution)
        with file.open("wb") as target:
            write_template(target, rows, at.zone)
    typer.echo(f"已生成 {file}，共 {len(rows)} 块表。")


def import_command(
    file: Annotated[Path, typer.Argument(help="填好的抄表 Excel 文件。")],
    dry_run: DryRun = False,
    by: By = None,
    config: Config = None,
) -> None:
    """Bring in a sheet of readings, all of it or nothing."""
    with session(config, by) as at:
        lines = read_sheet(file.read_bytes(), at.zone)
        looked = manual.preview(at.conn, lines, at.act.at)
        Console().print(meter_tables.preview(looked))
        if dry_run:
            typer.echo("以上为预览，没有录入；去掉 --dry-run 即导入。")
            return
        _import(at, lines, file.name)


def check(
    file: Annotated[Path, typer.Argument(help="计量表文件（YAML），见 docs/meters.md。")],
    config: Config = None,
) -> None:
    """Check a file of meters; change nothing."""
    settings = load_settings(config)
    stated = read_meters(file, settings.time_zone)
    typer.echo(f"{file}：没有错误；{len(stated.meters)} 块计量表。")


def apply(
    file: Annotated[Path, typer.Argument(help="计量表文件（YAML），见 docs/meters.md。")],
    by: By = None,
    config: Config = None,
) -> None:
    """Bring the database to what a file of meters says."""
    with session(config, by) as at, at.conn.transaction():
        stated = read_meters(file, str(at.zone))
        sync_meters(at.conn, at.act)
        changes = apply_meters(at.conn, at.act, stated)
    for line in changes:
        typer.echo(line)
    typer.echo(f"{file}：{len(changes)} 处改动。" if changes else f"{file}：没有改动。")


def _import(at: Session, lines: list[Line], source: str) -> None:
    done = manual.apply(at.conn, at.act, lines, source)
    if done.act_id is None:
        typer.echo(f"{source} 的 {done.known} 个读数都已录入过，没有改动。")
        return
    known = f"，另有 {done.known} 个已录入过" if done.known else ""
    typer.echo(f"已导入 #{done.act_id}：新录入 {done.entered} 个读数{known}。")
    typer.echo(f"如需整批撤销：jieyong meter withdraw act {done.act_id}")
