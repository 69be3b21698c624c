"""Meters: night flow, bursts, base load, a lasting step of daily use, sub-meters against a main.

What is usual is learned from the 28 days before, of the same kind of day; which figures that makes,
and when there are enough of them, is in :mod:`rules.subjects.meters`. Here stands only how far
above the usual is a doubt.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from metering.gauge.hold import Float64s
from rules.kinds.model import Excess, Kind, Parameter, Sort, Values
from rules.timeline.overlay import Pieces
from rules.timeline.truth import Truth, both, either, known


class Metered(enum.StrEnum):
    """What a kind may look at of a meter. Flows are in the meter's unit an hour."""

    WATER_NIGHT = "water_night"
    WATER_NIGHT_USUAL = "water_night_usual"
    WATER_NIGHT_SPREAD = "water_night_spread"
    WATER_HOUR = "water_hour"
    WATER_HOUR_USUAL = "water_hour_usual"
    WATER_HOUR_MOST = "water_hour_most"
    LOAD_NIGHT = "load_night"
    LOAD_NIGHT_USUAL = "load_night_usual"
    LOAD_NIGHT_SPREAD = "load_night_spread"
    DAY = "day"
    DAY_USUAL = "day_usual"
    DAY_SPREAD = "day_spread"
    SUPPLIED = "supplied"
    TAKEN = "taken"
    REST_USUAL = "rest_usual"
    DAY_OFTEN = "day_often"
    """What a fifth of the days exceed on which it counted anything, of whatever kind."""
    DRAWN = "drawn"
    """What a day drew on which the meter counted nothing, as another account of it tells."""
    ODD = "odd"
    """1 where a reading was not believed, or a register began anew; 0 elsewhere."""


_SHARE: Final = Parameter(30.0, "%", 0.0, 1000.0, "超出平常水平的比例")
_SPREADS: Final = Parameter(4.0, "倍", 0.0, 100.0, "超出平常波动的倍数")
"""How often chance passes it, and what it still finds: tests/unit/rules/…/test_floors.py."""


_Figures = tuple[Metered, Metered, Metered]
"""A figure, what is usual for it, and how that spreads."""
_DAYS: Final = (Metered.DAY, Metered.DAY_USUAL, Metered.DAY_SPREAD)


def _above(pieces: Pieces, values: Values, figures: _Figures) -> Truth:
    """Tell where a figure exceeds what is usual by more than each of three bounds."""
    value, base, wide = (pieces.column(name) for name in figures)
    bound = np.fmax.reduce(
        [
            np.full(len(pieces), values["least"]),
            base * values["share"] / 100,
            wide * values["spreads"],
        ]
    )
    return known(value - base > bound, value, base, wide)


def _burst(pieces: Pieces, values: Values) -> Truth:
    flow = pieces.column(Metered.WATER_HOUR)
    usual, most = pieces.column(Metered.WATER_HOUR_USUAL), pieces.column(Metered.WATER_HOUR_MOST)
    bound = np.fmax.reduce(
        [
            np.full(len(pieces), values["least"]),
            usual * values["times"],
            most * (1 + values["beyond"] / 100),
        ]
    )
    return known(flow > bound, flow, usual, most)


def _mains(pieces: Pieces, values: Values) -> Truth:
    supplied, taken = pieces.column(Metered.SUPPLIED), pieces.column(Metered.TAKEN)
    usual = pieces.column(Metered.REST_USUAL)
    exceeded = taken - supplied > np.fmax(values["least"], supplied * values["tolerance"] / 100)
    missing = supplied - taken - supplied * usual
    short = missing > np.fmax(values["least"], supplied * values["more"] / 100)
    return either(known(exceeded, supplied, taken), known(short, supplied, taken, usual))


def _stuck(pieces: Pieces, values: Values) -> Truth:
    """Tell where nothing is counted, although another account tells of use."""
    drawn, usual = pieces.column(Metered.DRAWN), pieces.column(Metered.DAY_OFTEN)
    return both(_idle(pieces, values), known(drawn >= usual * values["share"] / 100, drawn, usual))


def _still(pieces: Pieces, values: Values) -> Truth:
    """Tell where nothing is counted, and no other account tells why."""
    told = np.isfinite(pieces.column(Metered.DRAWN))
    return both(_idle(pieces, values), known(~told))


def _idle(pieces: Pieces, values: Values) -> Truth:
    day, usual = pieces.column(Metered.DAY), pieces.column(Metered.DAY_OFTEN)
    return both(known(day <= 0, day), known(usual >= values["least"], usual))


def _odd(pieces: Pieces, _: Values) -> Truth:
    odd = pieces.column(Metered.ODD)
    return known(odd == 1, odd)


def _over(now: Metered, usual: Metered, hours: float) -> Callable[[Pieces], Float64s]:
    """Return what an hour took more than usual, of figures that speak of so many hours."""

    def excess(pieces: Pieces) -> Float64s:
        over: Float64s = np.maximum(pieces.column(now) - pieces.column(usual), 0) / hours
        return over

    return excess


def _unbalanced(pieces: Pieces) -> Float64s:
    supplied, taken = pieces.column(Metered.SUPPLIED), pieces.column(Metered.TAKEN)
    rest = supplied - taken
    usual = np.nan_to_num(supplied * pieces.column(Metered.REST_USUAL))
    found: Float64s = np.where(rest < 0, -rest, np.maximum(rest - usual, 0)) / 24
    return found


