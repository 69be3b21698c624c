"""Which readings count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from metering.counter.judge import judge
from metering.counter.model import GRAIN_US, Origin, Path, Policy, Readings, Register, Step
from tests.unit.metering.counter.histories import (
    BEGIN,
    HOUR_US,
    MINUTE_US,
    POLICIES,
    REGISTERS,
    every_quarter,
    histories,
    readings_of,
    slow_path,
)

KWH = Register(capacity=None, max_per_hour=100)


def same(path: Path, other: Path) -> None:
    np.testing.assert_array_equal(path.kept, other.kept)
    np.testing.assert_array_equal(path.steps, other.steps)
    np.testing.assert_array_equal(path.booked, other.booked)
    np.testing.assert_array_equal(path.known, other.known)


def kept(readings: Readings, register: Register = KWH, policy: Policy | None = None) -> list[int]:
    path: list[int] = judge(readings, register, policy or Policy()).kept.tolist()
    return path


@settings(max_examples=300, deadline=None, print_blob=True)
@given(readings=histories(), register=REGISTERS, policy=POLICIES)
def test_it_is_the_cheapest_of_all_paths(
    readings: Readings, register: Register, policy: Policy
) -> None:
    same(judge(readings, register, policy), slow_path(readings, register, policy))


def test_a_spike_shorter_than_n_readings_is_left_out() -> None:
    assert kept(every_quarter(*range(6), *[900] * 4, *range(6, 12))) == [*range(6), *range(10, 16)]


def test_a_level_is_believed_when_more_than_n_readings_stand_on_it() -> None:
    assert kept(every_quarter(*range(6), *[900] * 4)) == [*range(6)]
    assert kept(every_quarter(*range(6), *[900] * 5)) == [*range(11)]


def test_two_levels_of_n_readings_are_dearer_than_leaving_2_n_out() -> None:
    both = every_quarter(*range(12), *[900] * 8, *range(12, 24))
    assert kept(both) == [*range(12), *range(20, 32)]
    longer = every_quarter(*range(12), *[900] * 9, *range(12, 24))
    assert kept(longer) == [*range(33)]


def test_a_silence_of_t_confirms_like_n_readings() -> None:
    day = 24 * HOUR_US
    times = [BEGIN, BEGIN + day, BEGIN + 2 * day, BEGIN + 3 * day, BEGIN + 4 * day]
    lower = readings_of(times, [5000, 5010, 5, 15, 25])
    assert kept(lower) == [0, 1, 2, 3, 4]
    assert judge(lower, KWH, Policy()).steps.tolist() == [0, Step.RESET, 0, 0]


def every_minute(*ticks: int, begin: int = BEGIN) -> Readings:
    return readings_of([begin + MINUTE_US * index for index in range(len(ticks))], ticks)


def one_behind_the_other(one: Readings, *others: Readings) -> Readings:
    parts = [one, *others]
    return Readings(*(np.concatenate([getattr(p, c) for p in parts]) for c in Readings.__slots__))


def test_dense_readings_believe_a_level_when_it_lasted_51_minutes() -> None:
    calm = range(1000, 1090)
    assert kept(every_minute(*calm, *[5000] * 51)) == [*range(90)]
    assert kept(every_minute(*calm, *[5000] * 52)) == [*range(142)]


def test_a_dip_of_dense_readings_that_lasts_an_hour_is_left_out() -> None:
    calm = [*range(1000, 1090)]
    dip = every_minute(*calm, *[0] * 60, *range(1090, 1180))
    assert kept(dip) == [*range(90), *range(150, 240)]
    assert judge(dip, KWH, Policy()).booked.sum() == 179


def test_how_long_dense_readings_take_can_be_set() -> None:
    stays = every_minute(*range(1000, 1090), *[5000] * 12)
    assert kept(stays, policy=Policy(confirm_least_us=11 * MINUTE_US)) == [*range(90)]
    assert kept(stays, policy=Policy(confirm_least_us=10 * MINUTE_US)) == [*range(102)]


@pytest.mark.parametrize("apart", [12, 15, 60, 6 * 60])
@pytest.mark.parametrize("least", [1, 45])
def test_readings_that_are_not_dense_are_believed_by_their_number(apart: int, least: int) -> None:
    policy = Policy(confirm_least_us=least * MINUTE_US)
    levels = [*range(100, 112), *[9_000_000] * 5]
    readings = readings_of([BEGIN + MINUTE_US * apart * at for at in range(17)], levels)
    assert kept(readings, policy=policy) == [*range(17)]
    assert kept(readings.part(0, 16), policy=policy) == [*range(12)]


@pytest.mark.parametrize("silence", [12, 13, 60, 50 * 60])
@pytest.mark.parametrize("every", [1, 20, 60])
def test_behind_a_silence_no_dense_level_is_believed_before_it_lasted_45_minutes(
    silence: int, every: int
) -> None:
    # The level's readings come every so many seconds: the first, those of 45 minutes, and another.
    back, apart = BEGIN + (89 + silence) * MINUTE_US, every * MINUTE_US // 60
    calm = every_minute(*range(1000, 1090))
    count = 45 * 60 // every + 2
    level = readings_of([back + apart * at for at in range(count)], [0] * count)
    at_45 = one_behind_the_other(calm, level.part(0, count - 1))
    assert kept(at_45) == [*range(90)]
    if silence > 12:
        assert kept(one_behind_the_other(calm, level)) == [*range(90 + count)]


def test_between_two_silences_a_dense_dip_of_90_minutes_is_left_out() -> None:
    calm = every_minute(*range(90_000, 90_090))
    dip = every_minute(*[0] * 91, begin=BEGIN + 50 * HOUR_US)
    true = every_minute(*range(90_090, 90_180), begin=BEGIN + 100 * HOUR_US)
    assert kept(one_behind_the_other(calm, dip, true)) == [*range(90), *range(181, 271)]


def test_after_a_silence_dense_readings_take_their_time_too() -> None:
    # Two days without power; the gateway comes back with zeros, and then with the counter.
    calm = every_minute(*range(1000, 1090))
    back = BEGIN + 50 * HOUR_US
    zeros = every_minute(*[0] * 46, begin=back)
    at_first = one_behind_the_other(calm, zeros)
    assert kept(at_first) == [*range(90)]
    true = every_minute(*range(2000, 2090), begin=back + 46 * MINUTE_US)
    then = one_behind_the_other(calm, zeros, true)
    assert kept(then) == [*range(90), *range(136, 226)]
    assert judge(then, KWH, Policy()).booked.sum() == 1089


def test_before_a_silence_a_dip_is_not_believed_for_its_length() -> None:
    calm = every_minute(*range(1000, 1090))
    dip = every_minute(*[500] * 30, begin=BEGIN + 90 * MINUTE_US)
    true = every_minute(*range(2000, 2090), begin=BEGIN + 50 * HOUR_US)
    assert judge(one_behind_the_other(calm, dip, true), KWH, Policy()).booked.sum() == 1089


def test_readings_in_pairs_are_no_less_sure_than_single_ones() -> None:
    # What sends every quarter hour, and once more five seconds later.
    times = [BEGIN + GRAIN_US * at + late for at in range(20) for late in (0, 5_000_000)]
    levels = [100 + at for at in range(14) for _ in "ab"] + [9000] * 12
    readings = readings_of(times, levels)
    assert kept(readings.part(0, 36)) == [*range(28)]
    assert kept(readings.part(0, 38)) == [*range(38)]


def test_ties_leave_out_then_keep_the_earlier() -> None:
    # One of 105 and 101 is wrong, and nothing tells which.
    assert kept(every_quarter(98, 99, 100, 105, 101, 110, 111)) == [0, 1, 2, 3, 5, 6]


def test_the_energy_of_an_outage_is_plausible_however_large() -> None:
    month = 30 * 24 * HOUR_US
    outage = readings_of([BEGIN, BEGIN + GRAIN_US, BEGIN + month], [0, 10, 71_000])
    path = judge(outage, KWH, Policy())
    assert path.booked.tolist() == [10, 70_990]
    assert path.known.all()


@pytest.mark.parametrize(("gain", "normal"), [(26, True), (27, False)])
def test_the_limit_is_power_times_time_and_a_tick(gain: int, normal: bool) -> None:
    step = judge(every_quarter(0, gain), KWH, Policy(confirm_readings=1)).kept
    # A quarter hour of 100 an hour is 25.
    assert (len(step) == 2) is normal


def test_what_a_person_entered_counts_against_any_number_of_readings() -> None:
    levels = [*range(100, 120), 7000, *range(120, 140)]
    origin = [Origin.POLLED] * 20 + [Origin.ENTERED] + [Origin.POLLED] * 20
    times = [BEGIN + GRAIN_US * index for index in range(41)]
    path = judge(readings_of(times, levels, origin), KWH, Policy())
    assert path.kept.tolist() == [*range(41)]
    assert path.steps[19:21].tolist() == [Step.JUMP, Step.RESET]
    assert path.known[19:21].tolist() == [False, False]


def test_no_step_goes_across_an_entered_reset() -> None:
    origin = [Origin.POLLED, Origin.POLLED, Origin.ENTERED, Origin.RESET, Origin.POLLED]
    times = [BEGIN, BEGIN + 10, BEGIN + 15, BEGIN + 15, BEGIN + 20]
    path = judge(readings_of(times, [50, 50, 51, 50, 51], origin), KWH, Policy())
    assert path.steps.tolist() == [0, 0, Step.ENTERED, 0]
    assert path.booked.tolist() == [0, 1, 0, 1]
    assert path.known.tolist() == [True] * 4


def test_before_a_reset_without_a_final_value_nothing_is_known() -> None:
    origin = [Origin.POLLED, Origin.RESET, Origin.POLLED]
    path = judge(readings_of([BEGIN, BEGIN + 15, BEGIN + 20], [50, 0, 1], origin), KWH, Policy())
    assert path.booked.tolist() == [0, 1]
    assert path.known.tolist() == [False, True]


def test_a_rollover_counts_only_with_a_declared_capacity() -> None:
    turning = every_quarter(*range(990, 1000), *range(10))
    with_capacity = judge(turning, Register(1000, 100), Policy())
    assert with_capacity.steps[9] == Step.ROLLOVER
    assert with_capacity.booked.sum() == 19
    without = judge(turning, KWH, Policy())
    assert without.steps[9] == Step.RESET
    assert without.booked.sum() == 18


def test_a_rollover_of_more_than_a_quarter_of_the_register_is_a_reset() -> None:
    week = 7 * 24 * HOUR_US
    times = [BEGIN, BEGIN + week, BEGIN + 2 * week]
    path = judge(readings_of(times, [700, 20, 40], [1, 1, 1]), Register(1000, 100), Policy())
    assert path.steps.tolist() == [Step.RESET, Step.NORMAL]


def test_a_reversible_counter_books_what_it_gives_back() -> None:
    register = Register(1000, 100, reversible=True)
    path = judge(every_quarter(12, 5, 995, 990, 3), register, Policy())
    assert path.booked.tolist() == [-7, -10, -5, 13]
    assert path.steps.tolist() == [0, Step.ROLLOVER, 0, Step.ROLLOVER]


def test_noise_is_left_out_however_long_it_lasts() -> None:
    noise = [(index * 7919 + 1) % 900_001 for index in range(300)]
    levels = [*range(20), *noise, *range(20, 40)]
    path = judge(every_quarter(*levels), KWH, Policy())
    calm = {*range(20), *range(320, 340)}
    assert calm <= set(path.kept.tolist())
    assert path.booked[path.known].sum() >= 38


def test_two_devices_on_one_point_do_not_add_up() -> None:
    # A slave address given twice: readings of one and the other in turn.
    levels = [value for index in range(40) for value in (1000 + index, 90_000 + index)]
    path = judge(every_quarter(*levels), KWH, Policy())
    assert path.kept.tolist() == [*range(0, 80, 2)]
    assert path.booked.sum() == 39


def test_more_doubt_than_a_machine_word_holds_is_refused() -> None:
    policy = Policy(100, 31 * 24 * HOUR_US)
    times = BEGIN + np.arange(1_400_000) * HOUR_US
    noise = readings_of(times.tolist(), (np.arange(1_400_000) % 2 * 9_000_000).tolist())
    with pytest.raises(ValueError, match="1400000 readings in a row are doubtful"):
        judge(noise, KWH, policy)


def test_no_reading_and_one_reading_are_paths() -> None:
    assert kept(readings_of([], [])) == []
    assert kept(every_quarter(5)) == [0]
    assert judge(every_quarter(5), KWH, Policy()).steps.tolist() == []


@pytest.mark.parametrize(
    ("times", "origin"),
    [
        ([5, 4], [0, 0]),
        ([5, 5], [0, 0]),
        ([5, 5], [2, 0]),
        ([5, 5, 5], [0, 2, 2]),
        ([5, 5, 5], [0, 1, 2]),
    ],
)
def test_readings_out_of_order_are_refused(times: list[int], origin: list[int]) -> None:
    readings = readings_of(times, [1] * len(times), origin)
    with pytest.raises(ValueError, match="sort readings by time, and keep one of each time"):
        judge(readings, KWH, Policy())
