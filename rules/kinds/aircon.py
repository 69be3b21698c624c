"""Air conditioners: set points, running outside hours, running with nobody there.

Modes are those of :data:`MODES`, whatever numbers a device uses for them. Dry, fan and automatic
modes have no set point that could be wrong (shared facts: practice, "Waste on site").
"""

from __future__ import annotations

from typing import Final

from rules.kinds.model import WORKING, Input, Kind, Parameter, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, both, known

MODES: Final = {"自动": 0, "制冷": 1, "除湿": 2, "送风": 3, "制热": 4}
"""What device profiles call the modes → the numbers that conditions use."""

COOLING: Final = MODES["制冷"]
HEATING: Final = MODES["制热"]

_TOLERANCE: Final = Parameter(0.5, "℃", 0.0, 5.0, "容差：偏离不超过它的不算")


def _runs_in(pieces: Pieces, mode: int) -> Truth:
    run, current = pieces.column(Input.RUN), pieces.column(Input.MODE)
    return both(known(run == 1, run), known(current == mode, current))


def _too_cold(pieces: Pieces, values: Values) -> Truth:
    point = pieces.column(Input.SET_POINT)
    # Set points come in tenths: half of one more keeps what a float makes of them out of it.
    low = known(point < values["at_least"] - values["tolerance"] - 0.05, point)
    return both(_runs_in(pieces, COOLING), low)


def _too_warm(pieces: Pieces, values: Values) -> Truth:
    point = pieces.column(Input.SET_POINT)
    high = known(point > values["at_most"] + values["tolerance"] + 0.05, point)
    return both(_runs_in(pieces, HEATING), high)


def _outside_hours(pieces: Pieces, _: Values) -> Truth:
    run, working = pieces.column(Input.RUN), pieces.column(WORKING)
    return both(known(run == 1, run), known(working == 0, working))


def _nobody_there(pieces: Pieces, _: Values) -> Truth:
    run, somebody = pieces.column(Input.RUN), pieces.column(Input.OCCUPANCY)
    return both(known(run == 1, run), known(somebody == 0, somebody))


KINDS: Final = (
    Kind(
        "aircon.cooling",
        "制冷设定温度偏低",
        (Input.RUN, Input.MODE, Input.SET_POINT),
        (Input.ROOM_TEMPERATURE, Input.POWER),
        {
            "at_least": Parameter(26.0, "℃", 10.0, 40.0, "制冷设定温度的下限"),
            "tolerance": _TOLERANCE,
        },
        False,
        _too_cold,
        "空调制冷运行时设定温度低于 {at_least:g} ℃。",
    ),
    Kind(
        "aircon.heating",
        "制热设定温度偏高",
        (Input.RUN, Input.MODE, Input.SET_POINT),
        (Input.ROOM_TEMPERATURE, Input.POWER),
        {
            "at_most": Parameter(20.0, "℃", 10.0, 40.0, "制热设定温度的上限"),
            "tolerance": _TOLERANCE,
        },
        False,
        _too_warm,
        "空调制热运行时设定温度高于 {at_most:g} ℃。",
    ),
    Kind(
        "aircon.outside_hours",
        "空调非工作时间运行",
        (Input.RUN,),
        (Input.POWER,),
        {},
        True,
        _outside_hours,
        "空调在工作时间以外运行。",
        needless=True,
    ),
    Kind(
        "aircon.nobody",
        "空调无人运行",
        (Input.RUN, Input.OCCUPANCY),
        (Input.POWER,),
        {},
        False,
        _nobody_there,
        "房间内没有测得有人，空调仍在运行。",
        needless=True,
    ),
)
