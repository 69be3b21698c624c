"""What can be set about notes."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class NotifySettings(BaseModel):
    """Notes that leave the house; who is told stands in the routes (docs/notify.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    routes: Path = Field(
        default=Path("notify.yaml"), description="the file of channels and routes, YAML"
    )
    workers: int = Field(default=2, ge=1, le=16, description="processes that send, side by side")
    look_s: float = Field(
        default=2.0, gt=0, le=60, description="an idle worker looks for notes so often"
    )
    timeout_s: float = Field(
        default=10.0, ge=0.1, le=25, description="a receiver must have answered after so long"
    )
    tries: int = Field(
        default=12, ge=1, le=100, description="attempts until a message is set aside"
    )
    pause_s: float = Field(
        default=30.0, gt=0, description="pause after a first failed attempt; each one doubles it"
    )
    pause_most_s: float = Field(
        default=3600.0, gt=0, description="longest pause between two attempts"
    )
