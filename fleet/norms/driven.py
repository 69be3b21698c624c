"""Kilometres of vehicles in many windows at once, as an account of each of them would have them.

An account holds every event of its window (:mod:`fleet.ledger.account`): twelve months of a fleet,
for each month anew, are millions of them. Here readings are read once, as arrays, and windows are
differences of sums. The rules are those of :mod:`fleet.ledger.events` and
:mod:`fleet.ledger.mileage`; tests/integration/fleet/ledger/test_driven.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from fleet.derive.arrays import items
from fleet.ledger.events import FASTEST_HM, MOST_HM_A_DAY, MOST_HM_ONCE, SLACK_HM
from fleet.ledger.mileage import MM_IN_HM
from fleet.ledger.window import Window
from fleet.track.fixes import Bools, Int64s
from storage.records import PG_EPOCH_US
from storage.times import DAY_US, midnight, us_of

_HOUR_US: Final = 3_600_000_000
_EPOCH: Final = date(2000, 1, 1)
_TIMED, _RESTARTS = 1, 2
# As fleet.ledger.load does; of what was before only the last reading counts.
_READ: Final[LiteralString] = """
    WITH event AS (
        SELECT owner_id, at, odometer_hm AS hm, id AS number, timed, false AS restarts
        FROM fleet_spending_owned
        WHERE owner_id = ANY(%(ids)s) AND at < %(end)s AND odometer_hm IS NOT NULL
            AND (consumer_id = ANY(%(ids)s) OR card = ANY(ARRAY(
                SELECT card FROM fuel_card_fact
                WHERE consumer_id = ANY(%(ids)s) AND withdrawn_at IS NULL
            )))
        UNION ALL
        SELECT o.consumer_id, coalesce(r.at, (o.day + time '12:00') AT TIME ZONE %(zone)s), r.hm,
            o.id, r.at IS NOT NULL, false
        FROM dispatch_order o,
            LATERAL (VALUES (o.out_at, o.odometer_out_hm), (o.back_at, o.odometer_back_hm))
                AS r (at, hm)
        WHERE o.withdrawn_at IS NULL AND o.consumer_id = ANY(%(ids)s) AND r.hm IS NOT NULL
            AND coalesce(r.at, (o.day + time '12:00') AT TIME ZONE %(zone)s) < %(end)s
        UNION ALL
        SELECT c.id, d.read_at, (d.km * 10)::int8, d.id, true, d.restarts
        FROM fuel_consumer c JOIN dashboard_reading d USING (vehicle_id)
        WHERE c.id = ANY(%(ids)s) AND d.withdrawn_at IS NULL AND d.read_at < %(end)s
    ), begun AS (
        SELECT owner_id, max(at) AS at FROM event WHERE at < %(begin)s GROUP BY owner_id
    )
    SELECT owner_id, array_agg(at), array_agg(hm), array_agg(day), array_agg(marks)
    FROM (
        SELECT owner_id, event.at, hm,
            (event.at AT TIME ZONE %(zone)s)::date - date '2000-01-01' AS day,
            timed::int + 2 * restarts::int AS marks
        FROM event LEFT JOIN begun USING (owner_id)
        WHERE event.at >= coalesce(begun.at, %(begin)s)
        ORDER BY owner_id, event.at, hm, number
    ) AS reading GROUP BY owner_id
"""
_DAYS: Final[LiteralString] = """
    SELECT id, array_agg(day), array_agg(gps), array_agg(terminal), array_agg(seen)
    FROM (
        SELECT c.id, d.day - date '2000-01-01' AS day, coalesce(d.gps_mm, -1) AS gps,
            coalesce(d.terminal_mm, -1) AS terminal, (d.fixes > d.bad)::int AS seen
        FROM fuel_consumer c JOIN vehicle_day d ON d.vehicle_id = c.vehicle_id
        WHERE c.id = ANY(%(ids)s) AND d.day >= %(first)s AND d.day < %(last)s
        ORDER BY c.id, d.day
    ) AS day GROUP BY id
