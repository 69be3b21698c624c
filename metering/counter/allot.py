"""When it was used: the ticks of each step spread over quarter hours, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from metering.counter.model import (
    GRAIN_US,
    MEASURED_US,
    Bools,
    Flag,
    Int64s,
    LoadShape,
    Origin,
    Path,
    Quarters,
    Ratio,
    Readings,
    Step,
)
from metering.counter.shape import running_weight

Marks = npt.NDArray[np.int16]
_MOST: Final = 2.0**62
_NO_NUMBERS: Final = np.empty(0, np.int64)
_NO_MARKS: Final = np.empty(0, np.int16)
EMPTY: Final = Quarters(_NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_MARKS, _NO_MARKS)
"""Nothing is known."""
_STEP_FLAGS: Final = np.array(
    [
        {Step.ROLLOVER: Flag.ROLLOVER, Step.RESET: Flag.RESET, Step.ENTERED: Flag.ENTERED}.get(
            step, Flag.NONE
        )
        for step in Step
    ],
    np.int16,
)


def allot(
    readings: Readings,
    path: Path,
    ratios: Sequence[Ratio],
    shape: LoadShape | None,
    window: tuple[int, int],
) -> Quarters:
    """Spread the ticks of every known step over the time between its two readings.

    What a quarter gets depends on its steps alone, not on the window.

    Args:
        readings: of one counter.
        path: which of them count.
        ratios: what a tick is worth, by time; the first one also before its time.
        shape: how energy of a gap is spread; None: evenly.
        window: from and to, µs UTC, whole quarters: only quarters inside are returned.

    Raises:
        ValueError: the window does not consist of whole quarters, ratios are missing or not in
            order, or quantities pass 2⁶² millionths.
    """
    if window[0] % GRAIN_US or window[1] % GRAIN_US:
        raise ValueError(f"the window {window} does not consist of whole quarter hours")
    since, worth = _pieces(ratios)
    parts = _parts(readings.ts[path.kept], path, since, window)
    if not len(parts.begin):
        return EMPTY
    ticks = _ticks(parts, path, shape)
    micro = _priced(ticks, worth[_piece_at(since, parts.begin)])
    quarters = _by_quarter(parts, micro, _flags(parts, readings, path))
    marked = mark(quarters, _left_out(readings, path), Flag.SUSPECT_LEFT_OUT)
    return mark(marked, since[1:], Flag.RATIO_CHANGED)


def worth_of(path: Path, times: Int64s, ratios: Sequence[Ratio], shape: LoadShape | None) -> Int64s:
    """Return what each step books in millionths of the unit; 0 where it is not known.

    Args:
        path: which readings count.
        times: µs UTC of the accepted readings.
        ratios: as for :func:`allot`.
        shape: as for :func:`allot`.
    """
    since, worth = _pieces(ratios)
    booked: Int64s = np.zeros(len(path.steps), np.int64)
    if len(times) < 2:
        return booked
    edges = _ascending(np.concatenate((times, since[(since > times[0]) & (since < times[-1])])))
    parts = _known_parts(edges, times, path)
    np.add.at(
        booked,
        parts.step,
        _priced(_ticks(parts, path, shape), worth[_piece_at(since, parts.begin)]),
    )
    return booked


def mark(quarters: Quarters, times: Int64s, flag: Flag) -> Quarters:
    """Return the quarters, those in which one of the times lies flagged."""
    if not len(times) or not len(quarters.slot):
        return quarters
    slots = _ascending(times // GRAIN_US * GRAIN_US)
    at = np.minimum(np.searchsorted(quarters.slot, slots), len(quarters.slot) - 1)
    flags = quarters.flags.copy()
    flags[at[quarters.slot[at] == slots]] |= np.int16(flag)
    return replace(quarters, flags=flags)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Pieces of time in which something is known; none crosses a reading, quarter or ratio.

    Attributes:
        begin: µs UTC.
        end: µs UTC.
        step: index of the step it is a part of.
        offset: µs from the begin of that step.
        length: µs of the whole step.
    """

    begin: Int64s
    end: Int64s
    step: Int64s
    offset: Int64s
    length: Int64s


def _pieces(ratios: Sequence[Ratio]) -> tuple[Int64s, Int64s]:
    if not ratios:
        raise ValueError("no ratio: say what a tick is worth")
    since: Int64s = np.array([ratio.since for ratio in ratios], np.int64)
    if (since[1:] <= since[:-1]).any():
        raise ValueError("ratios are not in the order of their time, or two begin together")
    return since, np.array([ratio.micro_per_tick for ratio in ratios], np.int64)


def _piece_at(since: Int64s, times: Int64s) -> Int64s:
    found: Int64s = np.maximum(np.searchsorted(since, times, side="right") - 1, 0)
    return found


