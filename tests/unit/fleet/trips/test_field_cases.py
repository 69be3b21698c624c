"""Cases of the vehicle table of what goes wrong in the field, by number, as far as trips go.

Case 1 parked kilometres, 2 basement, 3 offline, 4 start after end, 5 odometer, 6 negative distance,
7 query window, 8 backlog, 10 late points, 11 future dates, 12 corrected odometers (dashboard:
tests/integration/fleet/test_dashboard.py), 19 totals that can be printed.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from fleet.track.fixes import Verdict
from fleet.trips.model import TripFlag
from storage.records import CLOCKS_DIFFER_US, PositionFlag
from tests.unit.fleet.drives import HOUR, MINUTE, NOON, SECOND, Drive, Fix, made_of, metres, of_days


@pytest.mark.parametrize("speeds", [True, False])
@pytest.mark.parametrize("acc", [True, False])
@pytest.mark.parametrize("every_s", [10, 60, 300])
def test_vehicle_case_01_a_parked_car_gains_no_kilometres(
    speeds: bool, acc: bool, every_s: int
) -> None:
    drive = Drive(every_s=every_s, speeds=speeds, acc=acc, noise_m=30)
    made = drive.park(8 * 60).travelled()
    assert metres(made) == []
    assert of_days(made) == {"2026-06-01": 0}


def test_vehicle_case_01_nor_with_the_ignition_on_and_off() -> None:
    drive = Drive(noise_m=30)
    for _ in range(6):
        drive.park(20, acc=0).park(12, acc=1)
    assert metres(drive.travelled()) == []


def test_vehicle_case_01_nor_while_it_idles_at_a_light_on_its_way() -> None:
    drive = Drive(noise_m=5).park(10).go(3000).park(1.5, acc=1).go(3000).park(10)
    (way,) = metres(drive.travelled())
    assert way == pytest.approx(6000, rel=0.02)


def test_vehicle_case_02_a_basement_parts_two_trips_nine_hours_apart() -> None:
    drive = Drive().park(10).go(5000).silent(9 * 60).go(5000).park(10)
    made = drive.travelled()
    assert len(made.trips) == 2
    first, second = made.trips
    assert second.started_us - first.ended_us > 8.9 * HOUR
    assert metres(made) == pytest.approx([5000, 5000], rel=0.04)


def test_vehicle_case_02_also_when_the_first_fix_afterwards_is_down_the_road() -> None:
    drive = Drive().park(10).go(5000).move(500).silent(9 * 60).fix(30, 1).go(5000).park(10)
    made = drive.travelled()
    assert len(made.trips) == 2
    assert made.trips[1].flags & TripFlag.START_ESTIMATED
    assert made.trips[1].ended_us - made.trips[1].started_us < HOUR
    assert sum(metres(made)) == pytest.approx(10_500, rel=0.02)
    assert made.trips[1].gap_mm == pytest.approx(500_000, rel=0.02)


def test_vehicle_case_03_nineteen_kilometres_while_offline_are_a_trip() -> None:
    drive = Drive(odometer_km=100.0).park(10).move(19_000).silent(25).park(10)
    (trip,) = drive.travelled().trips
    assert trip.distance_mm == trip.gap_mm == pytest.approx(19_000_000, rel=0.001)
    assert trip.flags & TripFlag.GAP
    assert trip.terminal_mm == 19_000_000
    assert (trip.odometer_from_mm, trip.odometer_to_mm) == (100_000_000, 119_000_000)
    assert (trip.moving_s, trip.idle_s) == (0, 0)


def test_vehicle_case_03_offline_for_a_night_the_trip_takes_no_longer_than_its_way() -> None:
    drive = Drive().park(10).move(19_000).silent(8 * 60).park(10)
    (trip,) = drive.travelled().trips
    assert trip.ended_us - trip.started_us == pytest.approx(38 * MINUTE, rel=0.01)
    assert trip.flags & TripFlag.START_ESTIMATED


@pytest.mark.parametrize("seed", range(20))
def test_vehicle_case_04_no_trip_of_nothing_and_none_that_starts_after_its_end(seed: int) -> None:
    dice = random.Random(seed)
    drive = Drive(noise_m=30, seed=seed)
    for _ in range(10):
        drive.park(dice.uniform(1, 30), acc=dice.choice([0, 1])).fix(64, 1)
        drive.go(dice.uniform(-2000, 2000))
    for trip in drive.travelled().trips:
        assert trip.started_us < trip.ended_us
        assert (trip.distance_mm or 0) > 0


def test_vehicle_case_05_a_bad_odometer_stands_beside_the_way_and_never_for_it() -> None:
    drive = Drive(odometer_km=1000.0).park(10).go(6000).park(10)
    rows = [
        replace(row, odometer_km=5.0) if 70 <= n < 80 else row for n, row in enumerate(drive.rows)
    ]
    good, bad = drive.travelled(), made_of(rows)
    assert metres(bad) == metres(good)
    (trip,) = bad.trips
    assert trip.odometer_faults == 2
    assert trip.flags & TripFlag.ODOMETER
    assert trip.terminal_mm is not None
    assert good.trips[0].terminal_mm == 6_000_000
    assert 0 < trip.terminal_mm < 6_000_000, "the faulty steps count nothing"


def test_vehicle_case_05_an_odometer_of_zero_is_none() -> None:
    drive = Drive().park(10).go(6000).park(10)
    rows = [replace(row, odometer_km=0.0) for row in drive.rows]
    (trip,) = made_of(rows).trips
    assert trip.terminal_mm is None
    assert trip.odometer_from_mm is None


@pytest.mark.parametrize("gained", [-400.0, 90_000.0])
def test_vehicle_case_06_no_distance_is_negative_or_absurd(gained: float) -> None:
    drive = Drive(odometer_km=1000.0).park(10).go(3000)
    drive.odometer_km = 1000.0 + gained
    drive.go(3000).park(10)
    (trip,) = drive.travelled().trips
    assert trip.terminal_mm == pytest.approx(6_000_000, abs=300_000)
    assert trip.odometer_faults == 1


def test_vehicle_case_07_a_trip_is_the_same_whatever_window_is_looked_at() -> None:
    # Trips are kept, whole; tests/integration/fleet/test_fleet_cli.py asks for parts of one.
    drive = Drive().park(30).go(29_300).park(30)
    (trip,) = drive.travelled().trips
    half = [row for row in drive.rows if row.t_us <= trip.started_us + 10 * MINUTE]
    (part,) = made_of(half).trips
    assert part.started_us == trip.started_us
    assert part.flags & TripFlag.OPEN_END, "a part says that it is one"


def test_vehicle_case_08_a_jump_in_a_backlog_is_seen_like_any_other() -> None:
    drive = Drive().park(10).go(6000).park(10)
    clean = metres(drive.travelled())
    row = drive.rows[75]
    spike = replace(row, lat=row.lat + 1.5, t_us=row.t_us + 5 * SECOND, hash=10_000)
    late = [*drive.rows, spike]
    assert metres(made_of(late)) == clean
    assert metres(made_of(list(reversed(late)))) == clean


def test_vehicle_case_10_what_comes_late_belongs_to_the_time_it_was_measured() -> None:
    drive = Drive().park(10).go(6000).park(30).go(4000).park(10)
    early = [row for n, row in enumerate(drive.rows) if not 65 < n < 95]
    late = [row for n, row in enumerate(drive.rows) if 65 < n < 95]
    assert made_of([*early, *late]) == drive.travelled()
    assert made_of(early).trips[1] == drive.travelled().trips[1], "the later trip is untouched"


def test_vehicle_case_11_one_future_date_freezes_nothing() -> None:
    drive = Drive().park(10).go(6000).park(10)
    clean = metres(drive.travelled())
    row = drive.rows[70]
    ahead = replace(
        row,
        t_us=drive.rows[-1].t_us + 4 * MINUTE,
        flags=int(PositionFlag.FUTURE),
        received_us=drive.rows[-1].t_us,
        hash=10_000,
    )
    made = made_of([*drive.rows, ahead])
    assert metres(made) == clean
    assert sum(share.left_out for share in made.shares) == 1, "it is kept, and left out"


@pytest.mark.parametrize("flags", [PositionFlag.NONE, PositionFlag.FUTURE])
def test_vehicle_case_11_a_clock_a_little_ahead_loses_no_way(flags: PositionFlag) -> None:
    drive = Drive().park(10).go(6000).park(10)

    def ahead(us: int) -> list[Fix]:
        return [replace(row, flags=int(flags), received_us=row.t_us - us) for row in drive.rows]

    assert metres(made_of(ahead(CLOCKS_DIFFER_US))) == metres(drive.travelled())
    assert not made_of(ahead(CLOCKS_DIFFER_US + 1)).trips


def test_vehicle_case_19_totals_of_days_are_the_sum_of_trips_to_the_millimetre() -> None:
    start = NOON + 11 * HOUR + 50 * MINUTE
    made = Drive(start).park(5).go(12_000, kmh=60).park(10).travelled()
    (trip,) = made.trips
    days = of_days(made)
    assert set(days) == {"2026-06-01", "2026-06-02"}
    assert all(0 < mm < (trip.distance_mm or 0) for mm in days.values())
    assert sum(days.values()) == trip.distance_mm


def test_a_fix_without_fix_or_at_zero_never_feeds_mileage() -> None:
    drive = Drive().park(10).go(6000).park(10)
    clean = metres(drive.travelled())
    row = drive.rows[70]
    wrong = [
        replace(
            row, lat=0.0, lon=0.0, flags=int(PositionFlag.ZERO_ISLAND), t_us=row.t_us + 1, hash=1
        ),
        replace(row, lat=-row.lat, flags=int(PositionFlag.NO_FIX), t_us=row.t_us + 2, hash=2),
        replace(row, lat=95.0, flags=int(PositionFlag.OUT_OF_RANGE), t_us=row.t_us + 3, hash=3),
    ]
    assert metres(made_of([*drive.rows, *wrong])) == clean


def test_verdicts_say_why_a_fix_was_left_out() -> None:
    drive = Drive().park(10).go(6000).park(10)
    row = drive.rows[70]
    drive.rows += [
        replace(row, flags=int(PositionFlag.NO_FIX), t_us=row.t_us + 1, hash=1),
        replace(row, hash=1_000),
        replace(row, terminal=2),
        replace(row, lat=row.lat + 1, t_us=row.t_us + SECOND),
    ]
    found = drive.judged().verdicts.tolist()
    for verdict in (
        Verdict.UNUSABLE,
        Verdict.SAME_TIME,
        Verdict.COVERED,
        Verdict.IMPOSSIBLE,
    ):
        assert found.count(verdict) == 1, verdict
