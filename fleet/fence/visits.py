"""The entries and exits of a vehicle, computed when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg

from fleet.fence.fences import Fence, of_day
from fleet.fence.passage import Crossing
from fleet.fence.source import Positions
from fleet.fence.track import Silence, Track
from fleet.fence.window import crossings_in, window
from fleet.track.rules import Rules
from storage.times import at_us, us_of


@dataclass(frozen=True, slots=True)
class Visit:
    """An entry or exit of a fence."""

    fence: Fence
    crossing: Crossing


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of some days.

    Attributes:
        visits: entries and exits, by time.
        unknown: of which no position tells anything: (from, to), µs UTC.
    """

    visits: tuple[Visit, ...]
    unknown: tuple[tuple[int, int], ...]


def visits(  # noqa: PLR0913, PLR0917 - whose, which days, and what is believed
    conn: psycopg.Connection[Any],
    vehicle_id: int,
    fences: Sequence[Fence],
    days: tuple[date, date],
    zone: ZoneInfo,
    rules: Rules,
    silence: Silence,
    now_us: int,
) -> Seen:
    """Return the entries and exits of a vehicle, and of which time nothing is known.

    A fence counts on the days on which it holds; one that changes its shape is another fence.

    Args:
        conn: in any state.
        vehicle_id: the vehicle; not a sensitive one.
        fences: all that may hold, by code and day.
        days: first and last, both included.
        zone: of days.
        rules: which fixes are believed.
        silence: what is believed between them.
        now_us: what lies ahead is not unknown.
    """
    first, last = _begin(days[0], zone), _begin(days[1] + timedelta(days=1), zone)
    held = {fence.id: fence for day in _each(days) for fence in _holding(fences, day)}
    watches = [fence.watch for fence in held.values()]
    track = window(Positions(conn, vehicle_id), first, last, watches, rules, silence)
    found = [
        Visit(fence, one)
        for fence in held.values()
        for one in crossings_in(track, fence.watch, first, last)
        if of_day(fences, fence.code, at_us(one.at_us).astimezone(zone).date()) is fence
    ]
    found.sort(key=lambda one: (one.crossing.at_us, one.fence.code))
    return Seen(tuple(found), tuple(_unknown(track, (first, min(last, now_us)), silence)))


def _unknown(track: Track, whole: tuple[int, int], silence: Silence) -> Iterator[tuple[int, int]]:
    times = track.t_us
    if not len(times):
        if whole[0] < whole[1]:
            yield whole
        return
    legs = [(int(times[n]), int(times[n + 1])) for n in np.flatnonzero(track.unknown)]
    ends = (whole[0], int(times[0])), (int(times[-1]), whole[1])
    # A vehicle is heard of now and then: before the first time and behind the last as between two.
    silent = [one if one[1] - one[0] >= silence.silent_us else (0, 0) for one in ends]
    for start, end in (silent[0], *legs, silent[1]):
        inside = max(start, whole[0]), min(end, whole[1])
        if inside[0] < inside[1]:
            yield inside


def _each(days: tuple[date, date]) -> Iterator[date]:
    for number in range((days[1] - days[0]).days + 1):
        yield days[0] + timedelta(number)


def _holding(fences: Sequence[Fence], day: date) -> Iterator[Fence]:
    for code in dict.fromkeys(one.code for one in fences):
        fence = of_day(fences, code, day)
        if fence is not None:
            yield fence


def _begin(day: date, zone: ZoneInfo) -> int:
    return us_of(datetime.combine(day, time(0), zone))
