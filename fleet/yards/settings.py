"""What can be set about fences, yards and sealed vehicles."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fleet.fence.track import Silence
from fleet.track.rules import SECOND_US
from fleet.yards.movement import Limits

_MINUTE_US = 60 * SECOND_US
_HOUR_US = 3_600 * SECOND_US


class FenceSettings(BaseModel):
    """What is let pass, and what is believed while a vehicle is silent (docs/fences.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    silent_min: int = Field(
        default=30,
        ge=5,
        le=720,
        description="after so long without a position nothing is known, unless the vehicle slept",
    )
    asleep_h: int = Field(
        default=12,
        ge=1,
        le=240,
        description="a vehicle left with its ignition off is believed to stay for so long",
    )
    tolerance_min: int = Field(
        default=30, ge=1, le=720, description="so long out of its yard in one piece is a doubt"
    )
    around_order_min: int = Field(
        default=30, ge=0, le=720, description="an order covers so much before and behind its times"
    )
    moved_m: int = Field(
        default=500, ge=50, le=50_000, description="a sealed vehicle that goes so far has moved"
    )
    ignition_min: int = Field(
        default=15,
        ge=1,
        le=720,
        description="an ignition on for so long is a doubt where nothing else is known",
    )

    def silence(self, gap_s: int) -> Silence:
        """Return what is believed between fixes; ``gap_s``: as for trips."""
        return Silence(gap_s * SECOND_US, self.silent_min * _MINUTE_US, self.asleep_h * _HOUR_US)

    def limits(self, fastest_kmh: int) -> Limits:
        """Return what is let pass of sealed vehicles."""
        return Limits(
            self.moved_m * 1_000,
            self.ignition_min * _MINUTE_US,
            self.asleep_h * _HOUR_US,
            fastest_kmh,
        )
