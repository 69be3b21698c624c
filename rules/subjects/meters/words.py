"""How figures of meters are called."""

from __future__ import annotations

from typing import Final

from rules.kinds.metered import Metered
from rules.subjects.model import Word

WORDS: Final = {
    Metered.WATER_NIGHT.value: Word("夜间最小流量 m³/h"),
    Metered.WATER_NIGHT_USUAL.value: Word("平常夜间流量 m³/h"),
    Metered.WATER_NIGHT_SPREAD.value: Word("平常波动 m³/h"),
    Metered.WATER_HOUR.value: Word("小时流量 m³/h"),
    Metered.WATER_HOUR_USUAL.value: Word("该时段平常最高 m³/h"),
    Metered.WATER_HOUR_MOST.value: Word("各时段平常最高 m³/h"),
    Metered.LOAD_NIGHT.value: Word("夜间基础负荷 kW"),
    Metered.LOAD_NIGHT_USUAL.value: Word("平常基础负荷 kW"),
    Metered.LOAD_NIGHT_SPREAD.value: Word("平常波动 kW"),
    Metered.DAY.value: Word("日用量"),
    Metered.DAY_USUAL.value: Word("同类日平常用量"),
    Metered.DAY_SPREAD.value: Word("平常波动"),
    Metered.SUPPLIED.value: Word("总表（含自发）"),
    Metered.TAKEN.value: Word("分表之和"),
    Metered.REST_USUAL.value: Word("平常未分项占比"),
    Metered.DAY_OFTEN.value: Word("此前常见的日用量"),
    Metered.DRAWN.value: Word("他处显示的用量"),
    Metered.ODD.value: Word("读数异常", {0.0: "否", 1.0: "是"}),
}
