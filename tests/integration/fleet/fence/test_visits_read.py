"""Entries and exits, as they are read from the database."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg

from fleet.fence import fences
from fleet.fence.source import Positions
from fleet.fence.track import Silence
from fleet.fence.visits import visits
from fleet.fence.window import Around
from fleet.yards import load
from storage.times import us_of
from tests.integration.fleet.fence.world import (
    YARD,
    ZONE,
    enter,
)
from tests.unit.fleet.drives import HOUR, NOON, RULES

FIRST = date(2026, 6, 1)


def test_entries_and_exits_of_a_vehicle(fleet: psycopg.Connection) -> None:
    vehicle = next(one.id for one in load.vehicles(fleet) if one.code == "out")

    def seen(first: date, last: date) -> list[tuple[bool, int]]:
        known = fences.standing(fleet)
        days = (first, last)
        found = visits(fleet, vehicle, known, days, ZONE, RULES, Silence(), NOON + 30 * 24 * HOUR)
        return [(one.crossing.entered, (one.crossing.at_us - NOON) // HOUR) for one in found.visits]

    assert seen(FIRST, FIRST) == [(False, 8)]
    assert seen(date(2026, 6, 2), date(2026, 6, 9)) == [(True, 14)]
    assert seen(date(2026, 5, 1), date(2026, 6, 30)) == [(False, 8), (True, 14)]
    # From the second on it is another fence, which it does not enter or leave.
    enter(fleet, "fences", **{**YARD, "since": "2026-06-02", "lon": "104.9"})
    assert seen(date(2026, 5, 1), date(2026, 6, 30)) == [(False, 8)]


def test_time_of_which_nothing_is_known_is_told_beside_entries_and_exits(
    fleet: psycopg.Connection,
) -> None:
    its = {one.code: one.id for one in load.vehicles(fleet)}

    def unknown(code: str, first: date, last: date, now_us: int) -> list[tuple[int, int]]:
        days, known = (first, last), fences.standing(fleet)
        found = visits(fleet, its[code], known, days, ZONE, RULES, Silence(), now_us)
        return [((start - NOON) // HOUR, (end - NOON) // HOUR) for start, end in found.unknown]

    later = NOON + 30 * 24 * HOUR
    # It stands from noon for four days; a look ahead is no gap.
    assert unknown("in", FIRST, FIRST, later) == [(-12, 0)]
    assert unknown("in", date(2026, 6, 2), date(2026, 6, 9), NOON + 96 * HOUR) == []
    assert unknown("in", date(2026, 6, 2), date(2026, 6, 9), later) == [(96, 204)]
    assert unknown("mute", FIRST, FIRST, later) == [(-12, 12)]
    ahead = date(2026, 8, 1)
    assert unknown("mute", ahead, ahead, later) == []
    fleet.execute("DELETE FROM position")
    assert unknown("in", FIRST, date(2026, 6, 2), later) == [(-12, 36)]


def test_fixes_without_a_place_are_no_bounds_of_what_is_read(fleet: psycopg.Connection) -> None:
    vehicle = next(one.id for one in load.vehicles(fleet) if one.code == "in")
    free = datetime(2026, 6, 3, tzinfo=UTC), datetime(2026, 6, 4, tzinfo=UTC)
    fleet.execute(
        "UPDATE position SET lat = NULL, lon = NULL, flags = flags | 256"
        " WHERE fix_time < %s OR fix_time > %s",
        free,
    )
    first, last = map(us_of, free)
    source = Positions(fleet, vehicle)
    around = source.around(first - HOUR, last + HOUR)
    assert around == Around(first, first - HOUR, last + HOUR, last)
    times = source.read(first - HOUR, last + HOUR).t_us
    assert (times[0], times[-1]) == (first, last)
