"""What a kind of rule is made of."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from metering.gauge.hold import Float64s
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth

ABSENT: Final = -1.0
"""What a sensor of people says of a time in which it does not hang there: it has no say."""
WORKING: Final = "working"
"""The layer that says whether people are expected: 1 in working hours, 0 outside."""


class Sort(enum.StrEnum):
    """What rules are about."""

    PLACE = "place"
    """A place where something hangs: an air conditioner, a lighting circuit."""
    DEVICE = "device"
    """What is polled: a meter, a sensor."""
    BUS = "bus"
    """A gateway or line with several devices behind it."""
    SITE = "site"
    """All that is polled: the one subject of this sort is number 1."""
    ROOM = "room"
    """A room: what inspectors find in it."""
    METER = "meter"
    """A meter and what it counts; a main meter with what stands behind it."""
    INSTITUTION = "institution"
    """What an institution reports."""
    VEHICLE = "vehicle"
    """A vehicle of the inventory: its papers, its way, where it stood."""
    TERMINAL = "terminal"
    """What sends the positions of a vehicle: its clock."""
    RESPONDENT = "respondent"
    """An institution as who is asked: whether it answers doubts."""

    @property
    def by_day(self) -> bool:
        """Whether only days are told of it to everybody: times tell of a vehicle's track."""
        return self in {Sort.VEHICLE, Sort.TERMINAL}


class Input(enum.StrEnum):
    """What a kind may look at of a place, by the name of the point in device profiles."""

    RUN = "run"
    MODE = "mode"
    SET_POINT = "set_point"
    ROOM_TEMPERATURE = "room_temperature"
    RELAY = "relay"
    OCCUPANCY = "occupancy"
    LUX = "lux"
    POWER = "power"


class DeviceLayer(enum.StrEnum):
    """What a kind may look at of a device."""

    HEARD = "heard"
    """1 while something is heard of it, 0 while nothing is, although it hangs somewhere."""
    OWN = "own_silence"
    """1 while nothing is heard of it but something is of what is beside it, 0 while it is heard of;
    unknown while all beside it are silent, too."""


class BusLayer(enum.StrEnum):
    """What a kind may look at of a bus: while at least two devices on it hang somewhere."""

    HEARD = "bus_heard"
    """1 while something is heard of any of its devices, 0 while nothing is of all."""
    OWN = "bus_own_silence"
    """As of a device: beside it are the other buses."""


class SiteLayer(enum.StrEnum):
    """What a kind may look at of all that is polled: where there are at least two buses."""

    HEARD = "site_heard"
    """1 while something is heard of any device, 0 while nothing is."""


class TerminalLayer(enum.StrEnum):
    """What a kind may look at of a terminal."""

    CLOCK = "clock_off"
    """By how many seconds its clock is off in an hour, above 0: ahead; unknown where late reports
    cannot be told from a clock that is behind."""


class RespondentLayer(enum.StrEnum):
    """What a kind may look at of who is asked."""

    UNANSWERED = "unanswered"
    """How many of its doubts wait for an explanation; 0 in the minute in which it explains one."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that a rule may set.

    Attributes:
        default: None: the rule must set it.
        unit: for people, ℃ or lx.
        low: the least that makes sense.
        high: the most.
        what: what it means.
    """

    default: float | None
    unit: str
    low: float
    high: float
    what: str


Values = Mapping[str, float]
"""Parameters of a rule by name, the defaults filled in."""


@dataclass(frozen=True, slots=True)
class Excess:
    """How much more than usual was used: what may be waste.

    Attributes:
        unit: of the quantity; None: that of the subject.
        of: what each hour of a piece took more than usual; NaN: nobody knows.
    """

    unit: str | None
    of: Callable[[Pieces], Float64s]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rule.

    Attributes:
        code: how rule sets name it.
        label: Chinese, for officers.
        inputs: layers that it cannot do without: what has none of them is not its subject.
        beside: layers that are shown with its doubts where they are there.
        parameters: by name.
        hours: whether it needs to know the working hours.
        holds: tells of each piece whether there is a doubt.
        sentence: what is said about a doubt, in Chinese; it accuses nobody. Fields in braces are
            the parameters.
        sort: of its subjects; the layers are those of this sort.
        needless: where it is waste, all that is used meanwhile is. Not so of set points: how much
            less another one would take is not measured.
        reported: people report it and nothing measures it.
        expression: the condition as somebody wrote it; None: the program knows it.
        excess: how much more than usual was used; None: there is nothing usual.
        tracks: its doubts tell where or when a vehicle was: looking at one asks for a reason.
        by_month: what tells of it comes once a month, and late: statements, bills.
    """

    code: str
    label: str
    inputs: tuple[str, ...]
    beside: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    hours: bool
    holds: Callable[[Pieces, Values], Truth]
    sentence: str
    sort: Sort = Sort.PLACE
    needless: bool = False
    reported: bool = False
    expression: str | None = None
    excess: Excess | None = None
    tracks: bool = False
    by_month: bool = False
