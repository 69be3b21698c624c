"""What can be set about the database."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class DatabaseSettings(BaseModel):
    """The section ``[database]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: SecretStr | None = Field(
        default=None,
        description="libpq URL or conninfo; without one the embedded PostgreSQL is used",
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
        description="positions older than this are dropped (TimescaleDB community edition); "
        "without it they are kept for ever",
    )
