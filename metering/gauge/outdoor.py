"""The outdoor temperature of a site by hour, from what was entered and from its sensor.

What a person entered goes before what a sensor said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.gauge.daily import DayMean, Hour, daily_mean
from metering.gauge.season import Season, seasons
from metering.gauge.settings import DegreeDaySettings, SeasonSettings

_ENTERED: Final[LiteralString] = """
SELECT date_trunc('hour', ts, %(zone)s), avg(celsius ORDER BY ts) FROM (
    SELECT DISTINCT ON (ts) ts, celsius FROM outdoor_temperature
    WHERE site = %(site)s AND ts >= %(since)s AND ts < %(until)s ORDER BY ts, entered_at DESC
) AS newest
WHERE celsius IS NOT NULL GROUP BY 1
"""
_MEASURED: Final[LiteralString] = """
SELECT date_trunc('hour', g.slot, %(zone)s),
    sum(g.mean * g.covered_s ORDER BY g.slot) / sum(g.covered_s)
FROM outdoor_sensor o
JOIN gauge g ON g.point_id = o.point_id AND g.slot >= %(since)s AND g.slot < %(until)s
    AND g.slot <= %(now)s - interval '15 min' AND o.valid @> g.slot
WHERE o.site = %(site)s AND o.withdrawn_at IS NULL
GROUP BY 1 HAVING sum(g.covered_s) >= %(least_s)s
"""
_DAYS: Final[LiteralString] = """
SELECT DISTINCT ON (day) day, celsius FROM outdoor_day
WHERE site = %(site)s AND day >= %(first)s AND day <= %(last)s ORDER BY day, entered_at DESC
"""


@dataclass(frozen=True, slots=True)
class Days:
    """Days that are asked for.

    Attributes:
        first: the first day.
        last: the last one, included; not before ``first``.
        zone: of the site.
        now: aware; what a sensor is taken to say later does not count.
    """

    first: date
    last: date
    zone: ZoneInfo
    now: datetime

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the last day {self.last} is before the first {self.first}")

    @property
    def since(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), self.zone)

    @property
    def until(self) -> datetime:
        """The first moment after."""
        return datetime.combine(self.last + timedelta(days=1), time(), self.zone)

    def __iter__(self) -> Iterator[date]:
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def hours(
    conn: psycopg.Connection[Any], site: str, asked: Days, settings: DegreeDaySettings
) -> list[Hour]:
    """Return the hours of a site of which the temperature is known, in their order."""
    values = {
        "site": site,
        "since": asked.since,
        "until": asked.until,
        "zone": asked.zone.key,
        "now": asked.now,
        "least_s": settings.least_sensor_s,
    }
    found = {at: Hour(at, celsius, "sensor") for at, celsius in conn.execute(_MEASURED, values)}
    for at, celsius in conn.execute(_ENTERED, values):
        found[at] = Hour(at, celsius, "entered")
    return [found[at] for at in sorted(found)]


def daily_means(
    conn: psycopg.Connection[Any], site: str, asked: Days, settings: DegreeDaySettings
) -> list[DayMean]:
    """Return the mean of each day, unknown where too little is known.

    A mean that was entered goes before that of the day's hours.
    """
    values = {"site": site, "first": asked.first, "last": asked.last}
    entered = dict(conn.execute(_DAYS, values).fetchall())
    by_day: dict[date, list[Hour]] = {}
    for hour in hours(conn, site, asked, settings):
        by_day.setdefault(hour.begin.astimezone(asked.zone).date(), []).append(hour)
    return [
        daily_mean(day, asked.zone, by_day.get(day, []), entered.get(day), settings)
        for day in asked
    ]


def site_seasons(
    conn: psycopg.Connection[Any],
    site: str,
    asked: Days,
    degrees: DegreeDaySettings,
    settings: SeasonSettings,
) -> dict[date, Season]:
    """Return the season of each day at a site, by the mode that is set."""
    if settings.mode == "dates":
        return seasons(list(asked), [], settings)
    before = timedelta(days=settings.running_days - 1)
    means = daily_means(conn, site, replace(asked, first=asked.first - before), degrees)
    return seasons(list(asked), means, settings)
