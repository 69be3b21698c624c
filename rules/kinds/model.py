"""What a kind of rule is made of."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth

WORKING: Final = "working"
"""The layer that says whether people are expected: 1 in working hours, 0 outside."""


class Input(enum.StrEnum):
    """What a kind may look at, by the name of the point in device profiles."""

    RUN = "run"
    MODE = "mode"
    SET_POINT = "set_point"
    ROOM_TEMPERATURE = "room_temperature"
    RELAY = "relay"
    OCCUPANCY = "occupancy"
    LUX = "lux"
    POWER = "power"


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
class Kind:
    """A sort of rule about what hangs at a place.

    Attributes:
        code: how rule sets name it.
        label: Chinese, for officers.
        inputs: what it cannot do without: a place without them is not its subject.
        beside: what it looks at where it is there, of the place or of its room.
        parameters: by name.
        hours: whether it needs to know the working hours.
        holds: tells of each piece whether there is a doubt.
        sentence: what is said about a doubt, in Chinese; it accuses nobody. Fields in braces are
            the parameters.
    """

    code: str
    label: str
    inputs: tuple[Input, ...]
    beside: tuple[Input, ...]
    parameters: Mapping[str, Parameter]
    hours: bool
    holds: Callable[[Pieces, Values], Truth]
    sentence: str
