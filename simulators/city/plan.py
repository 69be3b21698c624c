"""What a scenario says: how large the city is, what is wasted in it, what only looks like waste."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


class By(enum.StrEnum):
    """Along what cases of a kind are larger or smaller."""

    DEGREES = "degrees"
    """℃ beyond the limit of the law, not of its tolerance."""
    LUX = "lux"
    """Natural light while the lamps were on, its mean."""
    MINUTES = "minutes"
    HOURS = "hours"
    FLOW = "flow"
    """m³/h on top."""
    LOAD = "load"
    """kW on top."""
    SHARE = "share"
    """% of what is usual on top; of a main meter: of what its sub-meters cease to tell; of a part
    that is replaced again: of its life, that is left."""
    KILOMETRES = "kilometres"
    MONTHS = "months"
    AHEAD = "ahead"
    """Minutes that a clock is ahead."""
    BEHIND = "behind"
    """Minutes that it is behind."""
    LATE = "late"
    """Days behind its deadline after which a figure was there."""
    DAYS = "days"


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

METERED: Final[Mapping[str, tuple[By, ...]]] = {
    "water.night_flow": (By.FLOW,),
    "water.burst": (By.SHARE,),
    "electricity.base_load": (By.SHARE, By.LOAD),
    "consumption.step": (By.SHARE,),
    "meter.mains": (By.SHARE,),
    "meter.stuck": (By.HOURS,),
    "meter.still": (By.HOURS,),
}
"""Kinds of waste that meters of buildings tell of, likewise."""

TIMED: Final = ("circuit.outside_schedule", "lighting.landscape")
"""Kinds of waste at circuits that run by a timetable."""

DRIVEN: Final[Mapping[str, tuple[By, ...]]] = {
    "vehicle.out_of_hours": (By.MINUTES,),
    "vehicle.not_in_yard": (By.MINUTES,),
    "vehicle.sealed_moved": (By.KILOMETRES,),
    "vehicle.plate_tail": (By.KILOMETRES,),
    "vehicle.maintenance_cost": (By.SHARE,),
    "vehicle.repeated_part": (By.SHARE,),
    "vehicle.fuel_rate": (By.SHARE,),
    "vehicle.fuel_cost": (By.SHARE,),
}
"""Kinds of waste that vehicles' ways and papers tell of, likewise."""

SILENT: Final = ("data.silent", "bus.silent", "site.silent")
"""Silences: of a device alone, of a bus with all its devices, of all that is polled."""

ODD: Final = "meter.odd_readings"
"""Readings of a register that cannot be true; by how far, % of what it can gain in an hour."""

REPORTED: Final = ("electricity", "water", "gas", "heat")
AHEAD: Final = {energy: f"quota.ahead.{energy}" for energy in REPORTED}
"""More used of a year than its quota gives to its days; by how much on average, %."""
GROWN: Final = {energy: f"consumption.year_on_year.{energy}" for energy in REPORTED}
"""More used in a month than is needed; by how much, %."""

CLOCK: Final = "terminal.clock"
"""A terminal that takes another time for the right one."""

MISSING: Final = {cadence: f"report.missing.{cadence}" for cadence in ("month", "quarter", "year")}
"""A figure of a period that is over, which ought to be there and is not."""

UNANSWERED: Final = "doubts.unanswered"
"""Several doubts wait, and whoever is asked answers none of them."""

KINDS: Final = {
    **MEASURES,
    **METERED,
    **dict.fromkeys(TIMED, (By.MINUTES,)),
    **DRIVEN,
    **dict.fromkeys(SILENT, (By.HOURS,)),
    ODD: (By.SHARE,),
    **dict.fromkeys((*AHEAD.values(), *GROWN.values()), (By.SHARE,)),
    CLOCK: (By.AHEAD, By.BEHIND),
    **dict.fromkeys(MISSING.values(), (By.LATE,)),
    UNANSWERED: (By.DAYS,),
}

TERMINAL_TROUBLES: Final = ("offline", "gap", "delayed", "outage", "duplicate", "seldom")
"""What only looks like a wrong clock: hours, or minutes, without a network, and what was kept
meanwhile comes later; days on which all comes late by as much; an hour without our own server, of
all terminals at once; reports that come twice; terminals that send every 10 to 20 minutes."""

LEDGER_HARMLESS: Final = (
    *("last_day", "day_before", "corrected", "taken_back", "closed", "opened"),
)
"""What of figures is no lateness: they come on the last day, or before anybody is reminded; one is
corrected, or taken back and entered anew minutes later; an account is handed or taken over."""

RESPONDENT_HARMLESS: Final = ("now_and_then", "settled", "once")
"""Who does answer: one of many every few weeks; or need not: all is withdrawn or exempted in time;
or was asked but once or twice."""

REPORT_HARMLESS: Final = ("staff", "building", "guided", "gap", "billed")
"""What is no waste of a unit that reports: more people, a new building, a guide value that it does
not reach; weeks that nobody knows; energies of which only the sums of months are known."""