_IDLE: Final = (Metered.DAY, Metered.DAY_OFTEN, Metered.DRAWN)
_USUALLY: Final = Parameter(5.0, "（表计单位）/日", 0.01, 1e9, "平常每日至少")


def _night(figures: _Figures, least: Parameter, unit: str, said: tuple[str, str, str]) -> Kind:
    """Return a kind about what goes on at night; ``said``: its code, label and sentence."""
    code, label, sentence = said
    return Kind(
        code=code,
        label=label,
        inputs=figures,
        beside=(),
        parameters={"least": least, "share": _SHARE, "spreads": _SPREADS},
        hours=False,
        holds=partial(_above, figures=figures),
        sentence=sentence,
        sort=Sort.METER,
        excess=Excess(unit, _over(*figures[:2], 1)),
    )


KINDS: Final = (
    _night(
        (Metered.WATER_NIGHT, Metered.WATER_NIGHT_USUAL, Metered.WATER_NIGHT_SPREAD),
        Parameter(0.1, "m³/h", 0.001, 1e4, "至少超出"),
        "m³",
        (
            "water.night_flow",
            "夜间流量偏高（长流水）",
            "夜间最小用水流量比此前 28 天的平常水平高出 {least:g} m³/h 以上。",
        ),
    ),
    Kind(
        code="water.burst",
        label="用水流量突增",
        inputs=(Metered.WATER_HOUR, Metered.WATER_HOUR_USUAL, Metered.WATER_HOUR_MOST),
        beside=(),
        parameters={
            "least": Parameter(2.0, "m³/h", 0.01, 1e5, "流量至少达到"),
            "times": Parameter(3.0, "倍", 1.0, 100.0, "相当于该时段平常最高流量的倍数"),
            "beyond": Parameter(20.0, "%", 0.0, 1000.0, "超出此前任何时段平常最高流量的比例"),
        },
        hours=False,
        holds=_burst,
        sentence="小时用水流量超过该时段平常最高流量的 {times:g} 倍。",
        sort=Sort.METER,
        excess=Excess("m³", _over(Metered.WATER_HOUR, Metered.WATER_HOUR_USUAL, 1)),
    ),
    _night(
        (Metered.LOAD_NIGHT, Metered.LOAD_NIGHT_USUAL, Metered.LOAD_NIGHT_SPREAD),
        Parameter(1.0, "kW", 0.01, 1e5, "至少超出"),
        "kWh",
        (
            "electricity.base_load",
            "夜间基础负荷偏高",
            "夜间基础负荷比此前 28 天的平常水平高出 {share:g}% 以上。",
        ),
    ),
    Kind(
        code="consumption.step",
        label="日用量持续上升",
        inputs=_DAYS,
        beside=(),
        parameters={
            "least": Parameter(5.0, "（表计单位）/日", 0.01, 1e9, "每日至少超出"),
            "share": _SHARE,
            "spreads": Parameter(3.0, "倍", 0.0, 100.0, "超出平常波动的倍数"),
        },
        hours=False,
        holds=partial(_above, figures=_DAYS),
        sentence="日用量持续比此前 28 天同类日子的平常用量高出 {share:g}% 以上。",
        sort=Sort.METER,
        excess=Excess(None, _over(Metered.DAY, Metered.DAY_USUAL, 24)),
    ),
    Kind(
        code="meter.mains",
        label="总分表不平衡",
        inputs=(Metered.SUPPLIED, Metered.TAKEN, Metered.REST_USUAL),
        beside=(),
        parameters={
            "tolerance": Parameter(2.0, "%", 0.0, 100.0, "分表之和可以超过总表的比例"),
            "more": Parameter(10.0, "%", 0.1, 100.0, "未分项部分占总表的比例比平常高出"),
            "least": Parameter(5.0, "（表计单位）/日", 0.01, 1e9, "每日至少相差"),
        },
        hours=False,
        holds=_mains,
        sentence=(
            "分表之和超过总表 {tolerance:g}% 以上，或未分项部分的占比"
            "比平常高出 {more:g} 个百分点以上。"
        ),
        sort=Sort.METER,
        excess=Excess(None, _unbalanced),
    ),
    Kind(
        code="meter.stuck",
        label="表计不走字",
        inputs=_IDLE,
        beside=(),
        parameters={
            "least": _USUALLY,
            "share": Parameter(30.0, "%", 1.0, 1000.0, "他处显示的用量至少相当于平常日用量的比例"),
        },
        hours=False,
        holds=_stuck,
        sentence=(
            "表计读数没有变化，而总表与其他分表之差（或该表自身的功率读数）显示这一支路仍在使用。"
        ),
        sort=Sort.METER,
    ),
    Kind(
        code="meter.still",
        label="表计长时间不走字",
        inputs=_IDLE,
        beside=(),
        parameters={"least": _USUALLY},
        hours=False,
        holds=_still,
        sentence=(
            "表计读数长时间没有变化，而此前 28 天常见的每日用量在 {least:g}（表计单位）以上；"
            "没有总表或功率读数可供核对。"
        ),
        sort=Sort.METER,
    ),
    Kind(
        code="meter.odd_readings",
        label="表计读数异常",
        inputs=(Metered.ODD,),
        beside=(),
        parameters={},
        hours=False,
        holds=_odd,
        sentence="表计读数倒退、跳变或重新起计，系统未予采信或另行起算，见该表的数据检查。",
        sort=Sort.METER,
    ),
)
