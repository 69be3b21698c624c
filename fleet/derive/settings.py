"""What can be set about trips."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from fleet.track.rules import SECOND_US, Rules


class TripSettings(BaseModel):
    """From positions to trips: what is believed, and how the workers work (docs/trips.md).

    Workers that start with other thresholds than before compute everything again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fastest_kmh: int = Field(
        default=200,
        ge=120,
        le=400,
        description="a leg that would need more is impossible",
    )
    slack_m: int = Field(
        default=100, ge=0, le=1_000, description="two true fixes may be this much further apart"
    )
    wrong_in_a_row: int = Field(
        default=5,
        ge=1,
        le=60,
        description="so many fixes may be wrong together; more of them are believed",
    )
    other_terminal_s: int = Field(
        default=300,
        ge=0,
        le=3_600,
        description="a second terminal of a vehicle speaks only where the first is silent so long",
    )
    stop_radius_m: int = Field(
        default=150, ge=30, le=1_000, description="fixes so near to each other are of one place"
    )
    stop_off_s: int = Field(
        default=120, ge=30, le=3_600, description="standing so long with the ignition off is a stop"
    )
    stop_unknown_s: int = Field(
        default=300,
        ge=60,
        le=3_600,
        description="likewise, where nothing is known of the ignition",
    )
    stop_on_s: int = Field(
        default=900, ge=60, le=7_200, description="likewise, with the ignition on"
    )
    driving_kmh: int = Field(
        default=8, ge=4, le=30, description="from this speed on a fix is driving, not drift"
    )
    noise_m: int = Field(
        default=50, ge=5, le=300, description="a slow fix has moved when it lies this far away"
    )
    gap_s: int = Field(
        default=120, ge=30, le=3_600, description="a leg that takes so long counts as estimated"
    )
    gap_stop_s: int = Field(
        default=1_800,
        ge=300,
        le=86_400,
        description="a gap so much longer than its way takes holds a stop",
    )
    gap_kmh: int = Field(
        default=30, ge=5, le=120, description="how fast a way that nobody saw was driven"
    )
    drop_old_places: bool = Field(
        default=False,
        description="where positions are removed after some days, the places of trips and stops of "
        "that age go too; mileage stays",
    )
    workers: int = Field(
        default=2, ge=1, le=64, description="processes that compute what is due, side by side"
    )
    batch: int = Field(
        default=200, ge=1, le=10_000, description="due rows that a worker takes at a time"
    )
    batch_fixes: int = Field(
        default=1_000_000,
        ge=1,
        description="a transaction ends with the vehicle that brings it to so many positions",
    )
    look_s: float = Field(
        default=5.0, ge=0.1, le=3_600, description="an idle worker looks for work so often"
    )

    def rules(self) -> Rules:
        """Return the thresholds as the pure parts take them."""
        return Rules(
            fastest_kmh=self.fastest_kmh,
            slack_m=self.slack_m,
            block=self.wrong_in_a_row,
            cover_us=self.other_terminal_s * SECOND_US,
            radius_m=self.stop_radius_m,
            off_us=self.stop_off_s * SECOND_US,
            unknown_us=self.stop_unknown_s * SECOND_US,
            on_us=self.stop_on_s * SECOND_US,
            driving_kmh=self.driving_kmh,
            noise_m=self.noise_m,
            gap_us=self.gap_s * SECOND_US,
            unexplained_us=self.gap_stop_s * SECOND_US,
            gap_kmh=self.gap_kmh,
        )
