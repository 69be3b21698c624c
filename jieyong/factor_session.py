"""What the commands of `jieyong factor` share: the database, who acts, the files."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from jieyong import logs
from jieyong.database import database_url
from jieyong.settings import Settings
from jieyong.settings_file import load_settings
from metering.factors.library import Library, load_library
from metering.factors.tariff import Tariff
from metering.factors.tariff_file import load_tariffs
from registry.audit import Act
from registry.refusal import RefusedError

Config = Annotated[
    Path | None, typer.Option("--config", help="设置文件；缺省为 jieyong.toml（若有）。")
]


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, and what a command needs besides."""

    conn: psycopg.Connection[Any]
    act: Act
    settings: Settings


@contextmanager
def session(config: Path | None, by: str | None = None) -> Iterator[Session]:
    """Open the database of the settings; ``by``: who acts."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    act = Act(by or getpass.getuser(), datetime.now(UTC))
    with psycopg.connect(database_url(settings), autocommit=True) as conn:
        yield Session(conn, act, settings)


def files(settings: Settings) -> tuple[Library, tuple[Tariff, ...]]:
    """Read the factor sets and tariffs, those of one's own included.

    Raises:
        DataFileError: a file has mistakes; each is named with its line.
        RefusedError: the jurisdiction of the settings is not known.
    """
    library = load_library(more=settings.factors.own("sets"))
    place = settings.factors.jurisdiction
    if place not in library.parents:
        raise RefusedError(
            f"设置 factors.jurisdiction 为 {place}：没有这个地区；"
            "请写省级行政区划代码前两位，如 50，或 CN"
        )
    return library, load_tariffs(library, more=settings.factors.own("tariffs"))