def _parts(times: Int64s, path: Path, since: Int64s, window: tuple[int, int]) -> _Parts:
    if not len(times):
        return _known_parts(times, times, path)
    low, high = max(int(times[0]), window[0]), min(int(times[-1]), window[1])
    bounds = np.arange(-(-low // GRAIN_US) * GRAIN_US, high, GRAIN_US, dtype=np.int64)
    edges = np.concatenate((times, bounds, since[1:], [low, high]))
    return _known_parts(_ascending(edges[(edges >= low) & (edges <= high)]), times, path)


def _ascending(times: Int64s) -> Int64s:
    """Sort, each time once; numpy's unique hashes first and takes four times as long."""
    times = np.sort(times)
    new: Bools = np.ones(len(times), np.bool_)
    np.not_equal(times[1:], times[:-1], out=new[1:])
    return times[new]


def _known_parts(edges: Int64s, times: Int64s, path: Path) -> _Parts:
    step = np.searchsorted(times, edges[:-1], side="right") - 1
    known = path.known[step]
    step, begin, end = step[known], edges[:-1][known], edges[1:][known]
    start = times[step]
    return _Parts(begin, end, step, begin - start, times[step + 1] - start)


def _ticks(parts: _Parts, path: Path, shape: LoadShape | None) -> Int64s:
    """Return the whole ticks of each part: what is reached at its end less at its begin."""
    booked, fine = path.booked[parts.step], path.fine[parts.step]
    span = parts.end - parts.begin
    if (span == parts.length).all():
        return booked
    upto_end = _share(booked, parts.offset + span, parts.length, fine)
    ticks: Int64s = upto_end - _share(booked, parts.offset, parts.length, fine)
    if shape is not None:
        _reshape(ticks, parts, path, shape)
    return ticks


def _share(booked: Int64s, part: Int64s, whole: Int64s, fine: Int64s) -> Int64s:
    """Return ``booked × part / whole``, rounded towards 0, exactly; all of it at the end.

    A register that counted finer at another time is spread in its own ticks: else what became of
    a quarter hour would depend on what was said of another year.
    """
    size = np.abs(booked)
    large = size.astype(np.float64) * part > _MOST
    share: Int64s = np.where(large, 0, size) * part // whole
    for index in np.flatnonzero(large):
        share[index] = int(size[index]) * int(part[index]) // int(whole[index])
    share -= np.where(part == whole, 0, share % fine)
    return np.sign(booked) * share


def _reshape(ticks: Int64s, parts: _Parts, path: Path, shape: LoadShape) -> None:
    """Spread the steps that are estimated by the load profile instead."""
    gaps = np.flatnonzero(parts.length > MEASURED_US)
    for rows in np.split(gaps, np.flatnonzero(np.diff(parts.step[gaps])) + 1):
        if not len(rows):
            continue
        begin = int(parts.begin[rows[0]] - parts.offset[rows[0]])
        end = begin + int(parts.length[rows[0]])
        weights = shape.at(end)
        if weights is None:
            continue
        times = [int(parts.begin[rows[0]]), *parts.end[rows].tolist()]
        *weight, total = running_weight(weights, shape.zone, begin, end, [*times, end])
        amount, fine = (int(column[parts.step[rows[0]]]) for column in (path.booked, path.fine))
        reached = [abs(amount) * up_to // total for up_to in weight]
        whole = [
            share if time == end else share - share % fine
            for time, share in zip(times, reached, strict=True)
        ]
        ticks[rows] = np.diff(np.array(whole, np.int64)) * (1 if amount >= 0 else -1)


def _priced(ticks: Int64s, worth: Int64s) -> Int64s:
    if float(np.abs(ticks.astype(np.float64) * worth).sum()) > _MOST:
        raise ValueError(
            "quantities pass 2**62 millionths: check the ratio and the register's resolution"
        )
    micro: Int64s = ticks * worth
    return micro


def _flags(parts: _Parts, readings: Readings, path: Path) -> Marks:
    by_step = _STEP_FLAGS[path.steps]
    person = readings.origin[path.kept] != Origin.POLLED
    by_step[person[1:] | person[:-1]] |= np.int16(Flag.ENTERED)
    flags: Marks = by_step[parts.step]
    flags[parts.length > MEASURED_US] |= np.int16(Flag.ESTIMATED)
    return flags


def _by_quarter(parts: _Parts, micro: Int64s, flags: Marks) -> Quarters:
    quarter = parts.begin // GRAIN_US
    first = np.concatenate(([0], np.flatnonzero(np.diff(quarter)) + 1))
    covered = np.add.reduceat(parts.end - parts.begin, first) // 1_000_000
    estimated = np.where(flags & np.int16(Flag.ESTIMATED), micro, 0)
    return Quarters(
        slot=quarter[first] * GRAIN_US,
        micro=np.add.reduceat(micro, first),
        estimated=np.add.reduceat(estimated, first),
        covered_s=np.maximum(covered, 1).astype(np.int16),
        flags=np.bitwise_or.reduceat(flags, first),
    )


def _left_out(readings: Readings, path: Path) -> Int64s:
    if len(path.kept) == len(readings):
        return _NO_NUMBERS
    return np.delete(readings.ts, path.kept)
