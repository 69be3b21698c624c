"""What can be set about sheets of vehicles."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SheetSettings(BaseModel):
    """Sheets of vehicles: accounts, publication, use (docs/sheets.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mileage_percent: int = Field(
        default=10,
        ge=1,
        le=100,
        description="sources of kilometres that differ by more than this share are a question",
    )
    mileage_km: int = Field(
        default=20, ge=0, le=10_000, description="and by more than so many kilometres"
    )
    sensitive_in_sum: bool = Field(
        default=False,
        description="vehicles whose plate is never published stand as one line in the sum",
    )
    sensitive_at_least: int = Field(
        default=3,
        ge=2,
        le=100,
        description="but only where so many of them have a part in every figure",
    )
    pause_minutes: int = Field(
        default=240,
        ge=0,
        le=1_440,
        description="a vehicle that stands no longer between two trips is still out",
    )
    idle_days: int = Field(
        default=10, ge=1, le=366, description="a vehicle not driven for so many days is idle"
    )
