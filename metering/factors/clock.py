"""Local days and quarter hours of moments in UTC, for whole years at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.model import GRAIN_US, Int64s
from storage.times import midnight, us_of

_DAY_US: Final = 86_400_000_000
_QUARTERS: Final = 96
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LocalQuarters:
    """What the clock on the wall says of consecutive quarter hours.

    Attributes:
        day: days since 1970-01-01.
        quarter: of that day by the clock, 0 to 95; an hour that the clock repeats is there twice.
    """

    day: Int64s
    quarter: Int64s


def local_quarters(begin_us: int, end_us: int, zone: ZoneInfo) -> LocalQuarters:
    """Return local day and quarter of every quarter hour in a window.

    Args:
        begin_us: begin of the first quarter, µs UTC.
        end_us: end of the last quarter.
        zone: whose clock.

    Raises:
        ValueError: a bound is not on a quarter hour, or the window is empty.
    """
    if begin_us % GRAIN_US or end_us % GRAIN_US or begin_us >= end_us:
        raise ValueError(f"{begin_us} to {end_us} are no whole quarter hours")
    slots = np.arange(begin_us, end_us, GRAIN_US, dtype=np.int64)
    local = (slots + _offsets(slots, zone)) // GRAIN_US
    return LocalQuarters(local // _QUARTERS, local % _QUARTERS)


def date_of(day: int) -> date:
    """Turn days since 1970-01-01 into a date."""
    return _EPOCH.date() + timedelta(days=day)


def local_day(moment_us: int, zone: ZoneInfo) -> date:
    """Return the day on the wall at a moment, µs UTC."""
    return (_EPOCH + timedelta(microseconds=moment_us)).astimezone(zone).date()


def midnight_us(day: date, zone: ZoneInfo) -> int:
    """Return the moment a local day begins, µs UTC."""
    return us_of(midnight(day, zone))


def _offsets(slots: Int64s, zone: ZoneInfo) -> Int64s:
    """Offset from UTC of each slot, µs; looked up once a day unless the clock changes on it."""
    days = slots // _DAY_US
    first, last = int(days[0]), int(days[-1])
    bounds = [_offset(day * _DAY_US, zone) for day in range(first, last + 2)]
    offsets = np.asarray(bounds, dtype=np.int64)[days - first]
    for index in range(last - first + 1):
        if bounds[index] != bounds[index + 1]:
            for place in np.flatnonzero(days == first + index):
                offsets[place] = _offset(int(slots[place]), zone)
    return offsets


def _offset(moment_us: int, zone: ZoneInfo) -> int:
    offset = (_EPOCH + timedelta(microseconds=moment_us)).astimezone(zone).utcoffset()
    return (offset or timedelta(0)) // timedelta(microseconds=1)
