"""What the commands of `jieyong consumption` share: the database, the zone, the time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from jieyong import logs
from jieyong.database import database_url
from jieyong.settings_file import load_settings

Config = Annotated[
    Path | None, typer.Option("--config", help="设置文件；缺省为 jieyong.toml（若有）。")
]


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, and what a command needs besides."""

    conn: psycopg.Connection[Any]
    zone: ZoneInfo
    now: datetime

    @property
    def today(self) -> date:
        """The day at the site."""
        return self.now.astimezone(self.zone).date()


@contextmanager
def session(config: Path | None) -> Iterator[Session]:
    """Open the database of the settings."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    with psycopg.connect(database_url(settings), autocommit=True) as conn:
        yield Session(conn, ZoneInfo(settings.time_zone), datetime.now(UTC))
