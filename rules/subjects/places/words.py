"""How what is measured at places is called."""

from __future__ import annotations

from typing import Final

from rules.kinds.aircon import MODES
from rules.kinds.model import Input
from rules.subjects.model import Word

_RUNS: Final = {0.0: "停", 1.0: "开"}
_SWITCH: Final = {0.0: "关", 1.0: "开"}
_PEOPLE: Final = {0.0: "无人", 1.0: "有人"}

WORDS: Final = {
    Input.RUN.value: Word("运行", _RUNS),
    Input.MODE.value: Word("模式", {float(number): label for label, number in MODES.items()}),
    Input.SET_POINT.value: Word("设定 ℃"),
    Input.ROOM_TEMPERATURE.value: Word("室温 ℃"),
    Input.RELAY.value: Word("回路", _SWITCH),
    Input.OCCUPANCY.value: Word("有人", _PEOPLE),
    Input.LUX.value: Word("照度 lx"),
    Input.POWER.value: Word("功率 W"),
}
