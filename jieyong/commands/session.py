"""What every command of officers shares: the database, the settings, the time, who acts."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from jieyong import logs
from jieyong.database import database_url
from jieyong.settings import Settings
from jieyong.settings_file import load_settings
from registry.audit import Act
from registry.track_reading import track_reading, tracks_reading

Config = Annotated[
    Path | None, typer.Option("--config", help="设置文件；缺省为 jieyong.toml（若有）。")
]
By = Annotated[str | None, typer.Option("--by", help="录入人；缺省为系统登录名。")]
Reader = Annotated[str | None, typer.Option("--by", help="查看人；缺省为系统登录名。")]
Reason = Annotated[str, typer.Option("--reason", help="查看轨迹的原因，记入操作日志。")]


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, and what a command needs besides.

    Attributes:
        conn: in autocommit; a command that writes several times opens a transaction.
        settings: of the installation.
        act: who acts, and when: now, in the site's zone.
    """

    conn: psycopg.Connection[Any]
    settings: Settings
    act: Act

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def now(self) -> datetime:
        """The time of the command."""
        return self.act.at

    @property
    def today(self) -> date:
        """The day on the officer's calendar."""
        return self.now.date()


@contextmanager
def track_of(
    at: Session, action: str, subject: str, reason: str, **detail: object
) -> Iterator[None]:
    """Read places inside; see :func:`registry.track_reading.track_reading`.

    The record names whoever is logged in, too: ``--by`` is what he says.
    """
    said = {**detail, "login": getpass.getuser()}
    with track_reading(at.conn, at.act, action, subject, reason, said):
        yield


@contextmanager
def tracks_of(
    at: Session, action: str, subject: str, reason: str, **detail: object
) -> Iterator[set[str]]:
    """Read places of many inside; see :func:`registry.track_reading.tracks_reading`."""
    said = {**detail, "login": getpass.getuser()}
    with tracks_reading(at.conn, at.act, action, subject, reason, said) as shown:
        yield shown


@contextmanager
def session(config: Path | None, by: str | None = None) -> Iterator[Session]:
    """Open the database of the settings; ``by``: who acts, the login name when left out."""
    settings = load_settings(config)
    logs.configure(settings.log.level, settings.log.form)
    act = Act(by or getpass.getuser(), datetime.now(ZoneInfo(settings.time_zone)))
    with psycopg.connect(database_url(settings), autocommit=True) as conn:
        # What the database says is shown to people: refusals name times in the site's zone.
        conn.execute("SELECT set_config('TimeZone', %s, false)", [settings.time_zone])
        yield Session(conn, settings, act)
