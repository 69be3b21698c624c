"""Hours and days of meters from the database, those that tell nothing certain left out.

A figure tells something certain when its whole time is known and none of it was spread over a long
silence: of what came in catching up, or across a gap, only the sum is certain. Where a meter was
replaced or reset, or its ratio changed, an hour or day is of two parts, and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import psycopg

from metering.counter.model import Bools, Flag, Int64s
from rules.subjects.meters.days import Days
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import at_us

HOUR_GAP_US: Final = 65 * 60_000_000
"""A reading every hour, by the meter's own clock, still tells hours apart."""
DAY_GAP_US: Final = 3 * 3_600_000_000
"""What lies on the wrong side of midnight for so long moves a day's figure by little."""
_PARTED: Final = int(Flag.RESET | Flag.REPLACED | Flag.RATIO_CHANGED)
_MICRO: Final = 1_000_000

# All rows in one value: a Python object for each would cost more than the look-up.
_HOURS: Final[LiteralString] = """
SELECT string_agg(int4send(meter_id) || timestamptz_send(slot) || int8send(micro)
                  || boolsend(estimated <> 0), ''::bytea)
FROM unnest(%(meters)s::int[]) AS meter
CROSS JOIN LATERAL (
    SELECT meter_id, slot, micro, estimated FROM consumption_hour
    WHERE meter_id = meter AND slot >= %(since)s AND slot < %(until)s
      AND covered_s = 3600 AND flags & %(parted)s = 0
      AND extract(hour FROM slot AT TIME ZONE %(zone)s) < %(before)s
    OFFSET 0
) AS known
"""
_DAYS: Final[LiteralString] = """
SELECT string_agg(int4send(meter_id) || timestamptz_send(day::timestamp AT TIME ZONE 'UTC')
                  || int8send(micro) || boolsend(estimated <> 0), ''::bytea)
FROM unnest(%(days)s::date[], %(lengths)s::int[]) AS asked (at, length)
JOIN consumption_day ON meter_id = ANY(%(meters)s::int[]) AND day = asked.at
    AND day BETWEEN %(first)s AND %(last)s AND covered_s >= length AND flags & %(parted)s = 0
"""
_ROW: Final = np.dtype([("meter", ">i4"), ("at", ">i8"), ("micro", ">i8"), ("estimated", "u1")])
# Steps follow one another: of those that begin before a time only the last can reach into it.
_GAPS: Final[LiteralString] = """
SELECT meter, (extract(epoch FROM ts) * 1000000)::int8, (extract(epoch FROM until) * 1000000)::int8
FROM unnest(%(meters)s::int[]) AS meter
CROSS JOIN LATERAL (
    SELECT ts, until FROM counter_finding
    WHERE meter_id = meter AND ts >= %(since)s AND ts < %(until)s AND kind = ANY(%(kinds)s)
      AND until - ts > %(longest)s
    UNION ALL
    (SELECT ts, until FROM counter_finding
     WHERE meter_id = meter AND ts < %(since)s AND kind = ANY(%(kinds)s)
     ORDER BY ts DESC LIMIT 1)
) AS step
WHERE until > %(since)s AND until - ts > %(longest)s
ORDER BY 1, 2, 3
"""
_STEPS: Final = ["gap", "rollover", "reset", "jump", "entered"]
_PHYSICAL: Final[LiteralString] = """
SELECT id FROM meter WHERE id = ANY(%s::int[]) AND formula IS NULL
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of meters.

    Attributes:
        value: in the unit of each meter; NaN: unknown, or not certain.
        micro: the same in millionths; 0: unknown.
    """

    value: npt.NDArray[np.float64]
    micro: npt.NDArray[np.int64]


def read_hours(
    conn: psycopg.Connection[Any], meters: Int64s, days: Days, zone: ZoneInfo, before: int = 24
) -> Figures:
    """Return figures by meter, day and hour of the local day.

    Hours begin on the hour of UTC: in a zone that is not whole hours from it, nothing is known.

    Args:
        conn: any connection.
        meters: ids, ascending.
        days: of which days.
        zone: of the site.
        before: hours of the day before this one.
    """
    asked = {"zone": zone.key, "before": before}
    rows = _rows(conn, _HOURS, _values(meters, days) | asked)
    hours = days.hours[:, :before]
    begin = hours.ravel()
    column = np.searchsorted(begin, rows.at)
    column = np.minimum(column, len(begin) - 1)
    kept = begin[column] == rows.at
    kept &= ~_spread(conn, days, rows, 3_600_000_000, HOUR_GAP_US)
    return _table(meters, rows.where(kept), column[kept], hours.shape)


