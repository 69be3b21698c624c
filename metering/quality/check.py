"""Σ of quarter hours against last − first of the counter: does the figure hold? Pure.

The counter is looked at where it was read on the quarter hour, between changes of device, ratio or
register, so that nothing is allotted across the ends of what is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from metering.counter.model import GRAIN_US, Bools, Int64s

LEFT_OUT: Final = frozenset({"dip", "spike", "suspect", "backwards"})
"""Findings whose readings do not count."""
STEPS: Final = frozenset({"rollover", "reset", "jump"})
"""Findings of steps that book something else than the difference of their readings."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding of a device, in ticks; see :class:`metering.counter.model.Finding`."""

    kind: str
    ts_us: int
    until_us: int
    before: int | None
    after: int | None
    micro: int | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A device's counter while nothing about it changes.

    Attributes:
        device: code.
        resolution: units of the point a tick.
        micro_per_tick: millionths of the meter's unit a tick.
        ts: µs UTC of its readings, ascending.
        ticks: what they show.
    """

    device: str
    resolution: Decimal
    micro_per_tick: int
    ts: Int64s
    ticks: Int64s


@dataclass(frozen=True, slots=True)
class Correction:
    """What an event adds to the difference of its two readings; millionths of the unit."""

    kind: str
    ts_us: int
    until_us: int
    micro: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch between two readings on the quarter hour; quantities in millionths of the unit.

    Attributes:
        device: code.
        resolution: units of the point a tick.
        micro_per_tick: millionths of the meter's unit a tick.
        since_us: time of the first reading.
        until_us: time of the last one.
        first: ticks.
        last: ticks.
        counted: (last − first) × what a tick is worth.
        corrections: of events in between.
        booked: Σ of the quarter hours in between.
    """

    device: str
    resolution: Decimal
    micro_per_tick: int
    since_us: int
    until_us: int
    first: int
    last: int
    counted: int
    corrections: tuple[Correction, ...]
    booked: int

    @property
    def off(self) -> int:
        """What does not agree; 0 when the figure holds."""
        return self.booked - self.counted - sum(one.micro for one in self.corrections)


@dataclass(frozen=True, slots=True)
class Edge:
    """A time outside the segments, and what was allotted to it.

    Attributes:
        since_us: begin, µs UTC.
        until_us: end.
        micro: millionths of the unit; None: nothing is known of any of it.
    """

    since_us: int
    until_us: int
    micro: int | None


@dataclass(frozen=True, slots=True)
class Check:
    """The figure of a window, piece by piece.

    Attributes:
        segments: compared with the counter.
        edges: before, between and after them: allotted from steps that reach beyond.
        total: Σ of all quarter hours of the window; segments and edges add up to it. None:
            nothing is known.
    """

    segments: tuple[Segment, ...]
    edges: tuple[Edge, ...]
    total: int | None

    @property
    def holds(self) -> bool:
        """Every segment agrees with its counter, and there is one."""
        return bool(self.segments) and all(segment.off == 0 for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Booked:
    """Quarter hours of a window: begin, µs UTC, ascending, and millionths of the unit."""

    slot: Int64s
    micro: Int64s

    def between(self, since_us: int, until_us: int) -> int | None:
        """What is booked in between, both on the quarter hour; None: nothing is."""
        first, last = np.searchsorted(self.slot, [since_us, until_us])
        return int(self.micro[first:last].sum()) if first < last else None


def check(
    stretches: Iterable[tuple[Stretch, Sequence[Noted]]], booked: Booked, window: tuple[int, int]
) -> Check:
    """Hold quarter hours against counters.

    Args:
        stretches: each with the findings of its device.
        booked: the quarter hours of the window.
        window: its begin and end, µs UTC, on the quarter hour.
    """
    found = (_segment(stretch, findings, booked) for stretch, findings in stretches)
    segments = sorted((one for one in found if one is not None), key=lambda one: one.since_us)
    if any(one.until_us > other.since_us for one, other in pairwise(segments)):
        segments = []  # two devices at once: their quarters are one sum, which no counter shows
    edges = tuple(_edges(segments, booked, window))
    return Check(tuple(segments), edges, booked.between(*window))


def accepted(ts: Int64s, findings: Iterable[Noted]) -> Bools:
    """Which readings count: those that no finding leaves out."""
    keep: Bools = np.ones(len(ts), np.bool_)
    for one in findings:
        if one.kind in LEFT_OUT:
            keep &= (ts < one.ts_us) | (ts > one.until_us)
    return keep


def _segment(stretch: Stretch, findings: Sequence[Noted], booked: Booked) -> Segment | None:
    usable = np.flatnonzero((stretch.ts % GRAIN_US == 0) & accepted(stretch.ts, findings))
    if len(usable) < 2:
        return None
    first, last = int(usable[0]), int(usable[-1])
    since, until = int(stretch.ts[first]), int(stretch.ts[last])
    begin, end = int(stretch.ticks[first]), int(stretch.ticks[last])
    worth = stretch.micro_per_tick
    corrections = (
        Correction(one.kind, one.ts_us, one.until_us, _correction(one, worth))
        for one in findings
        if one.kind in STEPS and since <= one.ts_us and one.until_us <= until
    )
    return Segment(
        device=stretch.device,
        resolution=stretch.resolution,
        micro_per_tick=worth,
        since_us=since,
        until_us=until,
        first=begin,
        last=end,
        counted=(end - begin) * worth,
        corrections=tuple(corrections),
        booked=booked.between(since, until) or 0,
    )


def _correction(one: Noted, worth: int) -> int:
    return (one.micro or 0) - ((one.after or 0) - (one.before or 0)) * worth


def _edges(segments: Sequence[Segment], booked: Booked, window: tuple[int, int]) -> Iterable[Edge]:
    at = window[0]
    for segment in segments:
        if at < segment.since_us:
            yield Edge(at, segment.since_us, booked.between(at, segment.since_us))
        at = segment.until_us
    if at < window[1]:
        yield Edge(at, window[1], booked.between(at, window[1]))
