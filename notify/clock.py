"""When a note shall leave: grouping, digest and quiet hours on the site's clock."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from notify.model import Quiet, Route, Severity

_DAY: Final = timedelta(days=1)


def due_at(route: Route, severity: Severity, arrived: datetime, zone: ZoneInfo) -> datetime:
    """Return when a note shall leave.

    Args:
        route: of the note.
        severity: of the note.
        arrived: when it was put in the outbox, aware.
        zone: the site's.
    """
    if severity is Severity.URGENT:
        return arrived
    if route.digests(severity):
        return next_of(route.digest, arrived, zone)
    return after_quiet(route.quiet, arrived + route.group, zone)


def is_quiet(quiet: Quiet | None, at: datetime, zone: ZoneInfo) -> bool:
    """Whether nothing but what is urgent may leave."""
    return quiet is not None and quiet.holds(at.astimezone(zone).time())


def after_quiet(quiet: Quiet | None, at: datetime, zone: ZoneInfo) -> datetime:
    """Return a time, or the end of the quiet hours that it lies in."""
    if quiet is None or not is_quiet(quiet, at, zone):
        return at
    return next_of((quiet.end,), at, zone)


def next_of(clocks: tuple[time, ...], after: datetime, zone: ZoneInfo) -> datetime:
    """Return when the site's clock next shows one of some times, later than ``after``."""
    day = after.astimezone(zone).date()
    found = (_moment(day + n * _DAY, clock, zone) for n in range(3) for clock in clocks)
    return min(at for at in found if at > after).astimezone(after.tzinfo)


def _moment(day: date, clock: time, zone: ZoneInfo) -> datetime:
    # Via UTC: a time that the clock leaps over in spring is the moment behind the leap.
    return datetime.combine(day, clock, zone).astimezone(ZoneInfo("UTC"))
