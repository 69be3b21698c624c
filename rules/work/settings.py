"""What can be set about looking for doubts."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class RulesSettings(BaseModel):
    """How the workers of rules share what is due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(
        default=2, ge=1, le=64, description="Processes that look for doubts, side by side."
    )
    batch: int = Field(
        default=1_000, ge=1, le=100_000, description="Due rows that a worker takes at a time."
    )
    batch_days: int = Field(
        default=10_000,
        ge=1,
        description="A transaction ends with the place that brings it to so many days of places.",
    )
    watch: Path | None = Field(
        default=None,
        description="A rule set, or a directory of them: the workers load them when they change.",
    )
    look_s: float = Field(
        default=5.0, ge=0.1, le=3_600, description="An idle worker looks for work so often."
    )
