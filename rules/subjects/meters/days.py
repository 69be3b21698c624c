"""Local days and their hours as rows of a table, and back as layers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from metering.counter.model import Bools, Int64s
from metering.gauge.hold import Float64s, Holds
from registry.calendar import Calendar
from registry.day_kind import DayKind
from storage.times import at_us, us_of

Table = npt.NDArray[np.float64]
"""Meters × days, or meters × days × hours of the day; NaN: unknown."""

LEARNED: Final = 28
"""Days before a day from which its usual is learned: four of each weekday, so that no week weighs
more than another, and short enough that the seasons do not move much."""
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """Local days one behind the other, those from which the first ones are learned included.

    Attributes:
        days: the dates.
        begin: of each, µs UTC.
        end: of each, µs UTC.
        hours: begin of each of its 24 hours, µs UTC; what the clock jumps over has that of the
            hour behind, and no hour's length.
        group: days that are alike: 1 workdays, 0 others; -1: in a year whose holidays are not
            published, nobody knows.
        after: the group of the day before each: a night goes with the evening it follows.
        celsius: mean outdoor temperature of each; NaN: unknown.
    """

    days: Sequence[date]
    begin: Int64s
    end: Int64s
    hours: Int64s
    group: Int64s
    after: Int64s
    celsius: Float64s

    def __len__(self) -> int:
        return len(self.days)


def touched(begin_us: int, end_us: int, zone: ZoneInfo) -> tuple[date, date]:
    """Return the first and the last local day that touch a time: begin ≤ t < end, µs UTC."""
    moments = (at_us(begin_us), at_us(end_us - 1))
    first, last = (moment.astimezone(zone).date() for moment in moments)
    return first, last


def spanning(
    first: date,
    last: date,
    calendar: Calendar,
    zone: ZoneInfo,
    warmth: Callable[[date, date], Mapping[date, float]],
) -> Days:
    """Return days, and the 28 before them.

    Args:
        first: the first day.
        last: the last one, included.
        calendar: which days are workdays.
        zone: of the site.
        warmth: gives mean outdoor temperatures of days, as far as they are known, °C.
    """
    first -= _DAY * LEARNED
    days = [first + _DAY * number for number in range((last - first).days + 1)]
    warm = warmth(first, last)
    midnights = [_moment(day, 0, zone) for day in [*days, last + _DAY]]
    return Days(
        days,
        np.array(midnights[:-1], np.int64),
        np.array(midnights[1:], np.int64),
        np.array([[_moment(day, hour, zone) for hour in range(24)] for day in days], np.int64),
        np.array([_group(calendar, day) for day in days], np.int64),
        np.array([_group(calendar, day - _DAY) for day in days], np.int64),
        np.array([warm.get(day, np.nan) for day in days], np.float64),
    )


def _group(calendar: Calendar, day: date) -> int:
    if not calendar.published(day.year):
        return -1
    return int(calendar.kind(day) is DayKind.WORKDAY)


def _moment(day: date, hour: int, zone: ZoneInfo) -> int:
    return us_of(datetime.combine(day, time(hour), zone).astimezone(UTC))


def of_days(subjects: Int64s, days: Days, table: Table) -> Holds:
    """Return figures of days, those behind the first 28, as a layer: each holds its whole day.

    Args:
        subjects: of the rows, ascending.
        days: of the columns, the first 28 left out.
        table: the figures.
    """
    return _holds(subjects, days.begin[LEARNED:], days.end[LEARNED:], table)


def of_hours(subjects: Int64s, days: Days, table: Table) -> Holds:
    """Return figures of hours, likewise; see :func:`of_days`."""
    begin = days.hours[LEARNED:].ravel()
    return _holds(
        subjects, begin, begin + _HOUR // timedelta(microseconds=1), table.reshape(len(table), -1)
    )


def _holds(subjects: Int64s, begin: Int64s, end: Int64s, table: Float64s) -> Holds:
    told: Bools = np.isfinite(table)
    row, column = np.nonzero(told)
    return Holds(subjects[row], begin[column], end[column], table[told])
