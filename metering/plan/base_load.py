"""What runs all night: a robust minimum of the nights of a week, from quarter hours. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.model import GRAIN_US, Int64s, Quarters

NIGHT: Final = (time(0), time(5))
"""Local; nobody is at work, and timers of boilers and heating have not started."""
PERCENTILE: Final = 10
FEWEST_NIGHTS: Final = 3
TICKS_AN_HOUR: Final = 10
"""Fewer of the smallest steps seen in an hour are too coarse to judge an hour by."""
_QUARTERS: Final = 20
_HOURS: Final = 5


class By(enum.StrEnum):
    """What the minimum was taken over."""

    HOUR = "hour"
    NIGHT = "night"  # the register is too coarse for hours


@dataclass(frozen=True, slots=True)
class BaseLoad:
    """The base load of a meter in a week.

    Attributes:
        monday: begin of the week, local.
        micro_per_hour: millionths of the unit an hour; None: fewer than three complete nights.
        nights: complete nights: every quarter measured, none of it estimated.
        by: whether hours or whole nights were compared.
    """

    monday: date
    micro_per_hour: int | None
    nights: int
    by: By


def week_span(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the nights of a week begin and end, UTC.

    Raises:
        ValueError: the day is no Monday.
    """
    if monday.weekday() != 0:
        raise ValueError(f"{monday} is no Monday: weeks begin on Mondays")
    last = monday + timedelta(days=6)
    return (
        datetime.combine(monday, NIGHT[0], zone).astimezone(UTC),
        datetime.combine(last, NIGHT[1], zone).astimezone(UTC),
    )


def base_load(quarters: Quarters, monday: date, zone: ZoneInfo) -> BaseLoad:
    """Estimate the load that never stops.

    The tenth percentile of the hours of all complete nights: one odd hour does not make it, and one
    night of work does not break it. Where the register's steps are too coarse for an hour, whole
    nights are compared.

    Args:
        quarters: of one meter, covering the week; more does no harm.
        monday: begin of the week.
        zone: the site's.
    """
    nights = _complete_nights(quarters, monday, zone)
    if len(nights) < FEWEST_NIGHTS:
        return BaseLoad(monday, None, len(nights), By.HOUR)
    table = np.stack(nights)
    hours = table.reshape(-1, _HOURS, _QUARTERS // _HOURS).sum(axis=2).ravel()
    lowest = _low(hours)
    grain = int(np.gcd.reduce(quarters.micro))
    if grain and lowest < TICKS_AN_HOUR * grain:
        return BaseLoad(monday, _low(table.sum(axis=1)) // _HOURS, len(nights), By.NIGHT)
    return BaseLoad(monday, lowest, len(nights), By.HOUR)


def _complete_nights(quarters: Quarters, monday: date, zone: ZoneInfo) -> list[Int64s]:
    measured = (quarters.covered_s == 900) & (quarters.estimated == 0)
    slots, micro = quarters.slot[measured], quarters.micro[measured]
    found = []
    for offset in range(7):
        begin = datetime.combine(monday + timedelta(days=offset), NIGHT[0], zone)
        start = round(begin.timestamp()) * 1_000_000
        first, last = np.searchsorted(slots, [start, start + _QUARTERS * GRAIN_US])
        if last - first == _QUARTERS:
            found.append(micro[first:last])
    return found


def _low(values: Int64s) -> int:
    return int(np.percentile(values, PERCENTILE, method="lower"))
