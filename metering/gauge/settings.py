"""What can be set about gauges, states and the outdoor temperature."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LEAP_YEAR: Final = 2000
_EVERY_DAY: Final = tuple(
    f"{date(_LEAP_YEAR, 1, 1) + timedelta(days=number):%m-%d}" for number in range(366)
)


def within(day: str, first: str, last: str) -> bool:
    """Whether a day of the year lies between two others, both included, maybe over new year.

    Args:
        day: ``MM-DD``, like the others.
        first: the first day.
        last: the last one.
    """
    if first <= last:
        return first <= day <= last
    return day >= first or day <= last


def _day_of_year(text: str) -> str:
    try:
        date.fromisoformat(f"{_LEAP_YEAR}-{text}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no day of the year: write month-day, like 11-15") from error
    return text


DayOfYear = Annotated[str, Field(pattern=r"^\d{2}-\d{2}$"), AfterValidator(_day_of_year)]
"""``MM-DD``."""


class GaugeSettings(BaseModel):
    """How long a value holds, and when a quarter hour counts as a demand.

    What is set here is applied to what is computed from then on; ``jieyong meter recompute --all``
    applies it to the past.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    gauge_silence_s: int = Field(
        default=900,
        ge=1,
        le=86_400,
        description="A gauge's value holds until the next one, at most so many seconds "
        "(or the interval of its device, when that is longer); after that the time is unknown.",
    )
    state_silence_s: int = Field(
        default=3600,
        ge=1,
        le=604_800,
        description="The same for states, which are stored on change.",
    )
    demand_least_s: int = Field(
        default=600,
        ge=1,
        le=900,
        description="A quarter hour of which fewer seconds are known is no demand.",
    )


class DegreeDaySettings(BaseModel):
    """Degree-days, and what makes a day's mean temperature.

    Bases: HDD18 and CDD26 of GB 50176-2016 and JGJ 26-2018 (definition from memory, confidence
    high; the text was not at hand).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    heating_base_c: float = Field(
        default=18.0, ge=-20, le=40, description="Heating degree-days count below this (HDD18)."
    )
    cooling_base_c: float = Field(
        default=26.0, ge=-20, le=40, description="Cooling degree-days count above this (CDD26)."
    )
    least_hours: int = Field(
        default=20,
        ge=1,
        le=24,
        description="A day with fewer known hours has no mean, unless 02, 08, 14 and 20 o'clock "
        "are known.",
    )
    least_sensor_s: int = Field(
        default=1800,
        ge=1,
        le=3600,
        description="An hour of a sensor is known when so many seconds of it are.",
    )


class SeasonSettings(BaseModel):
    """When the heating and the cooling season are.

    The default days are the customary ones of central heating north of the Qinling and Huaihe
    (confidence medium) and of summer; each city orders its own: set them. The threshold of 5 °C is
    that of the heating period for calculation in GB 50736 (from memory, confidence high); that of
    cooling is a choice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["dates", "temperature"] = Field(
        default="dates",
        description="dates: by the days below; temperature: by the running mean of daily means.",
    )
    heating_from: DayOfYear = Field(default="11-15", description="First day, month-day.")
    heating_until: DayOfYear = Field(default="03-15", description="Last day, month-day.")
    cooling_from: DayOfYear = Field(default="06-01", description="First day, month-day.")
    cooling_until: DayOfYear = Field(default="09-30", description="Last day, month-day.")
    heating_at_most_c: float = Field(
        default=5.0,
        ge=-40,
        le=40,
        description="Heating season while the running mean is not above.",
    )
    cooling_at_least_c: float = Field(
        default=26.0, ge=-40, le=40, description="Cooling season while it is not below."
    )
    running_days: int = Field(
        default=5, ge=1, le=31, description="Days of the running mean, the day itself the last."
    )

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.heating_at_most_c >= self.cooling_at_least_c:
            raise ValueError("heating_at_most_c must be below cooling_at_least_c")
        both = [
            day
            for day in _EVERY_DAY
            if within(day, self.heating_from, self.heating_until)
            and within(day, self.cooling_from, self.cooling_until)
        ]
        if both:
            raise ValueError(f"both seasons include {both[0]}: let one end before the other")
        return self
