"""Which points speak of which places, and when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, LiteralString, Self

import numpy as np
import psycopg

from metering.counter.model import Bools, Int64s
from metering.gauge.settings import GaugeSettings
from metering.gauge.store import Spans
from rules.kinds.model import Input
from rules.subjects.places.due import BESIDE
from rules.timeline.overlay import Windows
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import ALWAYS_US, NEVER_US

NAMES: Final = tuple(Input)

# Points of the devices that hang at a place, the last one first; then, where people are concerned,
# those of other places in its room. All rows in one value: a Python object for each would cost more
# than the look-up. OFFSET keeps the planner from reading all bindings for some hundred places.
_POINTS: Final[LiteralString] = """
WITH hanging AS (
    SELECT place, 0 AS far, place AS at, '(,)'::tstzrange AS during
    FROM unnest(%(places)s::int[]) AS place
    UNION ALL
    SELECT place, 1, other.place_id, own.valid * other.valid
    FROM unnest(%(places)s::int[]) AS place
    CROSS JOIN LATERAL (
        SELECT room_id, valid FROM place_room WHERE place_id = place OFFSET 0
    ) AS own
    JOIN place_room AS other ON other.room_id = own.room_id AND other.place_id <> place
        AND other.valid && own.valid
)
, told AS (
    SELECT place, array_position(%(names)s::text[], point.name) - 1 AS name,
           row_number() OVER (
               PARTITION BY place, point.name
               ORDER BY far, lower(bound.valid) DESC NULLS LAST, point.id
           ) - 1 AS rank,
           point.id AS point, device.profile_id AS profile,
           greatest(CASE point.class WHEN 'gauge' THEN %(gauge)s ELSE %(state)s END, interval_s)
               AS silence,
           lower(during * bound.valid) AS begin_, upper(during * bound.valid) AS end_
    FROM hanging
    JOIN LATERAL (
        SELECT device_id, valid FROM device_place WHERE place_id = at OFFSET 0
    ) AS bound ON bound.valid && during
    JOIN device ON device.id = bound.device_id
    JOIN point ON point.device_id = device.id AND point.class <> 'counter'
        AND point.name = ANY(CASE far WHEN 0 THEN %(wanted)s::text[] ELSE %(beside)s::text[] END)
)
SELECT string_agg(
    int4send(place) || int4send(name) || int4send(rank::int) || int4send(point)
    || int4send(profile) || int4send(silence)
    || timestamptz_send(coalesce(begin_, '-infinity'))
    || timestamptz_send(coalesce(end_, 'infinity')), ''::bytea ORDER BY place)
FROM told
"""
_FIELDS: Final = ("place", "name", "rank", "point", "profile", "silence", "begin", "end")
_ROW: Final = np.dtype([(name, ">i4" if n < 6 else ">i8") for n, name in enumerate(_FIELDS)])


@dataclass(frozen=True, slots=True)
class Sources:
    """Points, each as far as it speaks of a place; by place.

    Attributes:
        place: of which.
        name: what it measures, as a number into :data:`NAMES`.
        rank: 0 is believed first.
        point: id.
        profile: id of its device's profile.
        silence: how long a value of it holds at most, µs.
        begin: it speaks of the place from then on, µs UTC.
        end: and no more from then on, µs UTC.
    """

    place: Int64s
    name: Int64s
    rank: Int64s
    point: Int64s
    profile: Int64s
    silence: Int64s
    begin: Int64s
    end: Int64s

    def __len__(self) -> int:
        return len(self.place)

    @classmethod
    def load(
        cls,
        conn: psycopg.Connection[Any],
        places: list[int],
        settings: GaugeSettings,
        wanted: Collection[Input] = NAMES,
    ) -> Self:
        """Look up which points speak of places.

        Args:
            conn: any connection.
            places: of which.
            wanted: what they measure.
            settings: how long values hold; for a device that is asked less often, its interval.
        """
        values = {
            "places": arrays.ids(places),
            "names": [name.value for name in NAMES],
            "wanted": [name.value for name in wanted],
            "beside": [name for name in BESIDE if name in wanted],
            "gauge": settings.gauge_silence_s,
            "state": settings.state_silence_s,
        }
        with conn.cursor(binary=True) as cursor:
            row = cursor.execute(_POINTS, values).fetchone()
        rows = np.frombuffer(bytes(row[0]) if row and row[0] else b"", _ROW)
        place, name, rank, point, profile, silence, begin, end = (
            rows[field].astype(np.int64) for field in _FIELDS
        )
        return cls(
            place, name, rank, point, profile, silence * 1_000_000, _moments(begin), _moments(end)
        )

    def where(self, chosen: Bools) -> Sources:
        """Return those that are chosen."""
        return Sources(
            self.place[chosen],
            self.name[chosen],
            self.rank[chosen],
            self.point[chosen],
            self.profile[chosen],
            self.silence[chosen],
            self.begin[chosen],
            self.end[chosen],
        )

    def within(self, windows: Windows) -> tuple[Sources, Spans]:
        """Return those that speak within the windows of places, and what is read of each."""
        rows = np.minimum(np.searchsorted(windows.subject, self.place), len(windows) - 1)
        begin = np.maximum(self.begin, windows.begin[rows])
        end = np.minimum(self.end, windows.end[rows])
        # Bindings may begin within a second; readings are looked up by whole ones.
        begin, end = begin // 1_000_000 * 1_000_000, -(-end // 1_000_000) * 1_000_000
        kept = (windows.subject[rows] == self.place) & (begin < end)
        found = self.where(kept)
        return found, Spans(found.point, begin[kept], end[kept], found.silence)

    def measured(self) -> dict[int, frozenset[Input]]:
        """Return what is measured at each place."""
        found: dict[int, set[Input]] = {}
        for place, name in zip(self.place.tolist(), self.name.tolist(), strict=True):
            found.setdefault(place, set()).add(NAMES[name])
        return {place: frozenset(names) for place, names in found.items()}


def _moments(sent: Int64s) -> Int64s:
    """Return moments as the database sends them, µs UTC."""
    moments: Int64s = np.clip(sent, ALWAYS_US - PG_EPOCH_US, NEVER_US - PG_EPOCH_US) + PG_EPOCH_US
    return moments
