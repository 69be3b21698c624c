"""The mean temperature of a day, and degree-days."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from metering.gauge.settings import DegreeDaySettings

STANDARD_HOURS: Final = (2, 8, 14, 20)
"""The observations of which the weather service makes a day's mean where there are no others."""

Basis = Literal["entered", "hours", "four"]


@dataclass(frozen=True, slots=True)
class Hour:
    """The temperature of an hour.

    Attributes:
        begin: of the hour, aware.
        celsius: its mean.
        source: entered by somebody, or from the site's sensor.
    """

    begin: datetime
    celsius: float
    source: Literal["entered", "sensor"]


@dataclass(frozen=True, slots=True)
class DayMean:
    """The mean temperature of a day of the site's zone.

    Attributes:
        day: the day.
        celsius: None: too little is known.
        basis: what the mean is of: entered as such, of the known hours, or of 02, 08, 14 and 20
            o'clock; None: unknown.
        missing: the hours of which nothing is known; empty when the mean was entered.
    """

    day: date
    celsius: float | None
    basis: Basis | None
    missing: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class DegreeDays:
    """Degree-days of a time, °C·d.

    Attributes:
        heating: None: a day is unknown.
        cooling: None: a day is unknown.
        heating_known: of the known days alone: the least it can be.
        cooling_known: of the known days alone.
        days: how many days are known.
        unknown: the others.
    """

    heating: float | None
    cooling: float | None
    heating_known: float
    cooling_known: float
    days: int
    unknown: tuple[date, ...]


def daily_mean(
    day: date,
    zone: ZoneInfo,
    known: Sequence[Hour],
    entered: float | None,
    settings: DegreeDaySettings,
) -> DayMean:
    """Return the mean of a day.

    Args:
        day: of the site's zone.
        zone: of the site.
        known: hours of that day, each once.
        entered: its mean, where somebody entered it as such.
        settings: how many hours make a mean.
    """
    if entered is not None:
        return DayMean(day, entered, "entered", ())
    have = {hour.begin.astimezone(UTC): hour.celsius for hour in known}
    missing = tuple(at.astimezone(zone) for at in _hours_of(day, zone) if at not in have)
    if len(have) >= settings.least_hours:
        return DayMean(day, _mean(list(have.values())), "hours", missing)
    standard = [have.get(_at(day, hour, zone)) for hour in STANDARD_HOURS]
    four = [celsius for celsius in standard if celsius is not None]
    if len(four) == len(STANDARD_HOURS):
        return DayMean(day, _mean(four), "four", missing)
    return DayMean(day, None, None, missing)


def degree_days(means: Sequence[DayMean], settings: DegreeDaySettings) -> DegreeDays:
    """Return the degree-days of days: Σ (base − mean) of the colder ones, and the other way round.

    Args:
        means: of each day that is asked for, the unknown ones too.
        settings: the bases.
    """
    known = [mean.celsius for mean in means if mean.celsius is not None]
    unknown = tuple(mean.day for mean in means if mean.celsius is None)
    heating = math.fsum(max(0.0, settings.heating_base_c - celsius) for celsius in known)
    cooling = math.fsum(max(0.0, celsius - settings.cooling_base_c) for celsius in known)
    return DegreeDays(
        heating=None if unknown else heating,
        cooling=None if unknown else cooling,
        heating_known=heating,
        cooling_known=cooling,
        days=len(known),
        unknown=unknown,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _hours_of(day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Begin of each hour, UTC: 23 or 25 where the clock is put forward or back."""
    at, end = _at(day, 0, zone), _at(day + timedelta(days=1), 0, zone)
    while at < end:
        yield at
        at += timedelta(hours=1)


def _at(day: date, hour: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour), zone).astimezone(UTC)
