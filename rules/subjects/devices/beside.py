"""What was heard beside a silence: on its bus, or of anything at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import numpy as np

from rules.subjects.devices.heard import HOUR_US, Hung, Span, joined, lasting
from rules.subjects.devices.own import PROVEN_HOURS, Silence, merged, several, without
from rules.subjects.model import Basis, Conn
from storage import arrays
from storage.times import ALWAYS_US, OPEN_US, us_of

MISSED: Final = 3
"""So many readings in a row may fail before a device is not heard of any more."""
EVERYTHING: Final = 0
"""In the place of a bus: all of them."""

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
_QUICKEST: Final = "SELECT min(interval_s) FROM device"
_BUS_OF: Final = "SELECT id, bus_id FROM device WHERE id = ANY(%s::int[])"


def held_s(basis: Basis) -> int:
    """Return how long values of any class hold."""
    return max(basis.gauges.gauge_silence_s, basis.gauges.state_silence_s)


@dataclass(frozen=True, slots=True)
class Hanging:
    """A device that hung somewhere.

    Attributes:
        hung: when.
        bus: on which bus it is.
        lasts: how long it is heard of from the hour of a reading on, µs.
    """

    hung: Hung
    bus: int
    lasts: int


def hanging(
    conn: Conn, ids: Iterable[int], silence_s: int, *, buses: bool = False
) -> list[Hanging]:
    """Return when devices hung somewhere, by device and time.

    Args:
        conn: any connection.
        ids: of devices.
        silence_s: how long values hold.
        buses: the ids are those of buses, and all devices on them are meant.
    """
    found: list[Hanging] = []
    query = _ON_BUSES if buses else _DEVICES
    for device, bus, since, until, first, interval_s in conn.execute(query, [arrays.ids(ids)]):
        begin = since or first
        if begin is not None:
            end = OPEN_US if until is None else us_of(until)
            lasts = lasting(max(MISSED * interval_s, silence_s))
            found.append(Hanging(Hung(device, us_of(begin), end), bus, lasts))
    return found


def hours_heard(
    conn: Conn, asked: Sequence[tuple[int, int, int]], most: int | None = None
) -> list[list[int]]:
    """Return in which hours something with a value was read on buses: their begins, µs UTC.

    Args:
        conn: any connection.
        asked: bus, or :data:`EVERYTHING`; from, to, µs UTC: whole hours that touch this.
        most: of each the first so many; None: all.
    """
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
        for number, hour in conn.execute(query, values) if rows else ():
            hours[rows[number - 1]].append(hour)
        for n in numbers:
            found[n] = hours[_whole_hours(*asked[n])]
    return found


def _whole_hours(bus: int, begin: int, end: int) -> tuple[int, int, int]:
    last = min(end, OPEN_US)
    return bus, max(begin, ALWAYS_US) // HOUR_US * HOUR_US, -(-last // HOUR_US) * HOUR_US


def beside_devices(
    conn: Conn, silences: Sequence[Silence], silence_s: int
) -> list[tuple[Silence, Sequence[Span]]]:
    """Return silences of devices with when something else on the bus, if anything is, was heard of.

    Of one that is alone on its bus all other buses are asked.

    Args:
        conn: any connection.
        silences: of devices.
        silence_s: how long values hold.
    """
    bus_of = dict(conn.execute(_BUS_OF, [arrays.ids({one.subject for one in silences})]))
    on_bus: dict[int, list[Hanging]] = defaultdict(list)
    for one in hanging(conn, set(bus_of.values()), silence_s, buses=True):
        on_bus[one.bus].append(one)
    # A silent device hangs: it is alone where it is not one of several.
    together = {
        bus: several((one.hung.since, one.hung.until) for one in those)
        for bus, those in on_bus.items()
    }
    alone = [without((one.since, one.until), together[bus_of[one.subject]]) for one in silences]
    lasts = {bus: _witness(one.lasts for one in those) for bus, those in on_bus.items()}
    asked = [(bus_of[one.subject], one.since, one.until) for one in silences]
    heard = _heard(conn, asked, lasts)
    elsewhere = beside_all(conn, [span for spans in alone for span in spans], silence_s)
    return [
        (one, merged([*mine, *(part for span in spans for part in elsewhere[span])]))
        for one, mine, spans in zip(silences, heard, alone, strict=True)
    ]


def beside_all(conn: Conn, spans: Collection[Span], silence_s: int) -> Mapping[Span, list[Span]]:
    """Return of times when anything was heard of anywhere; all of it where there is but one bus."""
    apart = sorted(set(spans))
    lasts = site_lasts(conn, silence_s) if apart else None
    if lasts is None:
        return {span: [span] for span in apart}
    asked = [(EVERYTHING, since, until) for since, until in apart]
    heard = _heard(conn, asked, {EVERYTHING: _witness([lasts])})
    return {
        (since, until): [(max(a, since), min(b, until)) for a, b in mine if a < until and b > since]
        for (since, until), mine in zip(apart, heard, strict=True)
    }


def site_lasts(conn: Conn, silence_s: int) -> int | None:
    """Return how long anything is heard of from the hour of a reading on, µs; None: of one bus."""
    if _number(conn, _USED) < 2:
        return None
    return lasting(max(MISSED * _number(conn, _QUICKEST), silence_s))


def _heard(
    conn: Conn, asked: Sequence[tuple[int, int, int]], lasts: Mapping[int, int]
) -> list[list[Span]]:
    """When something was heard of on buses, as far as it takes to prove a silence."""
    before = max(lasts.values(), default=HOUR_US)
    reaching = [(bus, since - before, until) for bus, since, until in asked]
    most = PROVEN_HOURS + before // HOUR_US + 1
    found: list[list[Span]] = []
    for (bus, *_), hours in zip(asked, hours_heard(conn, reaching, most), strict=True):
        one = np.zeros(len(hours), np.int64)
        spans = joined(one, np.array(hours, np.int64), np.full(len(hours), lasts[bus]))
        found.append(list(spans.get(0, ())))
    return found


def _witness(lasts: Iterable[int]) -> int:
    """How long a reading on a bus proves that others could be heard of, from its hour on.

    An hour less than the least of its devices is heard of: so a device that spoke in the hour of
    the reading, or in the one before, is heard of as long, and its silence is not touched by it.
    """
    return min(lasts) - HOUR_US


def _number(conn: Conn, query: LiteralString) -> int:
    row = conn.execute(query).fetchone()
    return int(row[0] or 0) if row is not None else 0
