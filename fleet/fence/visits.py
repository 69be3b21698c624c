"""The entries and exits of a vehicle, computed when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from fleet.fence.fences import Fence, of_day
from fleet.fence.passage import Crossing
from fleet.fence.source import Positions
from fleet.fence.track import Silence
from fleet.fence.window import crossings_in, window
from fleet.track.rules import Rules
from storage.times import at_us, us_of


@dataclass(frozen=True, slots=True)
class Visit:
    """An entry or exit of a fence."""

    fence: Fence
    crossing: Crossing


def visits(  # noqa: PLR0913, PLR0917 - whose, which days, and what is believed
    conn: psycopg.Connection[Any],
    vehicle_id: int,
    fences: Sequence[Fence],
    days: tuple[date, date],
    zone: ZoneInfo,
    rules: Rules,
    silence: Silence,
) -> list[Visit]:
    """Return the entries and exits of a vehicle, by time.

    A fence counts on the days on which it holds; one that changes its shape is another fence.

    Args:
        conn: in any state.
        vehicle_id: the vehicle; not a sensitive one.
        fences: all that may hold, by code and day.
        days: first and last, both included.
        zone: of days.
        rules: which fixes are believed.
        silence: what is believed between them.
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
    return sorted(found, key=lambda one: (one.crossing.at_us, one.fence.code))


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
