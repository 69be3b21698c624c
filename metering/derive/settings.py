"""What can be set about metering's computations."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from metering.counter.model import Policy


class MeteringSettings(BaseModel):
    """From readings to consumption: what is believed, and how the workers work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    confirm_readings: int = Field(
        default=4,
        ge=2,
        le=100,
        description="a counter's new level is believed after so many readings on it; after a "
        "change, `jieyong meter recompute --all` applies it to the past",
    )
    confirm_minutes_least: int = Field(
        default=45,
        ge=1,
        le=60,
        description="but not before it has lasted so many minutes, however dense they come",
    )
    confirm_hours: int = Field(
        default=24, ge=1, le=720, description="or after it has lasted so many hours"
    )
    workers: int = Field(
        default=2, ge=1, le=64, description="processes that compute what is due, side by side"
    )
    batch: int = Field(
        default=500, ge=1, le=50_000, description="due rows that a worker takes at a time"
    )
    batch_days: int = Field(
        default=10_000,
        ge=1,
        description="days of meters that a worker computes in one transaction; bounds its memory",
    )
    look_s: float = Field(
        default=5.0, ge=0.1, le=3600, description="an idle worker looks for work so often"
    )

    def policy(self) -> Policy:
        """Return when a doubtful level is believed, as the counter's judge takes it."""
        return Policy(
            self.confirm_readings,
            self.confirm_hours * 3_600_000_000,
            confirm_least_us=self.confirm_minutes_least * 60_000_000,
        )
