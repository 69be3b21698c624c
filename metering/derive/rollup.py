"""Hours, days and months from quarter hours: set-based, for what was touched.

Rows that come out as they were are left alone: a tick changes one day's row of a meter, and nothing
of its other days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import psycopg

from storage import arrays, dirty


@dataclass(frozen=True, slots=True)
class Window:
    """Quarter hours of a meter that were replaced, µs UTC, whole quarters.

    Attributes:
        meter_id: the meter.
        from_us: begin of the first.
        to_us: end of the last.
    """

    meter_id: int
    from_us: int
    to_us: int


# Sums the rows of a level from those below it; rows that have nothing left below them go.
_LEVEL: Final = """
WITH spans AS MATERIALIZED (
    SELECT meter, {begin} AS since, {end} AS until
    FROM unnest(%(meters)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[])
        AS windows (meter, from_, to_)
), fresh AS MATERIALIZED (
    SELECT meter AS meter_id, {key} AS {column}, sum(micro)::int8 AS micro,
           sum(estimated)::int8 AS estimated, sum(covered_s)::int4 AS covered_s,
           bit_or(flags) AS flags
    FROM spans CROSS JOIN LATERAL (
        SELECT {part}, micro, estimated, covered_s, flags FROM {below}
        WHERE meter_id = meter AND {part} >= {low} AND {part} < {high}
    ) AS parts
    GROUP BY 1, 2
), gone AS (
    DELETE FROM {table} AS old USING spans
    WHERE old.meter_id = meter AND old.{column} >= since AND old.{column} < until
      AND NOT EXISTS (
          SELECT FROM fresh
          WHERE fresh.meter_id = old.meter_id AND fresh.{column} = old.{column}
      )
)
INSERT INTO {table} AS old (meter_id, {column}, micro, estimated, covered_s, flags)
SELECT meter_id, {column}, micro, estimated, covered_s, flags FROM fresh
ORDER BY meter_id, {column}
ON CONFLICT (meter_id, {column}) DO UPDATE
SET micro = excluded.micro, estimated = excluded.estimated, covered_s = excluded.covered_s,
    flags = excluded.flags
WHERE (old.micro, old.estimated, old.covered_s, old.flags)
   IS DISTINCT FROM (excluded.micro, excluded.estimated, excluded.covered_s, excluded.flags)
"""
_LAST: Final = "to_ - interval '1 microsecond'"
HOURS: Final = _LEVEL.format(
    table="consumption_hour",
    column="slot",
    below="consumption",
    part="slot",
    key="date_trunc('hour', slot, 'UTC')",
    begin="date_trunc('hour', from_, 'UTC')",
    end=f"date_trunc('hour', {_LAST}, 'UTC') + interval '1 hour'",
    low="since",
    high="until",
)
_DAY: Final = {
    "table": "consumption_day",
    "column": "day",
    "part": "slot",
    "key": "(slot AT TIME ZONE %(zone)s)::date",
    "begin": "(from_ AT TIME ZONE %(zone)s)::date",
    "end": f"(({_LAST}) AT TIME ZONE %(zone)s)::date + 1",
    "low": "since::timestamp AT TIME ZONE %(zone)s",
    "high": "until::timestamp AT TIME ZONE %(zone)s",
}
DAYS_OF_HOURS: Final = _LEVEL.format(below="consumption_hour", **_DAY)
DAYS_OF_QUARTERS: Final = _LEVEL.format(below="consumption", **_DAY)
MONTHS: Final = _LEVEL.format(
    table="consumption_month",
    column="month",
    below="consumption_day",
    part="day",
    key="date_trunc('month', day::timestamp)::date",
    begin="date_trunc('month', from_ AT TIME ZONE %(zone)s)::date",
    end=f"(date_trunc('month', ({_LAST}) AT TIME ZONE %(zone)s) + interval '1 month')::date",
    low="since",
    high="until",
)


CHANGED: Final = "consumption"
"""Kind of the dirty log: quarter hours of meters were replaced, and what is summed from them."""


def roll_up(conn: psycopg.Connection, windows: Sequence[Window], zone: ZoneInfo) -> None:
    """Bring hours, days and months up to what their quarter hours say, and say so in the dirty log.

    Args:
        conn: in the transaction that replaced the quarters.
        windows: what was replaced; of each meter one.
        zone: of days and months.

    Raises:
        psycopg.errors.NumericValueOutOfRange: a sum does not fit into 64 bits.
    """
    if not windows:
        return
    values = {
        "meters": arrays.ids([one.meter_id for one in windows]),
        "froms": arrays.times([one.from_us for one in windows]),
        "tos": arrays.times([one.to_us for one in windows]),
        "zone": zone.key,
    }
    days = DAYS_OF_HOURS if _begins_days_on_the_hour(zone) else DAYS_OF_QUARTERS
    for level in (HOURS, days, MONTHS):
        conn.execute(level, values, prepare=False)
    dirty.note(conn, CHANGED, ((one.meter_id, one.from_us, one.to_us) for one in windows))


@cache
def _begins_days_on_the_hour(zone: ZoneInfo) -> bool:
    """Say whether the zone was always whole hours from UTC since anything was metered."""
    moments = (
        datetime(year, month, 1, tzinfo=UTC) for year in range(1990, 2061) for month in (1, 7)
    )
    offsets = (moment.astimezone(zone).utcoffset() for moment in moments)
    return all(offset is not None and not offset.total_seconds() % 3600 for offset in offsets)
