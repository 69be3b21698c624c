"""Readings and entries of one device as series that can be judged: one for each way it counted.

Where the register's facts or the load profile change, a series ends and another begins. The last
reading before the change stands in both, so that nothing between them is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np

from metering.counter.model import Int8s, Int64s, Origin, Ratio, Readings, Register
from metering.counter.ticks import legible, ticks_of
from metering.derive.history import Binding, Entry, History, Profiles, Ratios, Scale
from metering.derive.readings import Floats, Found
from metering.derive.times import ALWAYS_US, NEVER_US

_T = TypeVar("_T")
_EXACT: Final = 60
"""Digits; the default would round what resolution, CT and PT can hold together."""


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of a device's time at a meter in which it counted in one way.

    Attributes:
        device_id: the device.
        readings: as far as they were loaded.
        resolution: units of the point a tick.
        register: how it counts.
        ratios: what a tick is worth.
        weights: how energy of a gap is spread; None: evenly.
        begin: when the device came; None: before all, or the era begins with another way of
            counting.
        end: when it went; None as above.
        extent: from when until when it reaches; its first reading can lie before.
        whole: nothing lies before the first reading; nothing behind the last.
        opens: the first reading of a whole era is the first of the device.
    """

    device_id: int
    readings: Readings
    resolution: Decimal
    register: Register
    ratios: tuple[Ratio, ...]
    weights: Int64s | None
    begin: int | None
    end: int | None
    extent: tuple[int, int]
    whole: tuple[bool, bool]
    opens: bool


@dataclass(frozen=True, slots=True)
class _Raw:
    """Readings before they are ticks.

    ``entered`` holds the exact values of those that people entered, by their index.
    """

    ts: Int64s
    values: Floats
    origin: Int8s
    entered: dict[int, Decimal]


def eras(history: History, binding: Binding, found: Found) -> list[Era]:
    """Cut what was loaded of a device into series.

    Args:
        history: of the meter.
        binding: the device's time at it.
        found: its readings.

    Raises:
        ValueError: a tick is no whole number of millionths, or the register's facts are wrong.
    """
    raw = _joined(binding, found)
    starts = _starts(binding, history.profiles)
    extents = pairwise([*starts, binding.end_us])
    parts = (_part(raw, extent, found, number == 0) for number, extent in enumerate(extents))
    return [
        _era(history, binding, raw, part)
        for part in parts
        if part.stop > part.start or len(starts) == 1
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """Where an era lies in what was loaded; the last two as in :class:`Era`."""

    since: int
    until: int
    start: int
    stop: int
    whole: tuple[bool, bool]
    opens: bool


def _part(raw: _Raw, extent: tuple[int, int], found: Found, first: bool) -> _Part:
    since, until = extent
    # The last reading before an era, or at its begin, is the first of it.
    shared = -1 if first else int(np.searchsorted(raw.ts, since, side="right")) - 1
    stop = int(np.searchsorted(raw.ts, until, side="right"))
    unseen = not found.whole_after and not first and shared == len(raw.ts) - 1
    gone = not found.whole_before and stop <= 1
    return _Part(
        since=since,
        until=until,
        start=max(shared, 0),
        stop=0 if unseen or gone else stop,
        whole=(found.whole_before or shared >= 0, found.whole_after or stop < len(raw.ts)),
        opens=found.whole_before and shared < 0,
    )


def _era(history: History, binding: Binding, raw: _Raw, part: _Part) -> Era:
    scale = _holds(binding.scales, part.since)
    first, last = part.since == binding.begin_us, part.until == binding.end_us
    return Era(
        device_id=binding.device_id,
        readings=_ticked(raw, part.start, part.stop, scale),
        resolution=scale.resolution,
        register=scale.register,
        ratios=_ratios(scale, binding.factor, history.ratios),
        weights=_holds(history.profiles, part.since),
        begin=_bound(binding.begin_us) if first else None,
        end=_bound(binding.end_us) if last else None,
        extent=(part.since, part.until),
        whole=part.whole,
        opens=part.opens,
    )


def _joined(binding: Binding, found: Found) -> _Raw:
    """Put entries among the readings; at the same time the entry counts, not the reading."""
    first = binding.begin_us if found.whole_before else int(found.ts[0])
    last = binding.end_us if found.whole_after else int(found.ts[-1])
    entries = _distinct([one for one in binding.entries if first <= one.ts_us <= last])
    if not entries:
        return _Raw(found.ts, found.values, np.zeros(len(found.ts), np.int8), {})
    times = np.array([one.ts_us for one in entries], np.int64)
    kinds = [Origin.RESET if one.kind == "reset" else Origin.ENTERED for one in entries]
    polled = ~np.isin(found.ts, times)
    ts = np.concatenate((found.ts[polled], times))
    origin = np.concatenate((np.zeros(polled.sum(), np.int8), np.array(kinds, np.int8)))
    values = np.concatenate((found.values[polled], [float(one.value) for one in entries]))
    exact = [None] * int(polled.sum()) + [one.value for one in entries]
    order = np.lexsort((origin, ts))
    entered = {at: value for at, i in enumerate(order) if (value := exact[i]) is not None}
    return _Raw(ts[order], values[order], origin[order], entered)


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    """Keep one value of each time, the one entered last, and one reset."""
    return list({(one.ts_us, one.kind == "reset"): one for one in entries}.values())


def _starts(binding: Binding, profiles: Profiles) -> list[int]:
    changes = {since for since, _ in binding.scales} | {since for since, _ in profiles}
    inside = (at for at in changes if binding.begin_us < at < binding.end_us)
    return [binding.begin_us, *sorted(inside)]


def _ticked(raw: _Raw, start: int, stop: int, scale: Scale) -> Readings:
    part = slice(start, stop)
    ts, values, origin = raw.ts[part], raw.values[part], raw.origin[part]
    if not raw.entered:
        try:
            return Readings(ts, ticks_of(values, scale.resolution), origin)
        except ValueError:
            readable = legible(values, scale.resolution)
        ticks = ticks_of(values[readable], scale.resolution)
        return Readings(ts[readable], ticks, origin[readable])
    readable = legible(values, scale.resolution) | (origin != Origin.POLLED)
    ticks = ticks_of(np.where(legible(values, scale.resolution), values, 0.0), scale.resolution)
    for at, value in raw.entered.items():
        if start <= at < stop:
            whole = (value / scale.resolution).to_integral_value(ROUND_HALF_EVEN)
            ticks[at - start] = int(whole)
    return Readings(ts[readable], ticks[readable], origin[readable])


def _ratios(scale: Scale, factor: Decimal, ratios: Ratios) -> tuple[Ratio, ...]:
    with localcontext(prec=_EXACT):
        return tuple(
            Ratio(since, _micro(scale.resolution * factor * ratio)) for since, ratio in ratios
        )


def _micro(worth: Decimal) -> int:
    micro = worth * 1_000_000
    if micro != int(micro):
        raise ValueError(
            f"a tick is worth {worth.normalize():f}: no whole number of millionths; correct the "
            "resolution of the register, or CT and PT"
        )
    return int(micro)


def _holds(pieces: Sequence[tuple[int, _T]], at: int) -> _T:
    return next(value for since, value in reversed(pieces) if since <= at)


def _bound(at_us: int) -> int | None:
    return None if at_us in {ALWAYS_US, NEVER_US} else at_us