def read_days(conn: psycopg.Connection[Any], meters: Int64s, days: Days) -> Figures:
    """Return figures by meter and local day.

    Args:
        conn: any connection.
        meters: ids, ascending.
        days: of which days.
    """
    lengths = (days.end - days.begin) // _MICRO
    asked = {
        "days": list(days.days),
        "lengths": lengths.tolist(),
        "first": days.days[0],
        "last": days.days[-1],
    }
    rows = _rows(conn, _DAYS, _values(meters, days) | asked)
    # A date came as its midnight in UTC.
    first = np.datetime64(days.days[0], "us").astype(np.int64)
    column = (rows.at - first) // (86_400 * _MICRO)
    rows = _Rows(rows.meter, days.begin[column], rows.micro, rows.estimated)
    length = days.end[column] - days.begin[column]
    kept = ~_spread(conn, days, rows, length, DAY_GAP_US)
    return _table(meters, rows.where(kept), column[kept], (len(days),))


@dataclass(frozen=True, slots=True)
class _Rows:
    meter: Int64s
    at: Int64s
    micro: Int64s
    estimated: Bools

    def where(self, chosen: Bools) -> _Rows:
        return _Rows(
            self.meter[chosen], self.at[chosen], self.micro[chosen], self.estimated[chosen]
        )


def _values(meters: Int64s, days: Days) -> dict[str, object]:
    return {
        "meters": arrays.ids(meters.tolist()),
        "since": at_us(int(days.begin[0])),
        "until": at_us(int(days.end[-1])),
        "parted": _PARTED,
    }


def _rows(conn: psycopg.Connection[Any], query: LiteralString, values: dict[str, object]) -> _Rows:
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(query, values, prepare=False).fetchone()
    found = np.frombuffer(bytes(row[0]) if row and row[0] else b"", _ROW)
    return _Rows(
        found["meter"].astype(np.int64),
        found["at"].astype(np.int64) + PG_EPOCH_US,
        found["micro"].astype(np.int64),
        found["estimated"].astype(np.bool_),
    )


def _table(meters: Int64s, rows: _Rows, column: Int64s, shape: tuple[int, ...]) -> Figures:
    micro = np.zeros((len(meters), int(np.prod(shape))), np.int64)
    value = np.full(micro.shape, np.nan)
    row = np.searchsorted(meters, rows.meter)
    micro[row, column] = rows.micro
    value[row, column] = rows.micro / _MICRO
    whole = (len(meters), *shape)
    return Figures(value.reshape(whole), micro.reshape(whole))


def _spread(
    conn: psycopg.Connection[Any],
    days: Days,
    rows: _Rows,
    length: int | Int64s,
    longest_us: int,
) -> Bools:
    """Tell which rows hold what was spread over a step longer than that."""
    if not rows.estimated.any():
        return np.zeros(len(rows.at), np.bool_)
    asked = np.unique(rows.meter[rows.estimated])
    physical = [id_ for (id_,) in conn.execute(_PHYSICAL, [arrays.ids(asked.tolist())])]
    values = _values(asked, days) | {
        "kinds": _STEPS,
        "longest": np.timedelta64(longest_us, "us").item(),
    }
    gaps = np.array(conn.execute(_GAPS, values).fetchall(), np.int64).reshape(-1, 3)
    # Of a virtual meter nobody knows over what its inputs were spread.
    virtual = rows.estimated & ~np.isin(rows.meter, physical)
    return np.asarray(virtual | _within(rows, length, gaps), np.bool_)


def _within(rows: _Rows, length: int | Int64s, gaps: Int64s) -> Bools:
    """Tell which rows share time with a gap of their meter.

    Args:
        rows: of any meters.
        length: of each row's time, µs.
        gaps: meter, since, until; by meter and time, none overlapping another.
    """
    if not len(gaps):
        return np.zeros(len(rows.at), np.bool_)
    # One number for meter and second, so that one search serves all.
    starts = (gaps[:, 0] << 32) + gaps[:, 1] // _MICRO
    last = np.searchsorted(starts, (rows.meter << 32) + (rows.at + length - 1) // _MICRO, "right")
    near = gaps[np.maximum(last - 1, 0)]
    mine: Bools = (last > 0) & (near[:, 0] == rows.meter) & (near[:, 2] > rows.at)
    return mine
