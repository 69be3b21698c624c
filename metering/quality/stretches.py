"""The counter's readings of a window, cut where device, ratio or register change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import numpy as np
import psycopg

from metering.counter.model import Int64s
from metering.counter.ticks import legible, ticks_of
from metering.derive.history import Binding, History, Scale
from metering.derive.readings import Wanted, around
from metering.quality.check import Noted, Stretch
from metering.quality.explanation import FindingLine
from storage.times import us_of

_MILLION: Final = 1_000_000


def stretches(
    conn: psycopg.Connection[Any],
    history: History,
    window: tuple[int, int],
    findings: Sequence[FindingLine],
    codes: dict[int, str],
) -> list[tuple[Stretch, tuple[Noted, ...]]]:
    """The stretches of a window, each with the findings of its device in ticks.

    Args:
        conn: a connection.
        history: of the meter.
        window: begin and end, µs UTC; a reading at the very end belongs to it.
        findings: that touch it.
        codes: of the devices, by id.
    """
    found = []
    for binding in history.bindings:
        code = codes[binding.device_id]
        mine = [one for one in findings if one.device == code]
        series = _series(conn, binding, window)
        for begin, end in _pieces(binding, history, window):
            scale = _at(binding.scales, begin)
            worth = scale.resolution * binding.factor * _at(history.ratios, begin) * _MILLION
            stretch = _stretch(code, series, (begin, end), scale, int(worth))
            found.append((stretch, tuple(_noted(one, scale.resolution) for one in mine)))
    return found


def _pieces(
    binding: Binding, history: History, window: tuple[int, int]
) -> Iterator[tuple[int, int]]:
    """Times of a binding in which neither ratio nor register changes and nobody set the counter."""
    begin, end = max(binding.begin_us, window[0]), min(binding.end_us, window[1])
    cuts = {since for since, _ in (*history.ratios, *binding.scales)}
    cuts |= {entry.ts_us for entry in binding.entries if entry.kind == "reset"}
    inner = sorted(cut for cut in cuts if begin < cut < end)
    bounds = [begin, *inner, end]
    yield from ((a, b) for a, b in pairwise(bounds) if a < b)


def _series(
    conn: psycopg.Connection[Any], binding: Binding, window: tuple[int, int]
) -> list[tuple[int, Decimal | float, bool]]:
    """(µs, value, set by a person) of a binding in the window, by time; entries win."""
    begin, end = max(binding.begin_us, window[0]), min(binding.end_us, window[1] + 1)
    if begin >= end:
        return []
    wanted = Wanted(binding.point_id, begin, end, begin, end)
    (polled,) = around(conn, [wanted], 0)
    entered = {
        (entry.ts_us, entry.kind == "reset"): entry.value
        for entry in binding.entries
        if window[0] <= entry.ts_us <= window[1]
    }
    times = {ts for ts, _ in entered}
    merged: list[tuple[int, Decimal | float, bool]] = [
        (ts, value, False)
        for ts, value in zip(polled.ts.tolist(), polled.values.tolist(), strict=True)
        if ts not in times
    ]
    merged += [(ts, value, was_set) for (ts, was_set), value in entered.items()]
    return sorted(merged, key=lambda one: (one[0], one[2]))


def _stretch(
    code: str,
    series: Iterable[tuple[int, Decimal | float, bool]],
    piece: tuple[int, int],
    scale: Scale,
    worth: int,
) -> Stretch:
    # What a person set the counter to is where it goes on from, and what they read at the same time
    # is where it ended: a piece ends and begins there.
    inside = {
        ts: float(value)
        for ts, value, was_set in series
        if piece[0] <= ts <= piece[1] and not (was_set and ts == piece[1])
    }
    ts: Int64s = np.array([*inside], dtype=np.int64)
    values = np.array([*inside.values()], dtype=np.float64)
    readable = legible(values, scale.resolution)
    ticks = ticks_of(values[readable], scale.resolution)
    return Stretch(code, scale.resolution, worth, ts[readable], ticks)


def _noted(one: FindingLine, resolution: Decimal) -> Noted:
    return Noted(
        kind=one.kind,
        ts_us=us_of(one.ts),
        until_us=us_of(one.until),
        before=_ticks(one.before, resolution),
        after=_ticks(one.after, resolution),
        micro=one.micro,
    )


def _ticks(value: float | None, resolution: Decimal) -> int | None:
    return None if value is None else int(ticks_of(np.array([value]), resolution)[0])


def _at(pieces: Sequence[tuple[int, Any]], ts_us: int) -> Any:  # noqa: ANN401 - whatever they hold
    return pieces[bisect_right([since for since, _ in pieces], ts_us) - 1][1]
