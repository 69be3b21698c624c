"""Which quarter hours a changed reading can touch, and in which portions they are done.

A reading changes what is known from its own time to the next reading, at most for its silence.
Before its time nothing changes: the value before it is only ended by it.

Times are µs since 1970, UTC.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from metering.counter.model import GRAIN_US
from storage.times import us_of

WEEK_US: Final = 7 * 24 * 3_600_000_000
MOST_POINT_US: Final = 20_000_000 * 1_000_000
"""A portion's points times their time: some two million readings at one in 10 s."""


@dataclass(frozen=True, slots=True)
class PointSpan:
    """Readings of a point came between these times, both included.

    Attributes:
        point_id: a gauge or state.
        since: aware.
        until: aware, not before ``since``.
    """

    point_id: int
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """Whole quarter hours of a point that are computed anew: ``begin`` ≤ t < ``end``.

    Attributes:
        point_id: whose.
        begin: begin of a quarter.
        end: begin of a quarter, after ``begin``.
        silence_us: how long a value of it holds at most.
    """

    point_id: int
    begin: int
    end: int
    silence_us: int


def micros(at: datetime) -> int:
    """Return µs since 1970.

    Raises:
        ValueError: the time has no zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time has no zone: pass an aware datetime, for example in UTC")
    return us_of(at)


def touched(span: PointSpan, silence_us: int, following_us: int | None) -> Window:
    """Return the quarters that a span can change.

    Args:
        span: where readings came.
        silence_us: how long a value of the point holds at most.
        following_us: time of the next reading behind the span, None where there is none.

    Raises:
        ValueError: the span ends before it begins, or its times have no zone.
    """
    since, until = micros(span.since), micros(span.until)
    if until < since:
        raise ValueError(f"point {span.point_id}: the span ends before it begins")
    reach = until + silence_us
    if following_us is not None:
        reach = min(reach, following_us)
    begin = since // GRAIN_US * GRAIN_US
    return Window(span.point_id, begin, -(-reach // GRAIN_US) * GRAIN_US, silence_us)


def joined(windows: Iterable[Window]) -> list[Window]:
    """Return windows that do not overlap, by point and time; each quarter is in one at most."""
    result: list[Window] = []
    for window in sorted(windows):
        last = result[-1] if result else None
        if last is None or last.point_id != window.point_id or window.begin > last.end:
            result.append(window)
        elif window.end > last.end:
            result[-1] = Window(last.point_id, last.begin, window.end, last.silence_us)
    return result


def portions(windows: Iterable[Window], most_us: int = MOST_POINT_US) -> Iterator[list[Window]]:
    """Cut windows into portions, each within one week (counted from 1970) and not too large.

    So a year of everything needs no more memory than a week of some, and a late reading does not
    widen what the statements for the others look at.

    Args:
        windows: as from :func:`joined`.
        most_us: most that the times of a portion's windows add up to, but for a single window.
    """
    pieces = sorted(
        itertools.chain.from_iterable(map(_by_week, windows)),
        key=lambda w: (w.begin // WEEK_US, w.point_id, w.begin),
    )
    for _, week in itertools.groupby(pieces, key=lambda w: w.begin // WEEK_US):
        yield from _bounded(list(week), most_us)


def _by_week(window: Window) -> Iterator[Window]:
    begin = window.begin
    while begin < window.end:
        end = min(window.end, (begin // WEEK_US + 1) * WEEK_US)
        yield Window(window.point_id, begin, end, window.silence_us)
        begin = end


def _bounded(windows: Sequence[Window], most_us: int) -> Iterator[list[Window]]:
    portion: list[Window] = []
    total = 0
    for window in windows:
        length = window.end - window.begin
        if portion and total + length > most_us:
            yield portion
            portion, total = [], 0
        portion.append(window)
        total += length
    if portion:
        yield portion
