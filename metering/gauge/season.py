"""Heating and cooling season: by the days that are set, or by the temperature."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from datetime import date, timedelta

from metering.gauge.daily import DayMean
from metering.gauge.settings import SeasonSettings, within


class Season(enum.StrEnum):
    """What is heated or cooled for on a day."""

    HEATING = "heating"
    COOLING = "cooling"
    NEITHER = "neither"
    UNKNOWN = "unknown"  # by temperature, and too little of it is known


def season_by_dates(day: date, settings: SeasonSettings) -> Season:
    """Return the season of a day by the days that are set."""
    at = f"{day:%m-%d}"
    if within(at, settings.heating_from, settings.heating_until):
        return Season.HEATING
    if within(at, settings.cooling_from, settings.cooling_until):
        return Season.COOLING
    return Season.NEITHER


def seasons(
    days: Sequence[date], means: Sequence[DayMean], settings: SeasonSettings
) -> dict[date, Season]:
    """Return the season of each day, by the mode that is set.

    Args:
        days: in any order.
        means: of these days and of ``running_days - 1`` days before the first; only the mode
            ``temperature`` looks at them.
        settings: mode, days and thresholds.
    """
    if settings.mode == "dates":
        return {day: season_by_dates(day, settings) for day in days}
    celsius = {mean.day: mean.celsius for mean in means}
    return {day: _by_temperature(day, celsius, settings) for day in days}


def _by_temperature(
    day: date, celsius: dict[date, float | None], settings: SeasonSettings
) -> Season:
    window = [celsius.get(day - timedelta(days=back)) for back in range(settings.running_days)]
    known = [value for value in window if value is not None]
    if len(known) < settings.running_days:
        return Season.UNKNOWN
    mean = math.fsum(known) / len(known)
    if mean <= settings.heating_at_most_c:
        return Season.HEATING
    if mean >= settings.cooling_at_least_c:
        return Season.COOLING
    return Season.NEITHER
