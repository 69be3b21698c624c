"""What can be set about the database."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from psycopg.conninfo import make_conninfo
from pydantic import BaseModel, ConfigDict, Field, SecretStr


class DatabaseSettings(BaseModel):
    """The PostgreSQL database that everything ends in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr | None = Field(
        default=None,
        description="libpq URL or conninfo; every command but `jieyong demo` needs one",
    )
    password_file: Path | None = Field(
        default=None,
        description="file whose first line is the password, so that the URL can do without it",
    )
    connect_timeout_s: int = Field(
        default=5, ge=2, le=300, description="how long to wait for the server to answer a connect"
    )
    statement_timeout_s: int = Field(
        default=60, ge=1, le=3600, description="a statement of a collector is given up after this"
    )
    lock_timeout_s: int = Field(
        default=15, ge=1, le=3600, description="waiting for a lock is given up after this"
    )
    timescale: Literal["auto", "off"] = Field(
        default="auto", description="use TimescaleDB where the server offers it, or never"
    )
    compress_after_days: int = Field(
        default=30,
        ge=7,
        description="chunks older than this are compressed (TimescaleDB community edition)",
    )
    position_retention_days: int | None = Field(
        default=None,
        ge=31,
        description="positions and drivers' cards older than this are removed by `jieyong fleet "
        "work`, once their trips are computed (docs/privacy.md); without it they are kept for ever",
    )

    def conninfo(self) -> str | None:
        """Return what to connect with, the password from its file when one is named.

        Raises:
            OSError: the password's file cannot be read.
        """
        if self.url is None:
            return None
        if self.password_file is None:
            return self.url.get_secret_value()
        password = self.password_file.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        return make_conninfo(self.url.get_secret_value(), password=password)
