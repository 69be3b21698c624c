"""Events of vehicles as layers: 1 where one happened, unknown where one cannot tell, else 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from metering.gauge.hold import Holds
from rules.timeline.overlay import Windows

MINUTE_US = 60_000_000
"""An event of a moment lasts so long."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something of a vehicle: ``since`` ≤ t < ``until``, µs UTC.

    Attributes:
        vehicle: id.
        value: above 0; None: whether it happened cannot be told.
    """

    vehicle: int
    since: int
    until: int
    value: float | None = 1.0


def at_once(vehicle: int, at_us: int, value: float | None = 1.0) -> Event:
    """Return an event of a moment."""
    return Event(vehicle, at_us, at_us + MINUTE_US, value)


def laid(events: Iterable[Event], windows: Windows) -> Holds:
    """Lay events into the windows of their vehicles.

    Of several at once the greatest counts, and one that happened more than one that cannot be told.

    Args:
        events: in any order; of vehicles without a window they do not matter.
        windows: of vehicles.
    """
    rows = {one: row for row, one in enumerate(windows.subject.tolist())}
    of_row: list[list[Event]] = [[] for _ in rows]
    for one in events:
        row = rows.get(one.vehicle)
        if row is not None and one.since < windows.end[row] and one.until > windows.begin[row]:
            of_row[row].append(one)
    spans = zip(windows.subject.tolist(), windows.begin.tolist(), windows.end.tolist(), strict=True)
    parts = [_one(span, its) for span, its in zip(spans, of_row, strict=True)]
    return _joined([part for its in parts for part in its])


def _one(
    window: tuple[int, int, int], events: Sequence[Event]
) -> list[tuple[int, int, int, float]]:
    subject, begin, end = window
    cuts = {begin, end}
    cuts |= {at for one in events for at in (one.since, one.until) if begin < at < end}
    bounds = sorted(cuts)
    values = np.zeros(len(bounds) - 1)
    starts = np.array(bounds)
    unknown = np.zeros(len(bounds) - 1, np.bool_)
    for one in events:
        first, last = np.searchsorted(starts, [max(one.since, begin), min(one.until, end)])
        if one.value is None:
            unknown[first:last] = True
        else:
            values[first:last] = np.maximum(values[first:last], one.value)
    return [
        (subject, bounds[n], bounds[n + 1], float(values[n]))
        for n in range(len(values))
        if values[n] > 0 or not unknown[n]
    ]


def _joined(parts: Sequence[tuple[int, int, int, float]]) -> Holds:
    if not parts:
        nothing = np.empty(0, np.int64)
        return Holds(nothing, nothing, nothing, np.empty(0))
    subject, since, until, value = zip(*parts, strict=True)
    return Holds(
        np.array(subject, np.int64),
        np.array(since, np.int64),
        np.array(until, np.int64),
        np.array(value, np.float64),
    )


def pieces(events: Iterable[Event]) -> Holds:
    """Return events that stand apart as they are: elsewhere nothing is known.

    Args:
        events: those of a vehicle never overlap; with a value each.
    """
    rows = [(e.vehicle, e.since, e.until, e.value) for e in events if e.value is not None]
    return _joined(sorted(rows))
