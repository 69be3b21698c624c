"""Utilisation as sheets: of vehicles, and of vehicles together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from fleet.use.idle import Standing
from fleet.use.overlap import Peak
from fleet.use.report import Pool, Use
from registry.table import Column, Look, Row, Table

_NAMED: Final = ("sheet", "工作表")
_STATES: Final = {"sealed": "封存", "disposed": "处置"}
_HOUR: Final = 60
_MOST_DAYS: Final = Decimal("0.9")


def use_table(found: Sequence[Use], particulars: str, idle_days: int, pause: int) -> Table:
    """Return one line for each vehicle.

    Args:
        found: the vehicles.
        particulars: whose and when.
        idle_days: not driven for so many is idle.
        pause: minutes that a vehicle may stand and still be out.
    """
    return Table(
        name="使用情况",
        title="公务用车使用情况",
        particulars=particulars,
        columns=(
            Column("institution", "单位", width=22),
            Column("plate", "车牌号", width=12),
            Column("state", "状态", width=8),
            Column("days", "在册天数", Look.COUNT, 10),
            Column("used", "用车天数", Look.COUNT, 10, summed=True),
            Column("unused", "未用天数", Look.COUNT, 10, summed=True),
            Column("unknown", "不明天数", Look.COUNT, 10, summed=True),
            Column("hours", "工作日外出", Look.QUANTITY, 13, summed=True, unit="小时"),
            Column("km", "里程", Look.QUANTITY, 12, summed=True, unit="km"),
            Column("note", "疑点", width=34),
        ),
        rows=tuple(_use(one, idle_days) for one in found),
        remarks=(
            "用车：有派车单，或定位显示有行驶；未用：有定位而没有行驶。",
            "不明：没有定位，也没有派车单，不等于闲置。里程只含有定位的天。",
            f"连续 {idle_days} 天以上未用的列为疑点，由单位说明；其中有不明天数的，不能判断。",
            f"外出：从出车到回车；两次行程之间停放不超过 {pause} 分钟的，算作仍在外出。",
        ),
        named=_NAMED,
    )


def pool_table(found: Sequence[Pool], particulars: str, zone: ZoneInfo) -> Table:
    """Return one line for each institution, and for those that could share."""
    return Table(
        name="同时外出",
        title="同时外出车辆数与可合用情况",
        particulars=particulars,
        columns=(
            Column("name", "单位或合用范围", width=34),
            Column("vehicles", "现有车辆", Look.COUNT, 10),
            Column("road", "同时行驶最多", Look.COUNT, 14),
            Column("road_at", "最早在", width=17),
            Column("out", "同时外出最多", Look.COUNT, 14),
            Column("out_at", "最早在", width=17),
            Column("unknown", "不明车日", Look.COUNT, 10),
            Column("enough", "够用天数", width=52),
        ),
        rows=tuple(_pool(one, zone) for one in found),
        remarks=(
            "逐分钟比较各车外出时间；不含一直封存的车辆。空格表示不知道，不是零。",
            "够用天数中，情况不明的车当天按外出计算，所以只会多算所需车辆，不会少算。",
            "供统筹用车参考；车型、用途不能互相代替的，由单位说明。",
        ),
        named=_NAMED,
    )


def enough_said(one: Pool) -> str:
    """Say how many vehicles would have been enough on how many days."""
    days = len(one.needed)
    if not days:
        return ""
    asked = math.ceil(_MOST_DAYS * days)
    most = next(step for step in one.enough if step[1] >= asked)
    steps = dict.fromkeys([most, one.enough[-1]])
    return "；".join(f"{number} 辆在 {days} 天中的 {on} 天够用" for number, on in steps)


def _use(one: Use, idle_days: int) -> Row:
    vehicle = one.vehicle
    return {
        "institution": vehicle.institution_name,
        "plate": vehicle.code if vehicle.sensitive else vehicle.plate,
        "state": _STATES.get(one.state, ""),
        "days": one.days,
        "used": one.used,
        "unused": one.unused,
        "unknown": one.unknown,
        "hours": None
        if one.out_minutes is None
        else (Decimal(one.out_minutes) / _HOUR).quantize(Decimal("0.01")),
        "km": None
        if one.way_mm is None
        else Decimal(one.way_mm).scaleb(-6).quantize(Decimal(".1")),
        "note": _note(one, idle_days),
    }


def _note(one: Use, idle_days: int) -> str:
    if one.state != "used" or one.awake < idle_days:
        return ""
    if one.tail.standing is Standing.IDLE:
        return f"至期末已 {one.tail.days} 天未用（疑点）"
    if one.tail.standing is Standing.UNCLEAR:
        return f"不能判断：期末 {one.tail.days} 天中 {one.tail.unknown} 天情况不明"
    return ""


def _pool(one: Pool, zone: ZoneInfo) -> Row:
    return {
        "name": one.name,
        "vehicles": one.vehicles,
        "road": one.road.vehicles if one.road else None,
        "road_at": _at(one.road, zone),
        "out": one.out.vehicles if one.out else None,
        "out_at": _at(one.out, zone),
        "unknown": one.unknown,
        "enough": enough_said(one),
    }


def _at(peak: Peak | None, zone: ZoneInfo) -> str | None:
    if peak is None or peak.minute is None:
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(minutes=peak.minute)
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
