"""What is usual for a meter, learned from the days before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rules.subjects.meters import learned
from rules.subjects.meters.days import LEARNED

WEEK = np.array([1, 1, 1, 1, 1, 0, 0])
NAN = float("nan")


def workdays(count: int) -> npt.NDArray[np.int64]:
    """Groups from a Monday on."""
    return np.resize(WEEK, count)


def nights_of(
    hours: npt.NDArray[np.float64], group: npt.NDArray[np.int64] | None = None
) -> learned.Usual:
    table = hours[None]
    micro = np.nan_to_num(np.round(table * 1e6)).astype(np.int64)
    days = workdays(len(hours)) if group is None else group
    return learned.nights(table, micro, days)


def steady(days: int, flow: float) -> npt.NDArray[np.float64]:
    """Flows that differ by a little from night to night, at night; three times that by day."""
    rng = np.random.default_rng(1)
    hours = np.full((days, 24), 3 * flow)
    hours[:, :5] = flow * rng.uniform(0.9, 1.1, (days, 5))
    return np.round(hours, 3)


def test_a_night_is_its_lowest_hour_and_its_usual_is_learned_before_it() -> None:
    hours = steady(40, 0.2)
    found = nights_of(hours)
    assert found.now.shape == (1, 12)
    assert found.now[0, 0] == hours[LEARNED, :5].min()
    assert 0.17 < found.usual[0, 0] < 0.2
    assert 0 <= found.spread[0, 0] < 0.02


def test_a_tank_that_fills_for_an_hour_does_not_move_a_night() -> None:
    hours = steady(40, 0.2)
    quiet = nights_of(hours)
    hours[::2, 2] = 8.0
    filled = nights_of(hours)
    assert np.nanmax(np.abs(filled.now - quiet.now)) < 0.04
    assert np.nanmax(np.abs(filled.usual - quiet.usual)) < 0.04


def test_a_leak_passes_for_usual_only_after_two_weeks() -> None:
    hours = steady(28 + 40, 0.2)
    hours[28:] += 0.5
    found = nights_of(hours, np.zeros(68, np.int64))
    usual = found.usual[0]
    assert (usual[:14] < 0.25).all()
    assert (usual[16:] > 0.6).all()
    assert (found.spread[0, :14] < 0.03).all()


def test_what_is_not_known_makes_unknown_and_too_few_nights_teach_nothing() -> None:
    hours = steady(40, 0.2)
    hours[30, 3] = NAN
    assert np.isnan(nights_of(hours).now[0, 2])
    hours[:20] = NAN
    assert np.isnan(nights_of(hours).usual[0, 0])


def test_nights_behind_workdays_are_held_against_such_nights() -> None:
    hours = steady(28 + 14, 0.2)
    group = workdays(42)
    hours[group == 1] *= 2
    found = nights_of(hours, group)
    excess = found.now[0] / found.usual[0]
    assert excess.max() < 1.3


def test_in_a_year_without_holidays_nothing_is_usual() -> None:
    found = nights_of(steady(40, 0.2), np.full(40, -1))
    assert np.isnan(found.usual).all()


def test_a_coarse_register_is_held_by_the_three_lowest_hours_of_a_night() -> None:
    hours = np.full((40, 24), 3.0)
    hours[:, :5] = 0
    hours[::3, 2:4] = [4.0, 1.0]  # A tank that fills.
    assert (nights_of(hours).now[0] == 0).all()
    hours[28:, :5] = [1, 0, 1, 1, 1]
    assert nights_of(hours).now[0] == pytest.approx(2 / 3)
    hours[28:, :3] = NAN
    assert np.isnan(nights_of(hours).now[0]).all(), "its lowest hours may be those"
    hours[28:, :5] = [NAN, NAN, 4, 4, 4]
    assert np.isnan(nights_of(hours).now[0]).all(), "a tank that fills, and nobody knows the rest"


def test_days_are_held_against_the_median_of_their_kind() -> None:
    group = workdays(42)
    values = np.where(group == 1, 100.0, 40.0)[None]
    values[0, 3] = 900.0
    found = learned.days(values, group)
    assert (found.usual == found.now).all()
    assert (found.spread == 0).all()


def test_a_step_moves_the_usual_of_workdays_only_after_two_weeks() -> None:
    group = workdays(70)
    values = np.where(group == 1, 100.0, 40.0)[None]
    values[0, 35:] *= 2
    usual = learned.days(values, group).usual[0]
    days = np.flatnonzero(group[28:] == 1)
    moved = np.flatnonzero(usual[days] > 100)[0]
    assert days[moved] - 7 >= 14


def test_a_day_is_held_against_days_as_warm() -> None:
    values = np.full((1, 42), 100.0)
    values[0, 30:34] = 180.0
    celsius = np.full(42, 25.0)
    celsius[30:34] = 34.0
    group = np.ones(42, np.int64)
    found = learned.days(values, group, celsius)
    # Of the hot days there are too few as warm before them.
    assert np.isnan(found.usual[0, 2:6]).all()
    assert (found.usual[0, 6:] == 100.0).all()
    celsius[:] = NAN
    assert (learned.days(values, group, celsius).usual == learned.days(values, group).usual).all()


def test_the_most_that_is_usual_forgives_one_odd_day() -> None:
    values = np.full((1, 40, 24), 1.0)
    values[:, :, 9] = 4.0
    values[:, 10, 9] = 50.0
    found = learned.hours(values)
    assert found.usual[0, 0, 9] == 4.0
    assert found.usual[0, 0, 8] == 4.0
    assert found.usual[0, 0, 20] == 1.0
    assert (found.spread[0, 0] == 4.0).all()


@pytest.mark.parametrize("seed", range(5))
def test_another_window_gives_the_same_for_the_same_day(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hours = rng.uniform(0, 3, (90, 24))
    hours[rng.random((90, 24)) < 0.01] = NAN
    group = workdays(90)
    whole = nights_of(hours, group)
    part = nights_of(hours[20:70], group[20:70])
    for name in ("now", "usual", "spread"):
        np.testing.assert_array_equal(getattr(whole, name)[:, 20:42], getattr(part, name))
    days, some = hours.sum(axis=1)[None], hours[20:70].sum(axis=1)[None]
    np.testing.assert_array_equal(
        learned.days(days, group).spread[:, 20:42], learned.days(some, group[20:70]).spread
    )
    np.testing.assert_array_equal(
        learned.hours(hours[None]).usual[:, 21:41], learned.hours(hours[None, 20:70]).usual[:, 1:-1]
    )


def test_a_step_behind_a_stop_is_held_against_days_at_work() -> None:
    use = np.random.default_rng(1).uniform(95, 105, 28 + 28)
    use[30:40], use[45:] = 0.0, 170.0
    group = np.ones(len(use), np.int64)
    idle = learned.idle_days(use[None], group)
    blind, found = (learned.days(use[None], group, None, given) for given in (None, idle))
    behind = 45 - LEARNED
    assert use[45] - found.usual[0, behind] > 3 * found.spread[0, behind]
    assert use[45] - blind.usual[0, behind] < 3 * blind.spread[0, behind]


def test_what_stood_still_for_longer_teaches_nothing_rather_than_that_nothing_is_usual() -> None:
    use = np.full((1, 28 + 28), 100.0)
    use[0, 28:46] = 0.0
    group = np.ones(use.shape[1], np.int64)
    idle = learned.idle_days(use, group)
    assert np.isnan(learned.days(use, group, None, idle).usual[0, 18])
    assert learned.often(use, idle)[0, 18] == 100


def test_days_as_warm_of_which_a_part_was_told_make_no_less_usual() -> None:
    use = np.full((1, 28 + 10), 100.0)
    celsius = np.full(use.shape[1], 10.0)
    use[0, 20:28], celsius[20:] = 40.0, 20.0
    group = np.ones(use.shape[1], np.int64)
    assert learned.days(use, group, celsius).usual[0, 0] == 100


def test_a_meter_that_draws_on_one_day_of_ten_is_not_idle_on_the_others() -> None:
    use = np.zeros((1, 28 + 10))
    use[0, ::10] = 50.0
    assert not learned.idle_days(use, np.ones(use.shape[1], np.int64)).any()
