"""Which days and times somebody means: every day, holidays, Mondays, from 22:00 to 06:00."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from registry.calendar import Calendar
from storage.times import us_of

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "daily": ("每天", "每日"),
    "workday": ("工作日",),
    "weekend": ("周末",),
    "holiday": ("节假日", "法定节假日", "假日"),
    "mon": ("周一", "星期一"),
    "tue": ("周二", "星期二"),
    "wed": ("周三", "星期三"),
    "thu": ("周四", "星期四"),
    "fri": ("周五", "星期五"),
    "sat": ("周六", "星期六"),
    "sun": ("周日", "星期日", "周天"),
}
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_OF_CALENDAR: Final = frozenset({"workday", "weekend", "holiday"})
_APART: Final = re.compile(r"[、,，;；\s]+")
_CLOCK: Final = re.compile(r"(\d{1,2})[:：](\d{2})")

DAILY: Final = "daily"


@dataclass(frozen=True, slots=True)
class Window:
    """Time of a night, or of a day: from the first to before the second, µs UTC."""

    day: date
    from_us: int
    to_us: int


def read_days(text: str) -> str | None:
    """Return days as they are kept, ``holiday,mon``; None: not understood."""
    found = set[str]()
    for word in filter(None, _APART.split(text.strip())):
        kind = next((k for k, words in _KINDS.items() if word == k or word in words), None)
        if kind is None:
            return None
        found.add(kind)
    return ",".join(kind for kind in _KINDS if kind in found) or None


def shown_days(days: str) -> str:
    """Write kept days as people read them."""
    return "、".join(_KINDS[kind][0] for kind in days.split(","))


def known_words() -> str:
    """Say which words there are."""
    return "、".join(words[0] for words in _KINDS.values())


def read_clock(text: str) -> time | None:
    """Return a time of day, 24:00 as midnight; None: not understood."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes = int(found[1]), int(found[2])
    if (hours, minutes) == (24, 0):
        return time(0)
    return time(hours, minutes) if hours < 24 and minutes < 60 else None


def meets(days: str, day: date, calendar: Calendar) -> bool | None:
    """Say whether a day is one of those; None: its year's holidays are not published.

    Args:
        days: as they are kept.
        day: the day.
        calendar: of holidays and make-up workdays.
    """
    wanted = set(days.split(","))
    if DAILY in wanted or _WEEKDAYS[day.weekday()] in wanted:
        return True
    if not wanted & _OF_CALENDAR:
        return False
    if not calendar.published(day.year):
        return None
    return calendar.kind(day) in wanted


def window(day: date, start: time, end: time, zone: ZoneInfo) -> Window:
    """Return the time from ``start`` on a day to ``end``: of the next day, unless it is later."""
    behind = day if end > start else day + timedelta(days=1)
    return Window(
        day,
        us_of(datetime.combine(day, start, zone)),
        us_of(datetime.combine(behind, end, zone)),
    )


def whole(day: date, zone: ZoneInfo) -> Window:
    """Return a local day."""
    return window(day, time(0), time(0), zone)
