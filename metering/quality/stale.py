"""Meters whose counter has been silent longer than it should."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg

_LATEST: Final[LiteralString] = """
    SELECT m.id, m.code, d.code, d.interval_s, counted.id IS NOT NULL,
           nullif(lower(h.valid), '-infinity'), latest.ts, latest.value IS NULL, good.ts
    FROM meter m
    LEFT JOIN device_place h ON h.place_id = m.place_id AND h.valid @> %(now)s::timestamptz
    LEFT JOIN device d ON d.id = h.device_id
    LEFT JOIN bus b ON b.id = d.bus_id
    LEFT JOIN LATERAL (
        SELECT id FROM point WHERE device_id = d.id AND class = 'counter'
          AND name = coalesce(m.register, name) ORDER BY id LIMIT 1
    ) AS counted ON true
    LEFT JOIN latest_reading latest ON latest.point_id = counted.id
    LEFT JOIN LATERAL (
        SELECT ts FROM reading WHERE point_id = counted.id AND value IS NOT NULL
          AND latest.value IS NULL AND ts <= latest.ts
        ORDER BY ts DESC LIMIT 1
    ) AS good ON true
    WHERE m.formula IS NULL AND m.valid @> %(now)s::timestamptz
      AND b.transport IS DISTINCT FROM 'by-hand'
      AND (%(meters)s::int[] IS NULL OR m.id = ANY(%(meters)s))
    ORDER BY m.code, d.code
"""


class Silence(enum.StrEnum):
    """Why there is nothing fresh."""

    NOT_BOUND = "not_bound"  # no device hangs at the place
    NO_COUNTER = "no_counter"  # the device has no such counter
    NEVER = "never"  # it has never sent anything
    NO_VALUE = "no_value"  # it answers, and says "not available"
    SILENT = "silent"  # it stopped


WORDS: Final = {
    Silence.NOT_BOUND: "未安装设备",
    Silence.NO_COUNTER: "设备没有该累计量测点",
    Silence.NEVER: "从未收到数据",
    Silence.NO_VALUE: "设备返回无效值",
    Silence.SILENT: "设备停止上报",
}


@dataclass(frozen=True, slots=True)
class Stale:
    """A meter without a fresh reading.

    Attributes:
        meter_id: its id.
        meter: its code.
        device: code of what hangs there; None: nothing.
        why: the reason.
        since: the last reading with a value; None: there is none.
    """

    meter_id: int
    meter: str
    device: str | None
    why: Silence
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest of a counter; see the query."""

    meter_id: int
    meter: str
    device: str | None
    interval_s: int | None
    counter: bool
    bound: datetime | None
    newest: datetime | None
    no_value: bool
    good: datetime | None


def stale(
    conn: psycopg.Connection[Any],
    now: datetime,
    intervals: int,
    meters: list[int] | None = None,
) -> tuple[Stale, ...]:
    """Meters of which nothing usable came for longer than so many intervals of their device.

    Args:
        conn: a connection.
        now: the time to judge by.
        intervals: how many may be missed, at least 1.
        meters: ids; None: all that are valid now.

    Raises:
        ValueError: fewer than one interval.
    """
    if intervals < 1:
        raise ValueError(f"{intervals} intervals: give 1 or more")
    rows = conn.execute(_LATEST, {"now": now, "meters": meters})
    found = (judge(Latest(*row), now, intervals) for row in rows)
    return tuple(one for one in found if one is not None)


def judge(latest: Latest, now: datetime, intervals: int) -> Stale | None:
    """Tell whether a meter is stale; None: it is fresh, or its device was bound just now."""
    good = latest.good if latest.no_value else latest.newest
    why = _why(latest, now, intervals, good)
    if why is None:
        return None
    return Stale(latest.meter_id, latest.meter, latest.device, why, good)


def _why(latest: Latest, now: datetime, intervals: int, good: datetime | None) -> Silence | None:
    if latest.device is None or latest.interval_s is None:
        return Silence.NOT_BOUND
    if not latest.counter:
        return Silence.NO_COUNTER
    longest = timedelta(seconds=latest.interval_s * intervals)
    # What was bound a moment ago cannot have answered yet.
    since = max((at for at in (latest.bound, good) if at is not None), default=None)
    if since is not None and now - since <= longest:
        return None
    if latest.newest is None:
        return Silence.NEVER
    fresh = now - latest.newest <= longest
    return Silence.NO_VALUE if fresh and latest.no_value else Silence.SILENT
