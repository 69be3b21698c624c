"""What was measured at places and in their rooms, as layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg

from metering.counter.model import Int64s
from metering.gauge.hold import Holds, clip
from metering.gauge.store import held
from rules.kinds.model import ABSENT, Input
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
    mode, people = NAMES.index(Input.MODE), NAMES.index(Input.OCCUPANCY)
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
            told = _of_places(part, used)
            if name == people:
                told = _merged(told, _absent(used.where(chosen), windows))
            layers.setdefault(NAMES[name], []).append(told)
    return layers


def _translated(found: Holds, profiles: Int64s, modes: Modes) -> Holds:
    value = modes.translated(profiles, found.value)
    kept = np.isfinite(value)
    return Holds(found.subject, found.since, found.until, value).where(kept)


def _of_places(found: Holds, used: Sources) -> Holds:
    return _ordered(Holds(used.place[found.subject], found.since, found.until, found.value))


def _absent(used: Sources, windows: Windows) -> Holds:
    """When a sensor of people does not hang at a place: then its silence hides nobody.

    Args:
        used: at most one source of a place.
        windows: of all places that are looked at.
    """
    at = np.minimum(np.searchsorted(used.place, windows.subject), len(used) - 1)
    hangs = used.place[at] == windows.subject
    begin = np.where(hangs, np.clip(used.begin[at], windows.begin, windows.end), windows.end)
    end = np.where(hangs, np.clip(used.end[at], begin, windows.end), windows.end)
    since, until = np.r_[windows.begin, end], np.r_[begin, windows.end]
    subject = np.r_[windows.subject, windows.subject]
    return Holds(subject, since, until, np.full(len(since), ABSENT)).where(since < until)


def _merged(one: Holds, other: Holds) -> Holds:
    """Put together what never overlaps."""
    return _ordered(
        Holds(
            np.r_[one.subject, other.subject],
            np.r_[one.since, other.since],
            np.r_[one.until, other.until],
            np.r_[one.value, other.value],
        )
    )


def _ordered(found: Holds) -> Holds:
    order = np.lexsort((found.since, found.subject))
    return Holds(found.subject[order], found.since[order], found.until[order], found.value[order])
