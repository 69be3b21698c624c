"""Until when a doubt is to be explained. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.calendar import Calendar
from registry.day_kind import DayKind

_DAY = timedelta(days=1)


def deadline(asked: datetime, days: int, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """Return the end of the last of some workdays; the day of asking does not count.

    So 民法典 第二百零一条 and 第二百零三条 count periods (from memory). In a year whose holidays
    are not published, weekdays are taken for workdays.

    Args:
        asked: when the doubt was put to the unit, aware.
        days: workdays, at least 1.
        calendar: which days are workdays.
        zone: of the site.

    Returns:
        The midnight behind that day, UTC.
    """
    day = asked.astimezone(zone).date()
    while days:
        day += _DAY
        days -= calendar.kind(day) is DayKind.WORKDAY
    return datetime.combine(day + _DAY, time(), zone).astimezone(UTC)
