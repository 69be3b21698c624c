"""Working hours as a layer: 1 when people are expected, 0 when not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.gauge.hold import Holds
from registry.calendar import Calendar
from registry.day_kind import DayKind
from rules.ruleset.model import Hours
from rules.timeline.overlay import Windows
from storage.times import at_us, us_of

_WEEKEND: Final = (DayKind.WEEKEND, DayKind.WORKDAY, DayKind.HOLIDAY)
_WEEKDAY: Final = (DayKind.WORKDAY, DayKind.HOLIDAY)


def working(hours: Hours, calendar: Calendar, zone: ZoneInfo, begin_us: int, end_us: int) -> Holds:
    """Return the working hours around a time, as subject 0.

    In a year whose holidays are not published, what depends on them is unknown.

    Args:
        hours: of the rule.
        calendar: which days are workdays.
        zone: of the site.
        begin_us: the days from that of this moment on, µs UTC.
        end_us: to that of this one.
    """
    since: list[int] = []
    value: list[float] = []
    day = at_us(begin_us).astimezone(zone).date()
    last = at_us(end_us).astimezone(zone).date()
    while day <= last:
        kinds = _kinds(calendar, day)
        for minute in hours.bounds():
            if minute < _DAY_MINUTES:
                since.append(us_of(_moment(day, minute, zone)))
                value.append(_value(hours, kinds, minute))
        day += timedelta(days=1)
    until = [*since[1:], us_of(_moment(day, 0, zone))]
    found = Holds(
        np.zeros(len(since), np.int64),
        np.array(since, np.int64),
        np.array(until, np.int64),
        np.array(value),
    )
    return found.where(np.isfinite(found.value) & (found.since < found.until))


_DAY_MINUTES: Final = 24 * 60


def _kinds(calendar: Calendar, day: date) -> tuple[DayKind, ...]:
    """What the day may be."""
    if calendar.published(day.year):
        return (calendar.kind(day),)
    return _WEEKEND if day.weekday() >= 5 else _WEEKDAY


def _value(hours: Hours, kinds: tuple[DayKind, ...], minute: int) -> float:
    said = {hours.at(kind, minute) for kind in kinds}
    return float(said.pop()) if len(said) == 1 else float("nan")


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A time of the local clock; one that it jumps over is when it jumps."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return wall.astimezone(UTC)


def of_all(shared: Holds, windows: Windows) -> Holds:
    """Give each window's subject what holds for all of them.

    Args:
        shared: by time, of one subject, whichever.
        windows: whose subjects get it; clipped or not does not matter.
    """
    first = np.searchsorted(shared.until, windows.begin, side="right")
    last = np.searchsorted(shared.since, windows.end, side="left")
    count = np.maximum(last - first, 0)
    number = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    at = np.repeat(first, count) + number
    return Holds(
        np.repeat(windows.subject, count), shared.since[at], shared.until[at], shared.value[at]
    )
