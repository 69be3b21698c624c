"""What a scenario says: how large the city is, what is wasted in it, what only looks like waste."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


class By(enum.StrEnum):
    """Along what cases of a kind are larger or smaller."""

    DEGREES = "degrees"
    """℃ beyond the limit of the law, not of its tolerance."""
    LUX = "lux"
    """Natural light while the lamps were on, its mean."""
    MINUTES = "minutes"
    HOURS = "hours"


MEASURES: Final[Mapping[str, tuple[By, ...]]] = {
    "aircon.cooling": (By.DEGREES, By.MINUTES),
    "aircon.heating": (By.DEGREES, By.MINUTES),
    "aircon.outside_hours": (By.MINUTES,),
    "aircon.nobody": (By.MINUTES,),
    "lighting.nobody": (By.MINUTES,),
    "lighting.outside_hours": (By.MINUTES,),
    "lighting.daylight": (By.LUX, By.MINUTES),
    "lighting.never_off": (By.HOURS,),
    "lighting.power_never_off": (By.HOURS,),
}
"""Kinds of waste in rooms → along what each can be measured."""

HARMLESS: Final = (
    *("overtime", "short_absence", "sitting_still", "nap", "cleaners", "at_tolerance"),
    *("other_mode", "flicker", "idle_setting"),
)
"""What people do that is no waste and looks like it, a day of a room each."""

DISTURBANCES: Final = ("silence", "unknown", "late", "glitch", "replacement")
"""What happens to sensors: they fall silent, say that they do not know, tell it later; one wrong
value; another device takes the place of the first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Cases of a kind that are put into the city.

    Attributes:
        kind: of :data:`MEASURES`.
        by: along what.
        sizes: ascending, in the unit of ``by``.
        each: how many of each size.
    """

    kind: str
    by: By
    sizes: tuple[float, ...]
    each: int


@dataclass(frozen=True, slots=True)
class Spell:
    """Days that are warmer, or colder, than the season: first and last, local days since 1970."""

    first: int
    last: int
    degrees: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario.

    Attributes:
        code: its name.
        title: Chinese.
        first: local day since 1970.
        days: how many.
        holidays: local days since 1970.
        makeup: weekend days that are worked.
        opens: minute of the day from which people are expected on workdays.
        closes: until then.
        institutions: how many.
        rooms: of each; a room has an air conditioner and a lighting circuit.
        exempt: tag → how many rooms have it.
        power_only: rooms whose lighting circuit tells its power alone.
        wanted: cases.
        harmless: of :data:`HARMLESS` → how many.
        disturbances: of :data:`DISTURBANCES` → how many.
        spells: of weather.
    """

    code: str
    title: str
    first: int
    days: int
    holidays: frozenset[int]
    makeup: frozenset[int]
    opens: int
    closes: int
    institutions: int
    rooms: int
    exempt: Mapping[str, int]
    power_only: int
    wanted: tuple[Wanted, ...]
    harmless: Mapping[str, int]
    disturbances: Mapping[str, int]
    spells: tuple[Spell, ...]

    def works(self, day: int) -> bool:
        """Whether a local day is a workday."""
        weekend = (day + 3) % 7 >= 5
        return day in self.makeup or not (weekend or day in self.holidays)
