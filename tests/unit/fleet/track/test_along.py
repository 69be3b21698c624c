"""Fixes without a place: trips by the odometer and the ignition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.track.along import along_odometer
from fleet.track.ground import ground, whole_mm
from fleet.track.judge import judge
from fleet.trips.model import Kind, Travelled
from fleet.trips.travel import travelled
from storage.records import PositionFlag
from tests.unit.fleet.drives import NOON, RULES, ZONE, Drive, Fix, fixes_of, shares_of_kind

NAN = float("nan")


def withheld(rows: list[Fix]) -> list[Fix]:
    """Return fixes as the writer stores those of sensitive vehicles."""
    flag = int(PositionFlag.WITHHELD)
    return [replace(row, lat=NAN, lon=NAN, speed=None, flags=flag) for row in rows]


def made(rows: list[Fix]) -> Travelled:
    fixes = along_odometer(fixes_of(rows).ordered())
    return travelled(judge(fixes, RULES), RULES, ZONE)


def driven() -> list[Fix]:
    return Drive(odometer_km=5_000.0).park(30).go(20_000).park(60).go(5_000).park(30).rows


def test_trips_follow_from_odometer_and_ignition() -> None:
    seen, told = made(driven()), made(withheld(driven()))
    assert [trip.terminal_mm for trip in told.trips] == [20_000_000, 5_000_000]
    for one, other in zip(seen.trips, told.trips, strict=True):
        assert abs(one.started_us - other.started_us) <= 60_000_000
        assert abs(one.ended_us - other.ended_us) <= 60_000_000
    assert len(told.stops) == len(seen.stops)


def test_what_nobody_saw_is_unknown_and_not_zero() -> None:
    told = made(withheld(driven()))
    for trip in told.trips:
        assert (trip.start, trip.end, trip.max_speed_kmh) == (None, None, None)
        assert (trip.distance_mm, trip.gap_mm, trip.moving_s, trip.idle_s) == (None,) * 4
    assert {stop.place for stop in told.stops} == {None}
    assert {share.distance_mm for share in told.shares} == {None}
    assert {share.moving_s for share in told.shares} == {None}
    assert sum(share.fixes for share in told.shares) == len(driven())


def test_without_an_odometer_nothing_is_known() -> None:
    rows = [replace(row, odometer_km=value) for row in driven() for value in (None, 0.0)]
    told = made(withheld(rows))
    assert (told.trips, told.stops) == ((), ())
    assert {share.terminal_mm for share in told.shares} == {None}


def test_an_odometer_that_begins_anew_counts_nothing_at_that_step() -> None:
    rows = Drive(odometer_km=5_000.0).park(30).go(20_000).park(60).rows
    middle = len(rows) // 2
    rows = rows[:middle] + [
        replace(row, odometer_km=(row.odometer_km or 0) - 4_900) for row in rows[middle:]
    ]
    gained = sum(share.terminal_mm or 0 for share in made(withheld(rows)).shares)
    assert 19_000_000 <= gained <= 20_000_000


def test_a_vehicle_sensitive_from_a_day_on_keeps_what_was_before() -> None:
    rows = driven()
    middle = next(n for n, row in enumerate(rows) if row.t_us > NOON + 85 * 60_000_000)
    told = made(rows[:middle] + withheld(rows[middle:]))
    assert told.trips[0].start is not None
    assert told.trips[0].distance_mm == pytest.approx(20_000_000, rel=0.01)
    assert told.trips[-1].end is None
    assert sum(share.terminal_mm or 0 for share in shares_of_kind(told, Kind.TRIP)) == 25_000_000


@given(st.integers(1, 9_000_000), st.integers(0, 100_000))
def test_the_line_is_as_long_as_the_odometer_says(tenths: int, further: int) -> None:
    km = tenths / 10, (tenths + further) / 10
    flag = int(PositionFlag.WITHHELD)
    rows = [Fix(NOON + n, NAN, NAN, odometer_km=k, flags=flag) for n, k in enumerate(km)]
    fixes = along_odometer(fixes_of(rows))
    (mm,) = whole_mm(ground(fixes.lat, fixes.lon).legs_m())
    assert mm == further * 100_000
