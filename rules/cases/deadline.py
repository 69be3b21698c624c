"""Until when a doubt is to be explained. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.calendar import Calendar
from registry.day_kind import DayKind

_DAY = timedelta(days=1)


def deadline(asked: date, days: int, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """Return the end of the last of some workdays; the day of asking does not count.

    So 民法典 第二百零一条 and 第二百零三条 count periods (from memory). In a year whose holidays
    are not published, weekdays are taken for workdays.

    Args:
        asked: the day on which the doubt was put to the unit.
        days: workdays, at least 1.
        calendar: which days are workdays.
        zone: of the site.

    Returns:
        The midnight behind that day, UTC.
    """
    day = asked
    while days:
        day += _DAY
        days -= calendar.kind(day) is DayKind.WORKDAY
    return datetime.combine(day + _DAY, time(), zone).astimezone(UTC)


def asked_before(now: datetime, days: int, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """Return before when doubts were asked whose deadline has passed: a midnight, UTC.

    Args:
        now: aware.
        days: workdays, at least 1.
        calendar: which days are workdays.
        zone: of the site.
    """
    day = now.astimezone(zone).date()
    while deadline(day, days, calendar, zone) > now:
        day -= _DAY
    return datetime.combine(day + _DAY, time(), zone).astimezone(UTC)
