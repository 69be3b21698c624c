"""Readings and entries of one device as a series that can be judged."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np

from metering.counter.model import Int8s, Int64s, Origin, Ratio, Readings, Register
from metering.counter.series import Series
from metering.counter.ticks import legible, ticks_of
from metering.derive.history import Binding, Entry, History, Scale, Scales
from metering.derive.readings import Floats, Found
from storage.times import ALWAYS_US, NEVER_US

_T = TypeVar("_T")
_EXACT: Final = 60
"""Digits; the default would round what resolution, CT and PT can hold together."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a device counted while it hung at a meter, as far as it was loaded.

    Attributes:
        device_id: the device.
        unit: units of the point in a tick of the series: the finest that the register ever had.
        series: its readings, and what they are worth.
        extent: from when until when it hung there, µs UTC.
        whole: nothing lies before the first reading; nothing behind the last.
    """

    device_id: int
    unit: Decimal
    series: Series
    extent: tuple[int, int]
    whole: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class _Raw:
    """Readings before they are ticks.

    ``entered`` holds the exact values of those that people entered, by their index.
    """

    ts: Int64s
    values: Floats
    origin: Int8s
    entered: dict[int, Decimal]


def counted(history: History, binding: Binding, found: Found) -> Counted:
    """Put together what was loaded of a device.

    Args:
        history: of the meter.
        binding: the device's time at it.
        found: its readings.

    Raises:
        ValueError: a tick is no whole number of millionths, or the register's facts are wrong.
    """
    unit = _finest(binding.scales)
    with localcontext(prec=_EXACT):
        worth = unit * binding.factor
        ratios = tuple(Ratio(since, _micro(worth * ratio)) for since, ratio in history.ratios)
    *weights_before, (_, weights) = _until(history.profiles)
    series = Series(
        readings=_ticked(_joined(binding, found), binding.scales, unit),
        register=_register(binding.scales, unit),
        ratios=ratios,
        weights=weights,
        weights_before=tuple(weights_before),
        begin=_bound(binding.begin_us),
        end=_bound(binding.end_us),
    )
    return Counted(
        device_id=binding.device_id,
        unit=unit,
        series=series,
        extent=(binding.begin_us, binding.end_us),
        whole=(found.whole_before, found.whole_after),
    )


def _finest(scales: Scales) -> Decimal:
    """Return the greatest unit of which every resolution is a whole number."""
    resolutions = [scale.resolution.as_integer_ratio() for _, scale in scales]
    bottom = math.lcm(*(below for _, below in resolutions))
    top = math.gcd(*(above * (bottom // below) for above, below in resolutions))
    return Decimal(top) / Decimal(bottom)


def _register(scales: Scales, unit: Decimal) -> Register:
    *earlier, (_, now) = (
        (until, replace(scale.register, fine=int(scale.resolution / unit)))
        for until, scale in _until(scales)
    )
    return replace(now, earlier=tuple(earlier))


def _until(pieces: Sequence[tuple[int, _T]]) -> list[tuple[int, _T]]:
    """Turn what holds from a time on into what holds until one."""
    ends = [*(since for since, _ in pieces[1:]), NEVER_US]
    return [(until, value) for until, (_, value) in zip(ends, pieces, strict=True)]


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


def _ticked(raw: _Raw, scales: Scales, unit: Decimal) -> Readings:
    """Round each reading to a tick of the register that it was read from."""
    readable = legible(raw.values, unit) | (raw.origin != Origin.POLLED)
    ticks: Int64s = np.zeros(len(raw.ts), np.int64)
    for part, scale in _held(raw, scales):
        values = np.where(legible(raw.values[part], unit), raw.values[part], 0.0)
        fine = int(scale.resolution / unit)
        ticks[part] = ticks_of(values, scale.resolution) * fine
        for at in range(part.start, part.stop) if raw.entered else ():
            if at in raw.entered:
                whole = raw.entered[at] / scale.resolution
                ticks[at] = int(whole.to_integral_value(ROUND_HALF_EVEN)) * fine
    return Readings(raw.ts[readable], ticks[readable], raw.origin[readable])


def _held(raw: _Raw, scales: Scales) -> Iterator[tuple[slice, Scale]]:
    """Cut readings by what held when they were read; at a change it is what held before it."""
    until = _until(scales)
    cuts = np.searchsorted(raw.ts, [end for end, _ in until[:-1]], side="right").tolist()
    for bounds, (_, scale) in zip(pairwise([0, *cuts, len(raw.ts)]), until, strict=True):
        yield slice(*bounds), scale


def _micro(worth: Decimal) -> int:
    micro = worth * 1_000_000
    if micro != int(micro):
        raise ValueError(
            f"a tick is worth {worth.normalize():f}: no whole number of millionths; correct the "
            "resolution of the register, or CT and PT"
        )
    return int(micro)


def _bound(at_us: int) -> int | None:
    return None if at_us in {ALWAYS_US, NEVER_US} else at_us
