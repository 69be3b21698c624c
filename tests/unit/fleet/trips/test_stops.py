from __future__ import annotations

import pytest

from fleet.trips.model import TripFlag
from tests.unit.fleet.drives import HOUR, MINUTE, SECOND, Drive, metres


def test_a_red_light_is_no_stop() -> None:
    drive = Drive().park(10).go(3000).park(2, acc=1).go(3000).park(10)
    made = drive.travelled()
    assert len(made.trips) == 1
    assert made.trips[0].idle_s == pytest.approx(130, abs=25)


@pytest.mark.parametrize("speeds", [True, False])
def test_a_jam_that_creeps_is_no_stop(speeds: bool) -> None:
    drive = Drive(speeds=speeds).park(10).go(3000)
    for _ in range(12):
        drive.park(1.5, acc=1).go(60, kmh=12)
    drive.go(3000).park(10)
    assert len(drive.travelled().trips) == 1


@pytest.mark.parametrize(
    ("acc", "minutes", "trips"),
    [(0, 1, 1), (0, 4, 2), (1, 10, 1), (1, 20, 2), (-1, 4, 1), (-1, 8, 2)],
)
def test_how_long_a_stop_must_last_depends_on_the_ignition(
    acc: int, minutes: float, trips: int
) -> None:
    drive = Drive(acc=acc >= 0).park(20).go(3000).park(minutes, acc=acc).go(3000).park(20)
    assert len(drive.travelled().trips) == trips


def test_a_tunnel_is_part_of_the_trip_and_says_that_it_was_not_seen() -> None:
    drive = Drive().park(10).go(3000).move(4000).silent(4).go(3000).park(10)
    (trip,) = drive.travelled().trips
    assert trip.distance_mm == pytest.approx(10_000_000, rel=0.02)
    assert trip.gap_mm == pytest.approx(4_000_000, rel=0.05)
    assert trip.flags == TripFlag.GAP


def test_midnight_does_not_part_a_trip() -> None:
    drive = Drive(every_s=30).park(11 * 60 + 50).go(30_000).park(30)
    assert len(drive.travelled().trips) == 1


def test_a_round_trip_to_the_same_place_is_a_trip() -> None:
    drive = Drive().park(10).go(3000).go(-3000).park(10)
    assert metres(drive.travelled()) == pytest.approx([6000], rel=0.02)


def test_moving_about_in_the_yard_is_no_trip() -> None:
    drive = Drive().park(10).go(40, kmh=5).go(-30, kmh=5).park(10)
    assert metres(drive.travelled()) == []


def test_a_single_fix_is_no_stop_and_no_trip() -> None:
    made = Drive().fix().travelled()
    assert (made.stops, made.trips) == ((), ())
    (share,) = made.shares
    assert (share.fixes, share.distance_mm) == (1, 0)


def test_two_fixes_far_apart_are_an_open_trip_that_was_not_seen() -> None:
    (trip,) = Drive().fix(30, 1).move(5000).silent(10).fix(30, 1).travelled().trips
    assert trip.distance_mm == trip.gap_mm
    assert trip.flags == TripFlag.GAP | TripFlag.OPEN_START | TripFlag.OPEN_END


def test_nothing_makes_nothing() -> None:
    made = Drive().travelled()
    assert (made.stops, made.trips, made.shares) == ((), (), ())


def test_only_the_outlier_of_a_jump_there_and_back_is_left_out() -> None:
    drive = Drive().park(10).go(2000)
    drive.now_us += 10 * SECOND
    drive.move(50_000).fix(40, 1).move(-50_000)
    drive.now_us += 10 * SECOND
    drive.go(2000).park(10)
    made = drive.travelled()
    assert metres(made) == pytest.approx([4000], rel=0.03)
    assert made.trips[0].left_out == 1
    assert made.trips[0].jumps == 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_a_few_wrong_fixes_in_a_row_are_left_out_together(count: int) -> None:
    drive = Drive().park(10).go(2000)
    drive.move(50_000)
    for _ in range(count):
        drive.now_us += 10 * SECOND
        drive.fix(40, 1)
    drive.move(-50_000)
    drive.now_us += 10 * SECOND
    drive.go(2000).park(10)
    made = drive.travelled()
    assert metres(made) == pytest.approx([4000], rel=0.03)
    assert made.trips[0].left_out == count


