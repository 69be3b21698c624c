"""What was measured at places and in their rooms, as layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg

from metering.counter.model import Int64s
from metering.gauge.hold import Holds, clip
from metering.gauge.store import held
from rules.kinds.model import Input
from rules.subjects.places.modes import Modes
from rules.subjects.places.sources import NAMES, Sources
from rules.timeline.overlay import Windows


def load_inputs(
    conn: psycopg.Connection[Any], sources: Sources, windows: Windows, modes: Modes
) -> dict[str, list[Holds]]:
    """Load what was measured within windows of places.

    Args:
        conn: any connection.
        sources: of the places; others do not matter.
        windows: of places; they begin and end on whole seconds.
        modes: what the numbers of operating modes mean.

    Returns:
        For each input its sources, as :class:`rules.derive.evaluate.Layers` wants them.
    """
    used, spans = sources.within(windows)
    if not len(used):
        return {}
    mode = NAMES.index(Input.MODE)
    modes.learn(conn, set(used.profile[used.name == mode].tolist()))
    found = held(conn, spans)
    found = clip(found, used.begin[found.subject], used.end[found.subject])
    layers: dict[str, list[Holds]] = {}
    for name in np.unique(used.name).tolist():
        for rank in range(1 + int(used.rank[used.name == name].max())):
            chosen = (used.name == name) & (used.rank == rank)
            part = found.where(chosen[found.subject])
            if name == mode:
                part = _translated(part, used.profile[part.subject], modes)
            layers.setdefault(NAMES[name], []).append(_of_places(part, used))
    return layers


def _translated(found: Holds, profiles: Int64s, modes: Modes) -> Holds:
    value = modes.translated(profiles, found.value)
    kept = np.isfinite(value)
    return Holds(found.subject, found.since, found.until, value).where(kept)


def _of_places(found: Holds, used: Sources) -> Holds:
    places = used.place[found.subject]
    order = np.lexsort((found.since, places))
    return Holds(places[order], found.since[order], found.until[order], found.value[order])