"""


@dataclass(frozen=True, slots=True)
class Driven:
    """A stretch of a vehicle in a window: hundreds of metres, and until when, µs UTC."""

    hm: int
    until_us: int


def driven(
    conn: psycopg.Connection[Any],
    ids: Collection[int],
    windows: Sequence[Window],
    zone: ZoneInfo,
) -> Mapping[int, list[Driven | None]]:
    """Return the kilometres of consumers in windows: by the dashboard, the terminal, positions.

    Args:
        conn: in any state.
        ids: of consumers of the ledger; a few hundred at a time.
        windows: ascending.
        zone: the site's.

    Returns:
        By consumer, for each window; None: not known.
    """
    if not windows:
        return {}
    spans = _Spans(windows, zone)
    named = {
        "ids": list(ids),
        "zone": zone.key,
        "first": windows[0].first,
        "last": windows[-1].end,
        "begin": windows[0].times(zone)[0],
        "end": windows[-1].times(zone)[1],
    }
    found: dict[int, list[Driven | None]] = {one: [None] * len(windows) for one in ids}
    for one, columns in _rows(conn, _READ, named):
        found[one] = _by_dashboard(*columns, spans)
    rest = [one for one, its in found.items() if None in its]
    for one, columns in _rows(conn, _DAYS, {**named, "ids": rest}):
        days = _Days(*columns, spans)
        for source in (days.by_terminal, days.by_positions):
            found[one] = [known or source(n) for n, known in enumerate(found[one])]
    return found


class _Spans:
    """Windows as arrays: moments (µs UTC), and days from 2000 on."""

    def __init__(self, windows: Sequence[Window], zone: ZoneInfo) -> None:
        self.zone = zone
        self.begin, self.end = (
            np.array([us_of(one.times(zone)[at]) for one in windows]) for at in (0, 1)
        )
        self.first = np.array([(one.first - _EPOCH).days for one in windows])
        self.last = np.array([(one.end - _EPOCH).days for one in windows])

    def midnight_us(self, day: int) -> int:
        """Return when a day begins."""
        return us_of(midnight(_EPOCH + timedelta(days=day), self.zone))


def _by_dashboard(
    at: Int64s, hm: Int64s, day: Int64s, marks: Int64s, spans: _Spans
) -> list[Driven | None]:
    at = at + PG_EPOCH_US
    way, doubts = (_sums(one) for one in _between_readings(at, hm, day, marks))
    inside = np.searchsorted(at, spans.begin)
    last = np.searchsorted(at, spans.end) - 1
    first = np.maximum(inside - 1, 0)
    known = (last >= inside) & (last > first)
    held = np.maximum(last, 0)
    known &= doubts[held] == doubts[first]
    rows = zip(known, way[held] - way[first], at[held], strict=True)
    return [Driven(int(much), int(until)) if told else None for told, much, until in rows]


def _between_readings(at: Int64s, hm: Int64s, day: Int64s, marks: Int64s) -> tuple[Int64s, Bools]:
    """Return the way from each reading to the next, and whether both cannot be right."""
    timed = (marks & _TIMED > 0)[:-1] & (marks & _TIMED > 0)[1:]
    way, elapsed = np.diff(hm), np.diff(at) + np.where(timed, 0, DAY_US)
    by_days = MOST_HM_ONCE + MOST_HM_A_DAY * elapsed // DAY_US
    most = SLACK_HM + np.minimum(FASTEST_HM * elapsed // _HOUR_US, by_days)
    unordered = (day[:-1] == day[1:]) & ~timed
    anew = (marks & _RESTARTS > 0)[1:]
    wrong = np.where(way < 0, ~unordered, way > most) & ~anew
    return np.where(anew, 0, way), wrong


class _Days:
    """Days of a vehicle as its terminal saw them."""

    def __init__(
        self, day: Int64s, gps: Int64s, terminal: Int64s, seen: Int64s, spans: _Spans
    ) -> None:
        self._day, self._spans = day, spans
        self._begin, self._end = (np.searchsorted(day, one) for one in (spans.first, spans.last))
        self._seen = np.flatnonzero(seen)
        self._gps = _sums(gps), _sums(gps < 0)
        still = (terminal < 0) & (gps == 0)
        self._terminal = _sums(np.where(still, 0, terminal)), _sums((terminal < 0) & ~still)
        self._told = _sums(terminal >= 0)

    def by_terminal(self, window: int) -> Driven | None:
        """Return what its odometer gained."""
        begin, end = self._begin[window], self._end[window]
        told = self._told[end] > self._told[begin]
        return self._within(window, *self._terminal) if told else None

    def by_positions(self, window: int) -> Driven | None:
        """Return the way from fix to fix."""
        return self._within(window, *self._gps)

    def _within(self, window: int, ways: Int64s, unknown: Int64s) -> Driven | None:
        begin, end = self._begin[window], self._end[window]
        first, behind = np.searchsorted(self._seen, [begin, end])
        if first == behind or unknown[end] != unknown[begin]:
            return None
        mm = int(ways[end] - ways[begin])
        last = int(self._day[self._seen[behind - 1]])
        until = self._spans.midnight_us(last + 1)
        return Driven((mm + MM_IN_HM // 2) // MM_IN_HM, until)


def _sums(values: Int64s | Bools) -> Int64s:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))


def _rows(
    conn: psycopg.Connection[Any], query: LiteralString, named: Mapping[str, object]
) -> Iterator[tuple[int, tuple[Int64s, Int64s, Int64s, Int64s]]]:
    """Yield (consumer, columns as whole numbers)."""
    with conn.cursor(binary=True) as cursor:
        cursor.execute(query, named)
        result = cursor.pgresult
        if result is None:
            raise RuntimeError("the statement of readings returned nothing")
        kinds = (">i8", ">i8", ">i4", ">i4") if query is _READ else (">i4", ">i8", ">i8", ">i4")
        for row in range(result.ntuples):
            one, two, three, four = (
                items(result.get_value(row, 1 + n), kind).astype(np.int64)
                for n, kind in enumerate(kinds)
            )
            yield int.from_bytes(result.get_value(row, 0) or b""), (one, two, three, four)
