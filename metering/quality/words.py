"""The words officers read, and how numbers and times are written for them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from metering.counter.model import Flag
from metering.factors.kinds import load_kinds

DIRECTIONS: Final = {"in": "用入", "out": "外供", "generated": "自发"}
FINDINGS: Final = {
    "dip": "读数骤降后恢复，未计入",
    "spike": "读数突跳后恢复，未计入",
    "suspect": "可疑读数，待确认，暂未计入",
    "backwards": "读数持续倒走，未计入",
    "rollover": "翻转（满度归零）",
    "reset": "清零后重新计数",
    "jump": "跳变，用量未知",
    "entered": "人工设定起点",
    "gap": "数据中断，按估算分摊",
    "stuck": "读数长时间不变",
    "first": "首个读数，作为起点",
}
ENTRIES: Final = {
    "reading": "抄表",
    "initial": "装表底数",
    "final": "拆表止数",
    "reset": "重设起点",
}
STATUSES: Final = {"settled": "已结算", "estimated": "预估"}
FLAGS: Final = {
    Flag.ESTIMATED: "估",
    Flag.ENTERED: "抄",
    Flag.ROLLOVER: "翻",
    Flag.RESET: "清",
    Flag.SUSPECT_LEFT_OUT: "疑",
    Flag.REPLACED: "换",
    Flag.RATIO_CHANGED: "倍",
}
UNKNOWN: Final = "未知"
_UNITS: Final = {"m3": "m³"}
_BAR: Final = 10


@cache
def energy_names() -> Mapping[str, str]:
    """What officers call each kind of energy, by code."""
    return {kind.code: kind.name for kind in load_kinds().values()}


def amount(micro: int | None, unit: str = "") -> str:
    """A quantity with thousands separators, all its digits, and its unit."""
    if micro is None:
        return UNKNOWN
    return f"{plain(Decimal(micro).scaleb(-6))} {unit_name(unit)}".rstrip()


def plain(value: Decimal | float) -> str:
    """A number with thousands separators and without trailing zeros."""
    text = f"{Decimal(str(value)):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_name(unit: str) -> str:
    """A unit as it is printed."""
    return _UNITS.get(unit, unit)


def percent(share: Decimal, digits: int = 1) -> str:
    """A share in percent; never 100 % when something is missing, never 0 % when something is there.

    Args:
        share: 0 to 1; larger and negative ones are rounded only.
        digits: after the point.
    """
    step = Decimal(1).scaleb(-digits)
    rounded = (share * 100).quantize(step, ROUND_HALF_UP)
    if share < 1 <= rounded / 100:
        rounded = 100 - step
    if rounded == 0 < share:
        rounded = step
    return f"{rounded}%"


def width(text: str) -> int:
    """How many columns a text takes on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def to_the_right(text: str, columns: int) -> str:
    """A text with blanks before it, to fill so many columns."""
    return " " * (columns - width(text)) + text


def bar(share: Decimal) -> str:
    """Ten cells, filled as far as is known; the last one only when nothing is missing."""
    filled = int(share * _BAR)
    return "█" * filled + "·" * (_BAR - filled)


def moment(at: datetime | None, zone: ZoneInfo, *, unbounded: str = "不限") -> str:
    """A time in the site's zone, to the minute."""
    return unbounded if at is None else f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def flag_signs(flags: Flag) -> str:
    """One character for each thing a quantity is made of."""
    return "".join(sign for flag, sign in FLAGS.items() if flags & flag)
