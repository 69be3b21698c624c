"""Hours, days and months of a zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from metering.derive.times import next_month
from storage.times import midnight

_HOUR: Final = timedelta(hours=1)


class Grain(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"  # of the zone
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a balance.

    Attributes:
        key: as the rollup has it: an hour's begin, a day, a month's first day; None: it has none.
        begin: aware.
        end: exclusive.
    """

    key: datetime | date | None
    begin: datetime
    end: datetime


def periods(grain: Grain, begin: date, end: date, zone: ZoneInfo) -> list[Period]:
    """Return the periods of the days begin ≤ day < end.

    Args:
        grain: how long they are; months begin on a first day.
        begin: first day.
        end: the day behind the last.
        zone: of days and months.

    Raises:
        ValueError: there is no day among them, or a month is cut.
    """
    if begin >= end:
        raise ValueError(f"{end} is not after {begin}")
    if grain is Grain.MONTH and (begin.day, end.day) != (1, 1):
        raise ValueError(f"{begin} to {end} are not whole months")
    if grain is Grain.HOUR:
        return list(_hours(midnight(begin, zone), midnight(end, zone)))
    following = next_month if grain is Grain.MONTH else _next_day
    found = []
    while begin < end:
        after = following(begin)
        found.append(Period(begin, midnight(begin, zone), midnight(after, zone)))
        begin = after
    return found


def _hours(begin: datetime, end: datetime) -> Iterator[Period]:
    """Yield hours; those of a zone that is not whole hours from UTC stand in no rollup."""
    at, last = begin.astimezone(UTC), end.astimezone(UTC)
    while at < last:
        yield Period(None if at.minute else at, at, at + _HOUR)
        at += _HOUR


def _next_day(day: date) -> date:
    return day + timedelta(days=1)
