"""How much of each day is known, meter by meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from metering.plan.usage import Window
from metering.quality.presence import HUNG

_DAYS: Final[LiteralString] = (
    "WITH hung AS ("  # noqa: S608 - put together from constants
    + HUNG
    + """), days AS (
        SELECT day::date, tstzrange(
            day::date::timestamp AT TIME ZONE %(zone)s,
            greatest(
                day::date::timestamp AT TIME ZONE %(zone)s,
                least(%(now)s, (day::date + 1)::timestamp AT TIME ZONE %(zone)s)
            )
        ) AS span
        FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
    )
    SELECT meter.id AS meter_id, meter.code AS meter, days.day, c.micro,
           coalesce(c.estimated, 0) AS estimated,
           coalesce(c.covered_s, 0) - later.covered_s AS covered_s,
           wanted.expected_s, coalesce(c.flags, 0) AS flags
    FROM hung
    JOIN meter ON meter.id = hung.meter_id
    CROSS JOIN days
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(extract(epoch FROM upper(part) - lower(part))), 0)::int AS expected_s
        FROM unnest(hung.spans * tstzmultirange(days.span)) AS part
    ) AS wanted
    LEFT JOIN consumption_day c ON c.meter_id = meter.id AND c.day = days.day
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(greatest(
            0, q.covered_s - greatest(0, extract(epoch FROM %(now)s - q.slot)::int))), 0)::int
        FROM consumption q
        WHERE q.meter_id = meter.id AND q.slot > %(now)s - interval '15 min'
            AND q.slot >= days.day::timestamp AT TIME ZONE %(zone)s
            AND q.slot < (days.day + 1)::timestamp AT TIME ZONE %(zone)s
    ) AS later (covered_s)
    WHERE wanted.expected_s > 0 OR c.micro IS NOT NULL
    ORDER BY meter.code, days.day
"""
)


@dataclass(frozen=True, slots=True)
class MeterDay:
    """A day of a meter.

    Attributes:
        meter_id: its id.
        meter: its code.
        day: local.
        micro: millionths of the unit; None: nothing is known.
        estimated: the part of it that was allotted over gaps.
        covered_s: seconds between accepted readings, of the time that is over.
        expected_s: seconds that could be known: a device hung there, and they are over.
        flags: :class:`metering.counter.model.Flag`.
    """

    meter_id: int
    meter: str
    day: date
    micro: int | None
    estimated: int
    covered_s: int
    expected_s: int
    flags: int

    @property
    def share(self) -> Decimal:
        """Which part of what is expected is known, 0 to 1."""
        return share_of(self.covered_s, self.expected_s)

    @property
    def complete(self) -> bool:
        """All that is expected is known."""
        return self.covered_s >= self.expected_s


def share_of(covered_s: int, expected_s: int) -> Decimal:
    """Part of the expected time that is known; where nothing is expected nothing is missing."""
    return min(Decimal(1), Decimal(covered_s) / expected_s) if expected_s else Decimal(1)


def completeness(
    conn: psycopg.Connection[Any],
    meters: Sequence[int],
    window: Window,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[MeterDay, ...]:
    """Days of meters on which something is expected or known, by code and day.

    Args:
        conn: a connection.
        meters: ids.
        window: local days.
        zone: the site's.
        now: later than this nothing is expected yet.
    """
    values = {
        "meters": list(meters),
        "first": window.first,
        "last": window.last,
        "zone": zone.key,
        "now": now,
    }
    with conn.cursor(row_factory=class_row(MeterDay)) as cursor:
        return tuple(cursor.execute(_DAYS, values).fetchall())
