"""From a change to the quarter hours it moves: pure, one meter at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from metering.counter.anchors import Reach, reach
from metering.counter.model import GRAIN_US, Finding, Policy, Quarters
from metering.counter.series import Series, merge, quarters_of
from metering.derive.counted import Counted
from metering.derive.history import Binding, History
from metering.derive.rollup import Window
from metering.derive.store import Computed, Noted
from storage.due import Span
from storage.times import at_us

MOST_QUARTERS: Final = 40 * 366 * 96
"""Forty years: a meter that would have more at once has a reading at a time nobody meant."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for every meter.

    Attributes:
        policy: when a doubtful level of a counter is believed.
        zone: of days, months and load profiles.
    """

    policy: Policy
    zone: ZoneInfo


def concerned(history: History, span: Span) -> tuple[Binding, ...]:
    """Return the devices whose readings a change moves, and those that share a quarter with them.

    Args:
        history: of the meter.
        span: the change.
    """
    touched = [
        one for one in history.bindings if one.begin_us <= span.to_us and one.end_us >= span.from_us
    ]
    # The quarters of the change itself are replaced whatever hung there.
    begin = min([_floor(span.from_us), *(one.begin_us for one in touched)])
    end = max([_floor(span.to_us) + GRAIN_US - 1, *(one.end_us for one in touched)])
    # Bindings do not overlap: going outwards, each can only bring in its neighbour.
    before: list[Binding] = []
    for one in reversed(history.bindings):
        if _floor(begin) < one.end_us < span.from_us:
            before.insert(0, one)
            begin = min(begin, one.begin_us)
    behind: list[Binding] = []
    for one in history.bindings:
        if span.to_us < one.begin_us < _ceil(end):
            behind.append(one)
            end = max(end, one.end_us)
    return (*before, *touched, *behind)


def compute(meter_id: int, span: Span, devices: Sequence[Counted], rules: Rules) -> Computed | None:
    """Return what the quarters hold that a change moves.

    Args:
        meter_id: the meter.
        span: the change.
        devices: all that are concerned, as far as their readings were loaded.
        rules: of all meters.

    Returns:
        The window and what is in it, or None: the readings loaded do not reach far enough.

    Raises:
        ValueError: quantities are too large to be true, or reach over too long a time.
    """
    reaches = _reaches(span, devices, rules.policy)
    if reaches is None:
        return None
    window = _window(span, reaches.values())
    parts: list[Quarters] = []
    findings: dict[tuple[int, str], Noted] = {}
    for number, one in enumerate(devices):
        if _apart(one, window):
            continue
        near = reaches.get(number)
        if near is None or near.window != window:
            # What is to be replaced is more than what this one's change moves.
            near = _reach(one, (window[0], window[1] - 1), rules.policy)
        if near is None:
            return None
        quarters, found = quarters_of(_part(one, near), rules.policy, rules.zone, window)
        parts.append(quarters)
        for finding in found:
            findings.setdefault((finding.ts, finding.kind), _noted(one, finding))
    merged = merge(parts)
    if len(merged.slot) > MOST_QUARTERS:
        raise ValueError(
            f"{len(merged.slot)} quarter hours at once, from {at_us(int(merged.slot[0])):%Y-%m-%d} "
            f"on: at most {MOST_QUARTERS}; withdraw the reading whose time is wrong"
        )
    kept = tuple(findings[key] for key in sorted(findings))
    return Computed(Window(meter_id, *window), merged, kept)


def _reaches(span: Span, devices: Sequence[Counted], policy: Policy) -> dict[int, Reach] | None:
    """Return how far the change reaches in those that it touches; None: farther than loaded."""
    reaches: dict[int, Reach] = {}
    for number, one in enumerate(devices):
        if one.extent[0] <= span.to_us and one.extent[1] >= span.from_us:
            near = _reach(one, (span.from_us, span.to_us), policy)
            if near is None:
                return None
            reaches[number] = near
    return reaches


def _window(span: Span, reaches: Iterable[Reach]) -> tuple[int, int]:
    windows = [near.window for near in reaches]
    windows.append((_floor(span.from_us), _floor(span.to_us) + GRAIN_US))
    return min(begin for begin, _ in windows), max(end for _, end in windows)


def _reach(one: Counted, change: tuple[int, int], policy: Policy) -> Reach | None:
    return reach(one.series.readings, one.series.register, policy, change, one.whole)


def _apart(one: Counted, window: tuple[int, int]) -> bool:
    """Say whether a device has nothing to say of a window."""
    ts, (before, behind) = one.series.readings.ts, one.whole
    if not len(ts):
        return True
    return (behind and int(ts[-1]) < window[0]) or (before and int(ts[0]) >= window[1])


def _part(one: Counted, near: Reach) -> Series:
    readings = one.series.readings.part(near.start, near.stop)
    return replace(one.series, readings=readings, opening=near.opening)


def _noted(one: Counted, finding: Finding) -> Noted:
    before = None if finding.before is None else float(finding.before * one.unit)
    return Noted(
        device_id=one.device_id,
        ts_us=finding.ts,
        until_us=finding.until,
        kind=finding.kind,
        before=before,
        after=float(finding.after * one.unit),
        micro=finding.micro,
    )


def _floor(us: int) -> int:
    return us // GRAIN_US * GRAIN_US


def _ceil(us: int) -> int:
    return -(-us // GRAIN_US) * GRAIN_US
