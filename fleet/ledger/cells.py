"""Cells as whole quantities: fen, millilitres, hundreds of metres, moments of time."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from registry.sheet import Row, parse_day

_CLOCK: Final = re.compile(r"(\d{1,2})[:：时](\d{1,2})(?:[:：分](\d{1,2})(?:\.\d+)?)?[秒分]?")
_NOON: Final = time(12)
_MOST: Final = 10**12
"""Whole units; more is a slip of the pen."""


def whole(row: Row, name: str, per_unit: int, called: str) -> int | None:
    """Return a quantity in whole small units, or None for an empty cell.

    Args:
        row: where it stands.
        name: the field.
        per_unit: small units in one of the sheet's, for example 100 fen in a yuan.
        called: what the smallest one is called, for the refusal.
    """
    number = row.number_of(name)
    if number is None:
        return None
    small = number * per_unit
    if small != int(small):
        row.refuse(name, f"“{row.text(name)}”细于{called}，请核对小数")
        return None
    if abs(small) > _MOST:
        row.refuse(name, f"“{row.text(name)}”过大，请核对")
        return None
    return int(small)


def fen(row: Row, name: str) -> int | None:
    """Return money in whole fen; negative for what came back."""
    return whole(row, name, 100, "分")


def not_negative(row: Row, name: str, value: int | None) -> int | None:
    """Return a value, and note a mistake when it is below zero."""
    if value is not None and value < 0:
        row.refuse(name, f"“{row.text(name)}”小于零，请核对")
        return None
    return value


def odometer(row: Row, name: str) -> int | None:
    """Return a dashboard's reading in whole hundreds of metres."""
    return not_negative(row, name, whole(row, name, 10, " 0.1 公里"))


def moment(row: Row, zone: ZoneInfo, day: str, at: str) -> tuple[datetime, bool] | None:
    """Return a moment and whether its time of day is known; None: nothing usable is there.

    Args:
        row: where it stands.
        zone: the site's.
        day: field that may hold the day; "" for none.
        at: field that may hold the moment, or the time of that day.
    """
    there = at if row.has(at) else day
    value = row.value(there)
    if isinstance(value, datetime) or (there == day and row.has(day)):
        return _of_day(row, zone, there)
    if isinstance(value, (time, timedelta)):
        clock = value if isinstance(value, time) else _of_delta(value)
        return _joined(row, zone, (day, at), clock)
    return _of_text(row, zone, day, at) if row.has(at) else None


def _of_day(row: Row, zone: ZoneInfo, name: str) -> tuple[datetime, bool] | None:
    value = row.value(name)
    if isinstance(value, datetime):
        if row.likely(name, value.date()) is None:
            return None
        timed = value.time() != time(0)
        return _local(value if timed else datetime.combine(value, _NOON), zone), timed
    if isinstance(value, date):
        found = row.day(name)
        return None if found is None else (_local(datetime.combine(found, _NOON), zone), False)
    return _of_text(row, zone, name, name)


def _of_text(row: Row, zone: ZoneInfo, day: str, at: str) -> tuple[datetime, bool] | None:
    text = row.text(at).replace("T", " ")
    if not text:
        return None  # it holds no value, and is refused
    first, _, rest = text.partition(" ")
    clock = _clock(rest or first)
    on = parse_day(first) or (row.day(day) if clock and day != at and not rest else None)
    if on is None or (rest.strip() and clock is None):
        row.refuse(at, f"“{text}”不是时间，请写成 2026-01-31 08:30")
        return None
    if row.likely(at, on) is None:
        return None
    return _local(datetime.combine(on, clock or _NOON), zone), clock is not None


def _clock(text: str) -> time | None:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError:
        return None


def _of_delta(since_midnight: timedelta) -> time:
    seconds = int(since_midnight.total_seconds()) % 86_400
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _joined(
    row: Row, zone: ZoneInfo, names: tuple[str, str], clock: time
) -> tuple[datetime, bool] | None:
    on = row.day(names[0])
    if on is None:
        row.refuse(names[1], "只有钟点没有日期，请补上日期")
        return None
    return _local(datetime.combine(on, clock), zone), True


def _local(value: datetime, zone: ZoneInfo) -> datetime:
    return value.replace(tzinfo=zone)


def shown(value: int, per_unit: int) -> str:
    """Write whole small units in the sheet's unit."""
    return f"{(Decimal(value) / per_unit).normalize():f}"
