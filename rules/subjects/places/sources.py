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
from storage.times import ALWAYS_US, NEVER_US

NAMES: Final = tuple(Input)

# Points of the devices that hang at a place, the last one first; then, where people are concerned,
# those of other places in its room.
_POINTS: Final[LiteralString] = """
WITH hanging AS (
    SELECT place, 0 AS far, place AS at, '(,)'::tstzrange AS during
    FROM unnest(%(places)s::int[]) AS place
    UNION ALL
    SELECT place, 1, other.place_id, own.valid * other.valid
    FROM unnest(%(places)s::int[]) AS place
    JOIN place_room AS own ON own.place_id = place
    JOIN place_room AS other ON other.room_id = own.room_id AND other.place_id <> place
        AND other.valid && own.valid
)
SELECT place, array_position(%(names)s::text[], point.name) - 1,
       row_number() OVER (
           PARTITION BY place, point.name
           ORDER BY far, lower(bound.valid) DESC NULLS LAST, point.id
       ) - 1,
       point.id, device.profile_id,
       greatest(CASE point.class WHEN 'gauge' THEN %(gauge)s ELSE %(state)s END, interval_s),
       coalesce((extract(epoch FROM lower(during * bound.valid)) * 1000000)::int8, %(always)s),
       coalesce((extract(epoch FROM upper(during * bound.valid)) * 1000000)::int8, %(never)s)
FROM hanging
JOIN device_place AS bound ON bound.place_id = at AND bound.valid && during
JOIN device ON device.id = bound.device_id
JOIN point ON point.device_id = device.id AND point.class <> 'counter'
    AND point.name = ANY(CASE far WHEN 0 THEN %(wanted)s::text[] ELSE %(beside)s::text[] END)
ORDER BY place
"""


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
            "always": ALWAYS_US,
            "never": NEVER_US,
        }
        rows = conn.execute(_POINTS, values).fetchall()
        columns = np.array(rows, np.int64).reshape(-1, 8).T
        columns[5] *= 1_000_000
        return cls(*columns)

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
