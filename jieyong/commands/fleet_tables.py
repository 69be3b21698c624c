"""Tables of `jieyong fleet`, for people, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.table import Table

from fleet.cards.listing import CardRow
from fleet.dashboard.compare import Compared
from fleet.dashboard.readings import Reading
from fleet.derive.listing import DayRow, Total, TripRow
from fleet.trips.model import TripFlag

_WORDS: Final = {
    TripFlag.GAP: "含估算路段",
    TripFlag.JUMP: "定位跳变",
    TripFlag.OPEN_START: "起点之前无数据",
    TripFlag.OPEN_END: "可能未结束",
    TripFlag.START_ESTIMATED: "起始时间为估算",
    TripFlag.END_ESTIMATED: "结束时间为估算",
    TripFlag.ODOMETER: "终端里程异常",
}


def trips(rows: Sequence[TripRow], title: str, zone: ZoneInfo) -> Table:
    """Return trips, without places: those are in the JSON."""
    table = _table(
        *(title, "开始", "结束", "里程 km", "其中估算", "终端 km", "行驶", "怠速"),
        *("最高 km/h", "说明"),
    )
    for row in rows:
        table.add_row(
            _moment(row.started_at, zone),
            _moment(row.ended_at, zone),
            km(row.distance_mm),
            km(row.gap_mm) if row.gap_mm else "",
            km(row.terminal_mm),
            _duration(row.moving_s),
            _duration(row.idle_s),
            "未知" if row.max_speed_kmh is None else f"{row.max_speed_kmh:.0f}",
            said(row.flags),
        )
    return table


def trips_total(rows: Sequence[TripRow]) -> str:
    """Say what trips come to."""
    gap = sum(row.gap_mm or 0 for row in rows)
    seen = [row.distance_mm for row in rows if row.distance_mm is not None]
    part = f"，其中估算 {km(gap)} km" if gap else ""
    unseen = len(rows) - len(seen)
    if not unseen:
        return f"共 {len(rows)} 次，{km(sum(seen))} km{part}。"
    terminal = sum(row.terminal_mm or 0 for row in rows if row.distance_mm is None)
    seen_part = f"其余 {km(sum(seen))} km{part}；" if seen else ""
    return f"共 {len(rows)} 次；{seen_part}{unseen} 次为敏感车辆行程，终端里程 {km(terminal)} km。"


def days(rows: Sequence[DayRow], title: str) -> Table:
    """Return the days of a vehicle."""
    table = _table(
        *(title, "日期", "行程", "GPS km", "其中估算", "终端 km", "相差 km"),
        *("行驶", "怠速", "定位数", "未采用"),
    )
    for row in rows:
        table.add_row(
            str(row.day),
            str(row.trips),
            km(row.gps_mm),
            km(row.gap_mm) if row.gap_mm else "",
            km(row.terminal_mm),
            _difference(row.gps_mm, row.terminal_mm),
            _duration(row.moving_s),
            _duration(row.idle_s),
            str(row.fixes),
            str(row.bad) if row.bad else "",
        )
    return table


def totals(rows: Sequence[Total], title: str) -> Table:
    """Return the month of every vehicle."""
    table = _table(
        *(title, "车辆", "车牌", "用车天数", "行程", "GPS km", "其中估算", "终端 km", "相差 km"),
        *("定位数", "未采用"),
    )
    for row in rows:
        table.add_row(
            *(row.code, row.plate, str(row.used), str(row.trips), km(row.gps_mm)),
            km(row.gap_mm) if row.gap_mm else "",
            km(row.terminal_mm),
            _difference(row.gps_mm, row.terminal_mm),
            str(row.fixes),
            str(row.bad) if row.bad else "",
        )
    return table


def compared(rows: Sequence[Compared], zone: ZoneInfo) -> Table:
    """Return the three mileages between dashboard readings."""
    table = _table(
        *("三种里程对照（两次里程表读数之间）", "自", "至", "里程表 km", "GPS km", "终端 km"),
        *("GPS 减里程表", "终端减里程表"),
    )
    for row in rows:
        table.add_row(
            _moment(row.since, zone),
            _moment(row.until, zone),
            km(row.dashboard_mm),
            km(row.gps_mm),
            km(row.terminal_mm),
            _difference(row.gps_mm, row.dashboard_mm),
            _difference(row.terminal_mm, row.dashboard_mm),
        )
    return table


def readings(rows: Sequence[Reading], title: str, zone: ZoneInfo) -> Table:
    """Return dashboard readings with the numbers to withdraw them by."""
    table = _table(title, "编号", "时间", "km", "备注", "录入人")
    for row in rows:
        note = "，".join(part for part in ("换表或归零" * row.restarts, row.note) if part)
        table.add_row(str(row.id), _moment(row.read_at, zone), str(row.km), note, row.entered_by)
    return table


def as_json(rows: Sequence[TripRow] | Sequence[DayRow] | Sequence[CardRow], zone: ZoneInfo) -> str:
    """Return rows as JSON: times of the site's zone, distances in whole millimetres."""

    def plain(value: object) -> object:
        if isinstance(value, datetime):
            return value.astimezone(zone).isoformat()
        if isinstance(value, date | Decimal):
            return str(value)
        raise TypeError(f"{type(value).__name__} has no place in JSON")

    found: list[dict[str, Any]] = [asdict(row) for row in rows]
    return json.dumps(found, default=plain, ensure_ascii=False, indent=2)


def said(flags: int) -> str:
    """Say in words what one should know of a trip."""
    return "；".join(words for flag, words in _WORDS.items() if flags & flag)


def km(mm: int | None) -> str:
    """Write millimetres as kilometres."""
    return "未知" if mm is None else f"{mm / 1_000_000:.2f}"


def _difference(one_mm: int | None, other_mm: int | None) -> str:
    if one_mm is None or other_mm is None:
        return "未知"
    return f"{(one_mm - other_mm) / 1_000_000:+.2f}"


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "未知"
    minutes = round(seconds / 60)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
