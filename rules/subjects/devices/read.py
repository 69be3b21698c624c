"""What the database holds of when something was heard of devices, of buses, and at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import numpy as np

from metering.counter.model import Int64s
from rules.subjects.devices.beside import EVERYTHING, Hanging, hanging_of
from rules.subjects.devices.heard import HOUR_US, Span
from rules.subjects.model import Conn
from storage import arrays
from storage.times import ALWAYS_US, OPEN_US, us_of

# A look-up for each hour from the first reading of a window to the last, which ends with the first
# reading of the hour: more of it changes nothing.
_HOURS_OF_DEVICES: Final[LiteralString] = """
SELECT device, (extract(epoch FROM hour) * 1000000)::int8
FROM unnest(%(devices)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (device, begin_, end_)
CROSS JOIN LATERAL (
    SELECT min(oldest.ts) AS first, max(newest.ts) AS last
    FROM point
    CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts >= begin_ AND value IS NOT NULL ORDER BY ts LIMIT 1
    ) AS oldest
    CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts >= begin_ AND ts < end_ AND value IS NOT NULL
        ORDER BY ts DESC LIMIT 1
    ) AS newest
    WHERE point.device_id = device
) AS edge
CROSS JOIN LATERAL generate_series(
    date_trunc('hour', edge.first, 'UTC'), edge.last, interval '1 hour'
) AS hour
WHERE EXISTS (
    SELECT FROM point CROSS JOIN LATERAL (
        SELECT FROM reading
        WHERE point_id = point.id AND ts >= hour AND ts < hour + interval '1 hour'
          AND value IS NOT NULL
        LIMIT 1
    ) AS one
    WHERE point.device_id = device
)
ORDER BY device, hour
"""
# The hour of the first reading on a bus from one moment to another, by a look-up for each point;
# OFFSET 0 keeps the planner from reading all that there is.
_FIRST: Final[LiteralString] = """
SELECT date_trunc('hour', min(one.ts), 'UTC') FROM device
JOIN point ON point.device_id = device.id
CROSS JOIN LATERAL (
    SELECT ts FROM reading
    WHERE point_id = point.id AND ts >= {begin} AND ts < {end} AND value IS NOT NULL
    ORDER BY ts LIMIT 1
) AS one
WHERE {which} OFFSET 0
"""
# Where the next hour has any, the first that is met will do.
_ANY: Final[LiteralString] = """
SELECT FROM device JOIN point ON point.device_id = device.id
CROSS JOIN LATERAL (
    SELECT FROM reading
    WHERE point_id = point.id AND ts >= hour + interval '1 hour' AND ts < hour + interval '2 hours'
      AND value IS NOT NULL
    LIMIT 1
) AS one
WHERE {which} OFFSET 0
"""
# No look-ups behind the last one.
_NEWEST: Final[LiteralString] = """
SELECT date_trunc('hour', max(one.ts), 'UTC') FROM device
JOIN point ON point.device_id = device.id
CROSS JOIN LATERAL (
    SELECT ts FROM reading
    WHERE point_id = point.id AND ts >= begin_ AND ts < a.end_ AND value IS NOT NULL
    ORDER BY ts DESC LIMIT 1
) AS one
WHERE {which} OFFSET 0
"""
_ONE_BUS: Final[LiteralString] = "device.bus_id = bus"
_HOURS: Final[LiteralString] = """
WITH RECURSIVE asked AS (
    SELECT n, bus, begin_, newest.hour + interval '1 hour' AS end_
    FROM unnest(%(buses)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
        WITH ORDINALITY AS a (bus, begin_, end_, n)
    CROSS JOIN LATERAL ({newest}) AS newest (hour)
    WHERE newest.hour IS NOT NULL
), live AS (
    SELECT n, bus, end_, 1 AS count, first.hour
    FROM asked CROSS JOIN LATERAL ({first}) AS first (hour)
    UNION ALL
    SELECT n, bus, end_, count + 1, next.hour
    FROM live CROSS JOIN LATERAL (
        SELECT CASE WHEN EXISTS ({any}) THEN live.hour + interval '1 hour' ELSE ({later}) END
    ) AS next (hour)
    WHERE count < %(most)s AND live.hour < end_ - interval '1 hour'
)
SELECT n, (extract(epoch FROM hour) * 1000000)::int8 FROM live
ORDER BY n, hour
"""


def _hours(which: LiteralString) -> LiteralString:
    return _HOURS.format(
        newest=_NEWEST.format(which=which),
        first=_FIRST.format(begin="begin_", end="end_", which=which),
        any=_ANY.format(which=which),
        later=_FIRST.format(begin="hour + interval '2 hours'", end="end_", which=which),
    )


_OF_BUSES: Final = _hours(_ONE_BUS)
_OF_ALL: Final = _hours("true")
# While it hangs somewhere; where nobody said since when, since its first reading.
_HUNG: Final[LiteralString] = """
SELECT device.id, device.bus_id, lower(span), upper(span), first.ts, device.interval_s
FROM {asked}
JOIN device_place AS bound ON bound.device_id = device.id
CROSS JOIN LATERAL (SELECT bound.valid * device.valid AS span) AS hung
LEFT JOIN LATERAL (
    SELECT min(oldest.ts) AS ts FROM point CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND value IS NOT NULL ORDER BY ts LIMIT 1
    ) AS oldest
    WHERE point.device_id = device.id AND lower_inf(span)
) AS first ON true
WHERE NOT isempty(span)
ORDER BY device.id, lower(span) NULLS FIRST
"""
_DEVICES: Final[LiteralString] = _HUNG.format(
    asked="unnest(%s::int[]) AS asked JOIN device ON device.id = asked"
)
_ON_BUSES: Final[LiteralString] = _HUNG.format(
    asked="unnest(%s::int[]) AS asked JOIN device ON device.bus_id = asked"
)
_USED: Final[LiteralString] = """
SELECT count(*) FROM (
    SELECT FROM bus WHERE EXISTS (
        SELECT FROM device JOIN device_place ON device_id = device.id WHERE bus_id = bus.id
    ) LIMIT 2
) AS used
"""
_NEWEST_OF_ALL: Final = "SELECT heard_in FROM rules_site WHERE several AND heard_in IS NOT NULL"
_QUICKEST: Final = "SELECT min(interval_s) FROM device"
_BUS_OF: Final = "SELECT id, bus_id FROM device WHERE id = ANY(%s::int[])"
# What was heard last before some moment: of a silence that goes back beyond what is looked at.
_LAST_OF_DEVICES: Final[LiteralString] = """
SELECT n, (extract(epoch FROM date_trunc('hour', last.ts, 'UTC')) * 1000000)::int8
FROM unnest(%s::int[], %s::timestamptz[]) WITH ORDINALITY AS asked (device, moment, n)
CROSS JOIN LATERAL (
    SELECT max(newest.ts) AS ts FROM point CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts < moment AND value IS NOT NULL ORDER BY ts DESC LIMIT 1
    ) AS newest
    WHERE point.device_id = device
) AS last
WHERE last.ts IS NOT NULL
"""
# What was heard last on a bus before some moment.
_LAST_OF_BUSES: Final[LiteralString] = """
SELECT n, (extract(epoch FROM date_trunc('hour', last.ts, 'UTC')) * 1000000)::int8
FROM unnest(%s::int[], %s::timestamptz[]) WITH ORDINALITY AS asked (bus, moment, n)
CROSS JOIN LATERAL (
    SELECT max(newest.ts) AS ts FROM device JOIN point ON point.device_id = device.id
    CROSS JOIN LATERAL (
        SELECT ts FROM reading
        WHERE point_id = point.id AND ts < moment AND value IS NOT NULL ORDER BY ts DESC LIMIT 1
    ) AS newest
    WHERE device.bus_id = bus
) AS last
WHERE last.ts IS NOT NULL
"""
_FIRST_OF_ALL: Final[LiteralString] = """
SELECT min(oldest.ts) FROM point CROSS JOIN LATERAL (
    SELECT ts FROM reading WHERE point_id = point.id AND value IS NOT NULL ORDER BY ts LIMIT 1
) AS oldest
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """See :class:`rules.subjects.devices.beside.Source`."""

    conn: Conn

    def hanging(self, ids: Iterable[int], silence_s: int, *, buses: bool = False) -> list[Hanging]:
        """Return when devices hung somewhere, by device and time."""
        query = _ON_BUSES if buses else _DEVICES
        return [
            hanging_of(device, bus, us_of(begin), until and us_of(until), interval_s, silence_s)
            for device, bus, since, until, first, interval_s in self.conn.execute(
                query, [arrays.ids(ids)]
            )
            if (begin := since or first) is not None
        ]

    def bus_of(self, devices: Iterable[int]) -> Mapping[int, int]:
        """Return on which bus each device is."""
        return dict(self.conn.execute(_BUS_OF, [arrays.ids(devices)]))

    def quickest(self) -> int | None:
        """Return the shortest interval of all devices, s; None: there is but one bus."""
        return _number(self.conn, _QUICKEST) if _number(self.conn, _USED) > 1 else None

    def first(self) -> int | None:
        """Return when anything was read first, µs UTC."""
        row = self.conn.execute(_FIRST_OF_ALL).fetchone()
        return None if row is None or row[0] is None else us_of(row[0])

    def newest(self) -> int | None:
        """Return in which hour anything was read last, as it was noted when all was made due."""
        row = self.conn.execute(_NEWEST_OF_ALL).fetchone()
        return None if row is None else us_of(row[0])

    def hours_of_devices(self, asked: Mapping[int, Span]) -> Int64s:
        """Return (device, hour) of hours in which something with a value was read."""
        values = {
            "devices": arrays.ids(asked),
            "begins": arrays.times([max(begin, ALWAYS_US) for begin, _ in asked.values()]),
            "ends": arrays.times([end for _, end in asked.values()]),
        }
        rows = self.conn.execute(_HOURS_OF_DEVICES, values).fetchall()
        return np.array(rows, np.int64).reshape(-1, 2)

    def hours_on_buses(
        self, asked: Sequence[tuple[int, int, int]], most: int | None = None
    ) -> list[list[int]]:
        """Return in which hours something with a value was read on buses."""
        found: list[list[int]] = [[] for _ in asked]
        everything = [n for n, (bus, *_) in enumerate(asked) if bus == EVERYTHING]
        buses = [n for n, (bus, *_) in enumerate(asked) if bus != EVERYTHING]
        for query, numbers in ((_OF_ALL, everything), (_OF_BUSES, buses)):
            # Of many silences that began in the same hour one is looked up.
            rows = sorted({_whole_hours(*asked[n]) for n in numbers})
            values = {
                "buses": arrays.ids(bus for bus, _, _ in rows),
                "begins": arrays.times([begin for _, begin, _ in rows]),
                "ends": arrays.times([end for _, _, end in rows]),
                "most": 2**31 - 1 if most is None else most,
            }
            hours: dict[tuple[int, int, int], list[int]] = defaultdict(list)
            for number, hour in self.conn.execute(query, values) if rows else ():
                hours[rows[number - 1]].append(hour)
            for n in numbers:
                found[n] = hours[_whole_hours(*asked[n])]
        return found

    def last_of_devices(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        """Return in which hour each device was heard of last before a moment."""
        return self._last(_LAST_OF_DEVICES, asked)

    def last_of_buses(self, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        """Return the same of buses."""
        return self._last(_LAST_OF_BUSES, asked)

    def _last(self, query: LiteralString, asked: Sequence[tuple[int, int]]) -> Mapping[int, int]:
        values = [arrays.ids(one for one, _ in asked), arrays.times([at for _, at in asked])]
        return {n - 1: hour for n, hour in self.conn.execute(query, values)}


def _whole_hours(bus: int, begin: int, end: int) -> tuple[int, int, int]:
    last = min(end, OPEN_US)
    return bus, max(begin, ALWAYS_US) // HOUR_US * HOUR_US, -(-last // HOUR_US) * HOUR_US


def _number(conn: Conn, query: LiteralString) -> int:
    row = conn.execute(query).fetchone()
    return int(row[0] or 0) if row is not None else 0