REGISTER_TROUBLES: Final = ("rollover", "exchanged", "told_late", "busy", "standing")
"""What only looks odd: a register that begins anew because it is full; another one in its place;
hours or days that are told in one reading; hours of large use; days without any."""

DEVICE_TROUBLES: Final = (
    *("dropout", "bus_dropout", "site_dropout", "weak", "daily", "exchanged", "taken_down"),
)
"""What only looks like a silence: one of hours, of a device, a bus or everything; devices that are
heard of every few hours, or once a day; another in the place of the first; none any more."""

VEHICLE_USES: Final = (
    *("law", "special", "confidential", "emergency", "emergency-response"),
    *("sealed", "new", "unkept", "basement", "capped", "electric"),
)
"""What vehicles may be but ordinary: by use in the ledger, or a tag; sealed for some days; new;
without kept orders; in a basement at night; filled by a card that pays so much; without a tank."""

VEHICLE_HARMLESS: Final = (
    *("overtime_order", "written_after", "order_before", "late_return", "no_return", "other_yard"),
    *("duty", "shifted", "warmed_up"),
    *("other_side", "guarantee", "inspected", "in_parts", "other_motor", "no_reading"),
    "large_repair",
)
"""What people do with vehicles, and what is mended, that is no waste and looks like it."""

VEHICLE_TROUBLES: Final = ("silence", "silent_days", "reset")
"""What happens to terminals: they tell nothing for hours, or days; their odometer begins anew."""

USES: Final = ("dormitory", "ward", "cooling-tower", "tank", "garden")
"""What buildings may be but offices: people sleep there, who are exempt as a ward or not; water is
made up in hot weather, or fills a tank at night; a garden is watered on warm nights."""

UNUSUAL: Final = ("late_work", "busy_day", "branch_off", "closed", "growth")
"""What is no waste and looks so to a meter: one night of work, one day with many guests; a branch
that really draws nothing; a building without water; use that grows through the season."""

FAILURES: Final = ("gap", "catch_up", "replaced")
"""What happens to meters: they tell nothing, or all of it afterwards; another one is mounted."""

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
        kind: of :data:`KINDS`.
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
        buildings: of each institution, with a meter of water and one of electricity, which has
            sub-meters.
        uses: of :data:`USES` → how many buildings.
        unusual: of :data:`UNUSUAL` → how many.
        failures: of :data:`FAILURES` → how many.
        circuits: of each institution, boilers and landscape lighting in turn.
        vehicles: of each institution.
        vehicle_uses: of :data:`VEHICLE_USES` → how many vehicles.
        vehicle_harmless: of :data:`VEHICLE_HARMLESS` → how many.
        vehicle_troubles: of :data:`VEHICLE_TROUBLES` → how many.
        buses: of each institution, which polls for itself, with one to eight devices each.
        device_troubles: of :data:`DEVICE_TROUBLES` → how many.
        registers: of each institution.
        register_troubles: of :data:`REGISTER_TROUBLES` → how many.
        reporters: units of each institution that report.
        report_harmless: of :data:`REPORT_HARMLESS` → how many.
        reported_holidays: of the whole year and of the one before, for units that report.
        reported_makeup: weekend days that are worked then.
        terminals: of each institution.
        terminal_troubles: of :data:`TERMINAL_TROUBLES` → how many; seldom: terminals.
        ledgers: units of each institution that enter figures.
        ledger_harmless: of :data:`LEDGER_HARMLESS` → how many.
        respondents: units of each institution that are asked.
        respondent_harmless: of :data:`RESPONDENT_HARMLESS` → how many.
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
    buildings: int = 0
    uses: Mapping[str, int] = field(default_factory=dict)
    unusual: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    circuits: int = 0
    vehicles: int = 0
    vehicle_uses: Mapping[str, int] = field(default_factory=dict)
    vehicle_harmless: Mapping[str, int] = field(default_factory=dict)
    vehicle_troubles: Mapping[str, int] = field(default_factory=dict)
    buses: int = 0
    device_troubles: Mapping[str, int] = field(default_factory=dict)
    registers: int = 0
    register_troubles: Mapping[str, int] = field(default_factory=dict)
    reporters: int = 0
    report_harmless: Mapping[str, int] = field(default_factory=dict)
    reported_holidays: frozenset[int] = frozenset()
    reported_makeup: frozenset[int] = frozenset()
    terminals: int = 0
    terminal_troubles: Mapping[str, int] = field(default_factory=dict)
    ledgers: int = 0
    ledger_harmless: Mapping[str, int] = field(default_factory=dict)
    respondents: int = 0
    respondent_harmless: Mapping[str, int] = field(default_factory=dict)

    def works(self, day: int) -> bool:
        """Whether a local day is a workday."""
        weekend = (day + 3) % 7 >= 5
        return day in self.makeup or not (weekend or day in self.holidays)
