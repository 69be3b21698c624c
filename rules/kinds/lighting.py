"""Lighting circuits: on with nobody there, outside hours, in daylight, or never off."""

from __future__ import annotations

from typing import Final

from rules.kinds import circuit
from rules.kinds.model import WORKING, Input, Kind, Parameter, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, both, known


def _on(pieces: Pieces) -> Truth:
    relay = pieces.column(Input.RELAY)
    return known(relay == 1, relay)


def _nobody_there(pieces: Pieces, _: Values) -> Truth:
    somebody = pieces.column(Input.OCCUPANCY)
    return both(_on(pieces), known(somebody == 0, somebody))


def _outside_hours(pieces: Pieces, _: Values) -> Truth:
    working = pieces.column(WORKING)
    return both(_on(pieces), known(working == 0, working))


def _daylight(pieces: Pieces, values: Values) -> Truth:
    lux = pieces.column(Input.LUX)
    return both(_on(pieces), known(lux >= values["bright_enough"] + values["lamps"], lux))


def _never_off(pieces: Pieces, _: Values) -> Truth:
    return _on(pieces)


def _power_never_off(pieces: Pieces, values: Values) -> Truth:
    power = pieces.column(Input.POWER)
    return known(power >= values["on_above"], power)


KINDS: Final = (
    Kind(
        "lighting.nobody",
        "无人亮灯",
        (Input.RELAY, Input.OCCUPANCY),
        (Input.POWER,),
        {},
        False,
        _nobody_there,
        "没有测得有人，照明回路仍然开着。",
        needless=True,
    ),
    Kind(
        "lighting.outside_hours",
        "非工作时间亮灯",
        (Input.RELAY,),
        (Input.OCCUPANCY, Input.POWER),
        {},
        True,
        _outside_hours,
        "照明回路在工作时间以外开着。",
        needless=True,
    ),
    Kind(
        "lighting.daylight",
        "白昼灯",
        (Input.RELAY, Input.LUX),
        (Input.POWER,),
        {
            "bright_enough": Parameter(300.0, "lx", 50.0, 2000.0, "自然光达到它就不需要开灯"),
            "lamps": Parameter(500.0, "lx", 0.0, 2000.0, "灯具自身在测点处产生的照度"),
        },
        False,
        _daylight,
        "自然光已达到 {bright_enough:g} lx，照明回路仍然开着。",
        needless=True,
    ),
    Kind(
        "lighting.never_off",
        "长明灯",
        (Input.RELAY,),
        (Input.POWER,),
        {},
        False,
        _never_off,
        "照明回路长时间没有关过。",
    ),
    Kind(
        "lighting.power_never_off",
        "长明灯（按功率）",
        (Input.POWER,),
        (),
        {"on_above": Parameter(None, "W", 0.1, 1e6, "功率达到它即视为开灯")},
        False,
        _power_never_off,
        "照明回路的功率长时间没有降到 {on_above:g} W 以下。",
    ),
    Kind(
        code="lighting.landscape",
        label="景观照明时段外亮灯",
        inputs=(Input.RELAY,),
        beside=(Input.POWER,),
        parameters={},
        hours=True,
        holds=circuit.outside,
        sentence="景观照明在允许开启的日期和时段以外开着。",
        needless=True,
    ),
    Kind(
        code="lighting.power_landscape",
        label="景观照明时段外亮灯（按功率）",
        inputs=(Input.POWER,),
        beside=(),
        parameters={"on_above": circuit.ON_ABOVE},
        hours=True,
        holds=circuit.power_outside,
        sentence="景观照明在允许开启的日期和时段以外的功率达到 {on_above:g} W。",
        needless=True,
    ),
)
