"""How warm days were: of the whole city, for not every building has a sensor outdoors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from statistics import fmean
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from metering.gauge.outdoor import Days, daily_means
from metering.gauge.settings import DegreeDaySettings
from metering.gauge.sites import sites
from storage.times import NEVER_US, at_us

_SETTINGS: Final = DegreeDaySettings()


def mean_temperatures(
    conn: psycopg.Connection[Any], zone: ZoneInfo, first: date, last: date
) -> Mapping[date, float]:
    """Return the mean temperature of days over all sites that know it, °C.

    Args:
        conn: any connection.
        zone: of the days.
        first: the first day.
        last: the last one, included.
    """
    asked = Days(first, last, zone, at_us(NEVER_US))
    found: dict[date, list[float]] = defaultdict(list)
    for site in sites(conn):
        for one in daily_means(conn, site, asked, _SETTINGS):
            if one.celsius is not None:
                found[one.day].append(one.celsius)
    return {day: fmean(celsius) for day, celsius in found.items()}
