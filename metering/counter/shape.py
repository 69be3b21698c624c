"""The running weight of a load profile: whole numbers, so that shares of it are exact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.model import GRAIN_US, Int64s

_DAY_QUARTERS: Final = 96
_WEEK_QUARTERS: Final = 672
_MONDAY: Final = 4 * _DAY_QUARTERS  # 1970-01-05, in quarters
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def running_weight(
    weights: Int64s, zone: ZoneInfo, begin: int, end: int, times: Sequence[int]
) -> list[int]:
    """Return the weight between ``begin`` and each time; of ``end`` it is above 0.

    Where the profile weighs the whole span 0 it says nothing: time itself is the weight.

    Args:
        weights: of the quarters of a local week.
        zone: of the site.
        begin: µs UTC.
        end: µs UTC, behind it.
        times: µs UTC, between both.
    """
    first, last = begin // GRAIN_US, (end - 1) // GRAIN_US
    weight = weights[week_quarters(first, last + 1, zone)]
    before = np.concatenate(([0], np.cumsum(weight)))
    # Weight times µs passes 2⁶³ over long gaps: Python's whole numbers from here on.
    steps, totals = [*weight.tolist(), 0], before.tolist()

    def up_to(time: int) -> int:
        quarter, rest = divmod(time - first * GRAIN_US, GRAIN_US)
        return int(totals[quarter] * GRAIN_US + steps[quarter] * rest)

    zero = up_to(begin)
    if up_to(end) == zero:
        return [time - begin for time in times]
    return [up_to(time) - zero for time in times]


def week_quarters(first: int, stop: int, zone: ZoneInfo) -> Int64s:
    """Return for quarters since 1970, UTC, which quarter of the local week each begins in."""
    quarters: Int64s = np.arange(first, stop, dtype=np.int64)
    local = quarters + _offsets(first, stop, zone)
    index: Int64s = (local - _MONDAY) % _WEEK_QUARTERS
    return index


def _offsets(first: int, stop: int, zone: ZoneInfo) -> Int64s:
    """Return the zone's distance to UTC in quarters, for each quarter."""
    found: Int64s = np.empty(stop - first, np.int64)
    start = first
    while start < stop:
        day_end = (start // _DAY_QUARTERS + 1) * _DAY_QUARTERS
        end = min(day_end, stop)
        here = _offset(start, zone)
        if here == _offset(day_end, zone):
            found[start - first : end - first] = here
        else:  # the clocks change on this day
            found[start - first : end - first] = [_offset(at, zone) for at in range(start, end)]
        start = end
    return found


def _offset(quarter: int, zone: ZoneInfo) -> int:
    moment = _EPOCH + timedelta(microseconds=quarter * GRAIN_US)
    offset = moment.astimezone(zone).utcoffset() or timedelta(0)
    return offset // timedelta(microseconds=GRAIN_US)
