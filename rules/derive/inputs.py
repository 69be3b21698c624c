"""What is measured at places and in their rooms, as layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import psycopg

from metering.gauge.hold import Holds
from metering.gauge.settings import GaugeSettings
from metering.gauge.store import held
from metering.gauge.windows import Window
from rules.derive.due import BESIDE
from rules.derive.modes import Modes
from rules.kinds.model import Input
from rules.timeline.overlay import Windows
from storage import arrays
from storage.times import us_of

# Points of the devices that hang at a place, the last one first; then, where people are concerned,
# those of other places in its room. Times that nothing bounds stay within the window.
_POINTS: Final[LiteralString] = """
WITH wanted AS MATERIALIZED (
    SELECT place, tstzrange(begin_, end_) AS during
    FROM unnest(%(places)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
        AS w (place, begin_, end_)
), hanging AS (
    SELECT place, 0 AS far, place AS at, during FROM wanted
    UNION ALL
    SELECT place, 1, other.place_id, during * own.valid * other.valid
    FROM wanted
    JOIN place_room AS own ON own.place_id = place AND own.valid && during
    JOIN place_room AS other ON other.room_id = own.room_id AND other.place_id <> place
        AND other.valid && (during * own.valid)
)
SELECT place, point.name, point.id, point.class, device.interval_s, device.profile_id,
       lower(during * bound.valid), upper(during * bound.valid)
FROM hanging
JOIN device_place AS bound ON bound.place_id = at AND bound.valid && during
JOIN device ON device.id = bound.device_id
JOIN point ON point.device_id = device.id
    AND point.name = ANY(CASE far WHEN 0 THEN %(names)s::text[] ELSE %(beside)s::text[] END)
ORDER BY place, point.name, far, lower(bound.valid) DESC NULLS LAST, point.id
"""


@dataclass(frozen=True, slots=True)
class _Source:
    """A point, as far as it speaks of a place."""

    place: int
    name: str
    rank: int
    profile: int
    window: Window


def load_inputs(
    conn: psycopg.Connection[Any], windows: Windows, settings: GaugeSettings, modes: Modes
) -> dict[str, list[Holds]]:
    """Load what was measured within windows of places.

    Args:
        conn: any connection.
        windows: of places; they begin and end on whole seconds.
        settings: how long values hold.
        modes: what the numbers of operating modes mean.

    Returns:
        For each input its sources, as :class:`rules.derive.evaluate.Layers` wants them.
    """
    sources = _sources(conn, windows, settings)
    if not sources:
        return {}
    modes.learn(conn, {one.profile for one in sources if one.name == Input.MODE})
    found = held(conn, [one.window for one in sources])
    layers: dict[str, list[Holds]] = {}
    for name in sorted({one.name for one in sources}):
        for rank in range(1 + max(one.rank for one in sources if one.name == name)):
            layers.setdefault(name, []).append(_layer(found, sources, name, rank, modes))
    return layers


def _layer(found: Holds, sources: Sequence[_Source], name: str, rank: int, modes: Modes) -> Holds:
    chosen = np.array([one.name == name and one.rank == rank for one in sources])
    part = found.where(chosen[found.subject])
    value = part.value
    if name == Input.MODE:
        profiles = np.array([one.profile for one in sources])[part.subject]
        value = modes.translated(profiles, value)
    places = np.array([one.place for one in sources], np.int64)[part.subject]
    order = np.lexsort((part.since, places))
    return Holds(places[order], part.since[order], part.until[order], value[order])


def _sources(
    conn: psycopg.Connection[Any], windows: Windows, settings: GaugeSettings
) -> list[_Source]:
    values = {
        "places": arrays.ids(windows.subject.tolist()),
        "begins": arrays.times(windows.begin.tolist()),
        "ends": arrays.times(windows.end.tolist()),
        "names": [one.value for one in Input],
        "beside": BESIDE,
    }
    silence = {"gauge": settings.gauge_silence_s, "state": settings.state_silence_s}
    ranks: dict[tuple[int, str], int] = {}
    found = []
    for place, name, point, class_, interval_s, profile, begin, end in conn.execute(
        _POINTS, values
    ):
        if class_ not in silence:
            continue
        rank = ranks.get((place, name), 0)
        ranks[place, name] = rank + 1
        silence_us = max(silence[class_], interval_s) * 1_000_000
        window = Window(point, us_of(begin), us_of(end), silence_us)
        found.append(_Source(place, name, rank, profile, window))
    return found
