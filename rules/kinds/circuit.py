"""Circuits that run by a timetable: boiled water, a second lift after hours, corridor fans.

The hours of such a rule are those in which the circuit may run.
"""

from __future__ import annotations

from typing import Final

from rules.kinds.model import WORKING, Input, Kind, Parameter, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, both, known

ON_ABOVE: Final = Parameter(None, "W", 0.1, 1e6, "功率达到它即视为运行")
"""No default: what stands by for one circuit is the load of another."""


def outside(pieces: Pieces, _: Values) -> Truth:
    """Tell where a circuit is switched on outside its hours."""
    relay = pieces.column(Input.RELAY)
    return both(known(relay == 1, relay), _outside_hours(pieces))


def power_outside(pieces: Pieces, values: Values) -> Truth:
    """Tell where a circuit draws power outside its hours."""
    power = pieces.column(Input.POWER)
    return both(known(power >= values["on_above"], power), _outside_hours(pieces))


def _outside_hours(pieces: Pieces) -> Truth:
    allowed = pieces.column(WORKING)
    return known(allowed == 0, allowed)


KINDS: Final = (
    Kind(
        code="circuit.outside_schedule",
        label="回路时段外运行",
        inputs=(Input.RELAY,),
        beside=(Input.POWER,),
        parameters={},
        hours=True,
        holds=outside,
        sentence="回路在规定时段以外开着。",
        needless=True,
    ),
    Kind(
        code="circuit.power_outside_schedule",
        label="回路时段外运行（按功率）",
        inputs=(Input.POWER,),
        beside=(),
        parameters={"on_above": ON_ABOVE},
        hours=True,
        holds=power_outside,
        sentence="回路在规定时段以外的功率达到 {on_above:g} W。",
        needless=True,
    ),
)