def test_a_place_that_lasts_is_believed_and_the_way_there_counts_nothing() -> None:
    drive = Drive().park(10).go(2000).move(300_000)
    drive.now_us += 10 * SECOND
    drive.go(2000).park(10)
    (trip,) = drive.travelled().trips
    assert trip.distance_mm == pytest.approx(4_000_000, rel=0.05)
    assert trip.jumps == 1
    assert trip.flags & TripFlag.JUMP


def test_a_wrong_last_fix_before_a_long_gap_is_left_out() -> None:
    drive = Drive().park(10).go(2000).park(10)
    drive.move(100_000).fix(0, 0).move(-100_000)
    drive.silent(9 * 60).park(10)
    made = drive.travelled()
    assert metres(made) == pytest.approx([2000], rel=0.05)


def test_two_terminals_of_one_vehicle_do_not_make_its_way_longer() -> None:
    drive = Drive().park(10).go(10_000).park(10)
    other = Drive(drive.rows[0].t_us + 40 * SECOND, terminal=2, noise_m=20)
    other.park(10).go(10_000).park(10)
    alone = metres(drive.travelled())
    drive.rows += other.rows
    assert metres(drive.travelled()) == alone


def test_a_second_terminal_speaks_where_the_first_is_silent() -> None:
    drive = Drive().park(10).silent(120)
    other = Drive(drive.now_us, terminal=2).park(10).go(10_000).park(10)
    drive.rows += other.rows
    assert metres(drive.travelled()) == pytest.approx([10_000], rel=0.02)


def test_a_fix_every_fifteen_minutes_is_enough_for_trips() -> None:
    drive = Drive(every_s=900).park(120).go(60_000, kmh=60).park(120)
    (trip,) = drive.travelled().trips
    assert trip.distance_mm == pytest.approx(60_000_000, rel=0.01)
    assert trip.gap_mm == trip.distance_mm


def test_what_was_driven_without_the_antenna_is_seen_by_the_odometer() -> None:
    drive = Drive(odometer_km=100.0).park(10)
    drive.move(40_000).move(-40_000).silent(150).park(10)
    made = drive.travelled()
    assert metres(made) == []
    assert [stop.terminal_mm for stop in made.stops] == [80_000_000]


def test_a_trip_under_way_is_open() -> None:
    (trip,) = Drive().park(10).go(4000).travelled().trips
    assert trip.flags == TripFlag.OPEN_END


def test_a_short_stop_is_seen_by_its_ignition_however_rarely_a_parked_terminal_reports() -> None:
    drive = Drive(every_s=10).park(20).go(3000)
    drive.now_us += 10 * SECOND
    arrived = drive.now_us
    drive.fix(0, 0).silent(4).go(3000).park(20)
    made = drive.travelled()
    assert metres(made) == pytest.approx([3000, 3000], rel=0.05)
    stop = made.stops[1]
    assert stop.began_us == pytest.approx(arrived, abs=SECOND)
    assert stop.ended_us == pytest.approx(arrived + 4 * MINUTE, abs=30 * SECOND)


def test_a_stop_lasts_as_long_as_the_vehicle_stood() -> None:
    drive = Drive().park(10).go(4000)
    arrived = drive.now_us
    drive.park(60)
    left = drive.now_us
    drive.go(4000).park(10)
    stop = drive.travelled().stops[1]
    assert stop.began_us == pytest.approx(arrived, abs=15 * SECOND)
    assert stop.ended_us == pytest.approx(left, abs=15 * SECOND)
    assert stop.firm_after_us is not None
    assert stop.began_us < stop.firm_after_us < stop.began_us + HOUR
    assert stop.firm_before_us is not None
    assert stop.ended_us - 20 * MINUTE < stop.firm_before_us < stop.ended_us
