"""Hours, days and months of gauges and states: quarters combined by their weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

Grain = Literal["hour", "day", "month"]

# Summed in the order of time: floating point sums depend on it. Within its bounds whatever is
# lost in the sum.
_GAUGES: Final[LiteralString] = """
SELECT point_id, date_trunc(%(grain)s, slot, %(zone)s) AS begin,
    min(low) AS low, max(high) AS high,
    greatest(min(mean), least(max(mean),
        sum(mean * covered_s ORDER BY slot) / sum(covered_s))) AS mean,
    sum(covered_s) AS covered_s
FROM gauge
WHERE point_id = ANY(%(points)s) AND slot >= %(since)s AND slot < %(until)s
    AND slot <= %(now)s - interval '15 min'
GROUP BY 1, 2 ORDER BY 1, 2
"""
_STATES: Final[LiteralString] = """
SELECT point_id, date_trunc(%(grain)s, slot, %(zone)s) AS begin, value, sum(seconds) AS seconds
FROM state_time
WHERE point_id = ANY(%(points)s) AND slot >= %(since)s AND slot < %(until)s
    AND slot <= %(now)s - interval '15 min'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class GaugePeriod:
    """A gauge over an hour, day or month; what is unknown of it is left out of all figures.

    Attributes:
        point_id: whose.
        begin: of the period in the site's zone.
        low: lowest value.
        high: highest value.
        mean: weighted by the known time.
        covered_s: seconds known.
    """

    point_id: int
    begin: datetime
    low: float
    high: float
    mean: float
    covered_s: int


@dataclass(frozen=True, slots=True)
class StatePeriod:
    """How long a state stood at a value in an hour, day or month.

    Attributes:
        point_id: whose.
        begin: of the period in the site's zone.
        value: at which.
        seconds: how long.
    """

    point_id: int
    begin: datetime
    value: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Periods:
    """What is asked for: the periods of a time.

    Attributes:
        since: aware; quarters before it do not count.
        until: aware; quarters from it on do not count.
        grain: hour, day or month.
        zone: of the site: there days and months begin at midnight.
        now: aware; quarters that are not over by then do not count. The tables hold more: the
            newest value is taken to hold on (:mod:`metering.gauge.hold`).
    """

    since: datetime
    until: datetime
    grain: Grain
    zone: ZoneInfo
    now: datetime

    def __post_init__(self) -> None:
        if any(at.tzinfo is None for at in (self.since, self.until, self.now)):
            raise ValueError("a time has no zone: pass aware datetimes, for example in UTC")


def gauge_periods(
    conn: psycopg.Connection[Any], point_ids: Sequence[int], asked: Periods
) -> list[GaugePeriod]:
    """Return the periods of gauges of which something is known, by point and time."""
    with conn.cursor(row_factory=class_row(GaugePeriod)) as cursor:
        return cursor.execute(_GAUGES, _values(point_ids, asked)).fetchall()


def state_periods(
    conn: psycopg.Connection[Any], point_ids: Sequence[int], asked: Periods
) -> list[StatePeriod]:
    """Return the time at each value of states, by point, time and value."""
    with conn.cursor(row_factory=class_row(StatePeriod)) as cursor:
        return cursor.execute(_STATES, _values(point_ids, asked)).fetchall()


def _values(point_ids: Sequence[int], asked: Periods) -> dict[str, object]:
    return {
        "points": list(point_ids),
        "since": asked.since,
        "until": asked.until,
        "grain": asked.grain,
        "zone": asked.zone.key,
        "now": asked.now,
    }
