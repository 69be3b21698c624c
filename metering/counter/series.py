"""One device's time at a meter, from readings to quarter hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np

from metering.counter.allot import EMPTY, allot, mark, worth_of
from metering.counter.findings import findings
from metering.counter.judge import judge
from metering.counter.model import (
    Finding,
    Flag,
    Int64s,
    LoadShape,
    Path,
    Policy,
    Quarters,
    Ratio,
    Readings,
    Register,
)

_STEP_KINDS = frozenset({"rollover", "reset", "gap"})


@dataclass(frozen=True, slots=True)
class Series:
    """What one device counted while it hung at a meter.

    Initial and final values are ENTERED readings. Without them the first reading is where counting
    begins and books nothing, and the last one ends it.

    Attributes:
        readings: by time; those outside the binding do not count.
        register: how it counts.
        ratios: what a tick is worth, by time.
        weights: of a local week (672), how energy of a gap is spread; None: evenly.
        weights_before: what held earlier, as of :class:`LoadShape`.
        begin: of the binding, µs UTC; None: before all readings.
        end: of the binding, µs UTC; None: it still hangs there.
        opening: the first reading is the first of all; else it is an anchor, and what came before
            is computed elsewhere.
    """

    readings: Readings
    register: Register
    ratios: Sequence[Ratio]
    weights: Int64s | None = None
    weights_before: tuple[tuple[int, Int64s | None], ...] = ()
    begin: int | None = None
    end: int | None = None
    opening: bool = True


def quarters_of(
    series: Series, policy: Policy, tz: ZoneInfo, window: tuple[int, int]
) -> tuple[Quarters, list[Finding]]:
    """Return consumption by quarter hour, and what was not ordinary.

    Args:
        series: what one device counted.
        policy: when doubt ends.
        tz: zone of the site, for the load profile.
        window: from and to, µs UTC, whole quarters: what begins outside is not returned.

    Raises:
        ValueError: readings or ratios are not in order, the window does not consist of whole
            quarters, or quantities pass 2⁶² millionths.
    """
    readings = _bound(series)
    shape = _shape(series, tz)
    path = judge(readings, series.register, policy)
    quarters = allot(readings, path, series.ratios, shape, window)
    quarters = mark(quarters, _replaced(series), Flag.REPLACED)
    found = [
        finding
        for finding in findings(readings, path, policy)
        if window[0] <= finding.ts < window[1] and (series.opening or finding.kind != "first")
    ]
    if any(finding.ticks is not None for finding in found):
        found = _with_worth(found, series, readings, path, shape)
    return quarters, found


def merge(parts: Sequence[Quarters]) -> Quarters:
    """Add up what several devices counted for one meter; cover is 900 s at most."""
    parts = [part for part in parts if len(part.slot)]
    if not parts:
        return EMPTY
    if len(parts) == 1:
        return parts[0]
    slots = np.concatenate([part.slot for part in parts])
    order = np.argsort(slots, kind="stable")
    slot, first = np.unique(slots[order], return_index=True)
    covered = np.concatenate([part.covered_s for part in parts])[order].astype(np.int64)
    flags = np.concatenate([part.flags for part in parts])[order]
    return Quarters(
        slot=slot,
        micro=np.add.reduceat(np.concatenate([part.micro for part in parts])[order], first),
        estimated=np.add.reduceat(np.concatenate([part.estimated for part in parts])[order], first),
        covered_s=np.minimum(np.add.reduceat(covered, first), 900).astype(np.int16),
        flags=np.bitwise_or.reduceat(flags, first),
    )


def _shape(series: Series, tz: ZoneInfo) -> LoadShape | None:
    if series.weights is None and not series.weights_before:
        return None
    return LoadShape(series.weights, tz, series.weights_before)


def _bound(series: Series) -> Readings:
    ts = series.readings.ts
    start = 0 if series.begin is None else int(np.searchsorted(ts, series.begin, side="left"))
    stop = len(ts) if series.end is None else int(np.searchsorted(ts, series.end, side="right"))
    return series.readings.part(start, stop)


def _replaced(series: Series) -> Int64s:
    """Return a time in the quarter where the device began, and one where it ended."""
    times = [] if series.begin is None else [series.begin]
    times += [] if series.end is None else [series.end - 1]
    return np.array(times, np.int64)


def _with_worth(
    found: list[Finding],
    series: Series,
    readings: Readings,
    path: Path,
    shape: LoadShape | None,
) -> list[Finding]:
    times = readings.ts[path.kept]
    booked = worth_of(path, times, series.ratios, shape)
    return [_worth(finding, times, booked) for finding in found]


def _worth(finding: Finding, times: Int64s, booked: Int64s) -> Finding:
    if finding.ticks is None or finding.kind not in _STEP_KINDS:
        return replace(finding, micro=finding.ticks)  # nothing, or unknown
    # Of two readings at one time a step begins with the later one.
    step = int(np.searchsorted(times, finding.ts, side="right")) - 1
    return replace(finding, micro=int(booked[step]))
