"""Fences by cases from the field: facts/field_cases.md, vehicles, 9, 16, 17, 18."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from fleet.fence.passage import Crossing, Watch, crossings, passage
from fleet.fence.shape import circle, polygon
from fleet.fence.track import Silence, track_of
from fleet.track.judge import judge
from tests.unit.fleet.drives import LAT, LON, MINUTE, NOON, RULES, SECOND, Drive, Fix, fixes_of

YARD = Watch(circle((LON, LAT), 300))
_NORTH, _EAST = 110_862.0, 95_891.0


def box(west: float, south: float, east: float, north: float) -> Watch:
    """A rectangle in metres from where drives begin."""
    corners = [(west, south), (east, south), (east, north), (west, north)]
    return Watch(polygon([(LON + x / _EAST, LAT + y / _NORTH) for x, y in corners]))


def crossed(rows: list[Fix], watch: Watch = YARD) -> list[Crossing]:
    return crossings(track_of(judge(fixes_of(rows).ordered(), RULES), RULES, Silence()), watch)


def test_a_vehicle_leaves_and_returns() -> None:
    drive = Drive().park(10)
    began = drive.now_us
    drive.go(3_000).park(10, acc=1).go(-3_000).park(10)
    out, back = crossed(drive.rows)
    assert (out.entered, back.entered) == (False, True)
    # 300 m at 50 km/h take 21.6 s.
    assert out.at_us - began == pytest.approx(21.6 * SECOND, abs=0.5 * SECOND)
    assert out.after_us <= out.at_us <= out.before_us
    assert out.seen


def test_vehicle_case_09_fixes_uploaded_newest_first_are_entries_and_exits_all_the_same() -> None:
    rows = Drive().park(10).go(3_000).park(10).go(-3_000).park(10).rows
    expected = crossed(rows)
    assert len(expected) == 2
    late = [replace(one, received_us=NOON + 86_400 * SECOND - n) for n, one in enumerate(rows)]
    assert crossed(late[::-1]) == expected
    dice = random.Random(9)
    assert crossed(dice.sample([*late, *late[::3]], len(late) + len(late[::3]))) == expected


def test_vehicle_case_09_an_impossible_fix_inside_is_no_visit() -> None:
    drive = Drive().go(5_000).park(10, acc=1)
    there = drive.x, drive.y
    drive.x = drive.y = 0.0
    drive.now_us += 10 * SECOND
    drive.fix(0, 1)
    drive.x, drive.y = there
    drive.now_us += 10 * SECOND
    drive.park(10, acc=1)
    assert [one.entered for one in crossed(drive.rows)] == [False]


def test_vehicle_case_16_scatter_at_the_edge_is_no_coming_and_going() -> None:
    drive = Drive(noise_m=15, seed=3).go(-2_000).go(1_710).park(120, acc=1).go(-2_000)
    assert [one.entered for one in crossed(drive.rows)] == [False, True, False]
    bare = replace(YARD, margin_m=0)
    assert len(crossed(drive.rows, bare)) > 10, "the drive does not flap: the test shows nothing"


def test_vehicle_case_16_a_fence_with_dwell_ignores_who_passes_by() -> None:
    watch = replace(box(1_000, -200, 2_000, 200), dwell_us=5 * MINUTE)
    passing = Drive().park(10).go(5_000).park(10)
    assert crossed(passing.rows, watch) == []
    staying = Drive().park(10).go(1_500).park(8, acc=1).go(3_500).park(10)
    assert [one.entered for one in crossed(staying.rows, watch)] == [True, False]


def test_vehicle_case_16_a_short_absence_does_not_part_a_stay() -> None:
    watch = replace(YARD, dwell_us=5 * MINUTE)
    errand = Drive().park(30).go(900).go(-900).park(30).go(5_000).park(10)
    assert [one.entered for one in crossed(errand.rows, watch)] == [False]
    assert len(crossed(errand.rows, YARD)) == 3


def test_vehicle_case_16_an_absence_of_just_the_dwell_parts_a_stay() -> None:
    track = track_of(Drive().park(30).go(900).go(-900).park(30).judged(), RULES, Silence())
    one, other = passage(track, YARD).stays
    absent = other.from_us - one.to_us
    assert len(passage(track, replace(YARD, dwell_us=absent)).stays) == 2
    assert len(passage(track, replace(YARD, dwell_us=absent + 1)).stays) == 1


def test_vehicle_case_16_a_stay_whose_begin_or_end_nobody_saw_may_have_been_longer() -> None:
    watch = replace(YARD, dwell_us=5 * MINUTE)
    track = track_of(Drive().park(3, acc=1).judged(), RULES, Silence())
    (stay,) = passage(track, watch).stays
    assert (stay.open_start, stay.open_end) == (True, True)


def test_vehicle_case_17_a_fence_crossed_between_two_fixes_is_an_entry_and_an_exit() -> None:
    # A fix a minute at 60 km/h: none lies in the 200 m of the fence.
    gate = box(1_400, -100, 1_600, 100)
    drive = Drive(every_s=60).park(10)
    began = drive.now_us
    drive.go(10_000, kmh=60).park(10)
    (into, out) = crossed(drive.rows, gate)
    assert (into.entered, out.entered) == (True, False)
    assert into.at_us - began == pytest.approx(84 * SECOND, abs=0.5 * SECOND)
    assert out.at_us - into.at_us == pytest.approx(12 * SECOND, abs=0.2 * SECOND)
    assert into.after_us == out.after_us
    assert into.before_us - into.after_us == pytest.approx(60 * SECOND, abs=SECOND)


def test_vehicle_case_17_nobody_drove_the_straight_line_of_a_gap() -> None:
    gate = box(1_400, -100, 1_600, 100)
    drive = Drive().park(10, acc=1).move(19_000).silent(25).park(10, acc=1)
    assert crossed(drive.rows, gate) == []


def test_vehicle_case_17_into_a_fence_within_a_gap_is_said_to_be_estimated() -> None:
    drive = Drive().go(9_000).park(10, acc=1).move(-9_000).silent(20).park(10)
    (_, back) = crossed(drive.rows)
    assert back.entered
    assert not back.seen
    assert back.before_us - back.after_us >= 20 * MINUTE


def test_vehicle_case_18_time_of_which_nothing_is_known_is_not_time_inside() -> None:
    drive = Drive().park(30, acc=1).silent(200).park(30, acc=1)
    track = track_of(drive.judged(), RULES, Silence())
    found = passage(track, YARD)
    assert len(found.stays) == 2
    assert sum(end - start for start, end in found.unknown) >= 200 * MINUTE
    # Here before, here afterwards: it may never have left.
    assert crossings(track, YARD) == []


def test_vehicle_case_18_a_parked_vehicle_that_sleeps_is_where_it_was_left() -> None:
    asleep = Drive().park(30).silent(600).park(5)
    track = track_of(asleep.judged(), RULES, Silence())
    assert passage(track, YARD).unknown == ()
    too_long = Drive().park(30).silent(13 * 60).park(5)
    assert len(passage(track_of(too_long.judged(), RULES, Silence()), YARD).unknown) == 1


def test_vehicle_case_18_a_vehicle_seen_next_elsewhere_did_not_sleep() -> None:
    for metres, unknown in ((100, 0), (5_000, 1)):
        towed = Drive().park(30).move(metres).silent(120).park(5)
        assert len(passage(track_of(towed.judged(), RULES, Silence()), YARD).unknown) == unknown


def test_vehicle_case_18_of_a_way_that_nobody_can_have_driven_nothing_is_known() -> None:
    drive = Drive().park(30).move(80_000)
    drive.now_us += 10 * MINUTE
    found = passage(track_of(drive.park(30).judged(), RULES, Silence()), YARD)
    ((since, until),) = found.unknown
    assert until - since >= 10 * MINUTE
    (stay,) = found.stays
    assert stay.open_end


def test_vehicle_case_18_an_odometer_that_went_on_speaks_against_sleep() -> None:
    drive = Drive(odometer_km=100.0).park(30).silent(200)
    drive.driven_m += 30_000
    drive.park(5)
    assert len(passage(track_of(drive.judged(), RULES, Silence()), YARD).unknown) == 1


def test_what_comes_before_the_first_fix_is_no_entry() -> None:
    assert crossed(Drive().park(30).rows) == []
    assert crossed([]) == []
    assert crossed(Drive().park(30).rows, box(5_000, 0, 6_000, 1_000)) == []
