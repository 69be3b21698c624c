"""How far a clock is off, by when reports were made and when they came."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.subjects.terminals.clock import Off, clock_off, refused

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
EVERY = np.arange(0, HOUR, 30 * SECOND)
"""Reports of an hour, one each half minute."""


def off(made: object, late: object) -> float | None:
    made = np.asarray(made, np.int64)
    found = clock_off(made, made + np.asarray(late, np.int64))
    return None if found is None else found.seconds


def test_a_live_report_comes_seconds_after_it_was_made() -> None:
    assert off(EVERY, np.full(len(EVERY), 4 * SECOND)) == -4


def test_a_report_of_a_time_to_come_is_certain_whatever_else_was_caught_up() -> None:
    late = np.full(len(EVERY), -3 * MINUTE)
    late[: len(EVERY) - 3] = 2 * HOUR
    assert off(EVERY, late) == 180


def test_two_slips_are_no_clock() -> None:
    late = np.full(len(EVERY), 4 * SECOND)
    late[:2] = -4 * MINUTE
    assert off(EVERY, late) == -4


def test_a_steady_delay_of_live_reports_is_a_clock_that_is_behind() -> None:
    late = 8 * HOUR + np.resize([2, 5, 9], len(EVERY)) * SECOND
    assert off(EVERY, late) == -(8 * 3600 + 5)


def test_several_reports_in_one_message_delay_them_by_minutes() -> None:
    late = 8 * HOUR + (-EVERY) % (4 * MINUTE)
    assert off(EVERY, late) == pytest.approx(-(8 * 3600 + 120), abs=60)


@pytest.mark.parametrize("speed", [2.0, 60.0, 0.7])
def test_case_32_what_is_caught_up_faster_or_slower_than_it_was_made_tells_nothing(
    speed: float,
) -> None:
    came = 5 * HOUR + EVERY / speed
    assert off(EVERY, came - EVERY) is None


def test_a_burst_of_what_was_kept_beside_live_reports_leaves_the_clock_right() -> None:
    late = np.where(EVERY < HOUR // 2, HOUR // 2 - EVERY, 3 * SECOND)
    assert off(EVERY, late) == -3


def test_a_time_that_stands_still_without_a_fix_tells_nothing() -> None:
    assert off(np.zeros(100), np.arange(1, 101) * 10 * MINUTE) is None


@pytest.mark.parametrize("minutes", [[0, 10], [0, 5, 10, 15, 20, 25], [0, 20, 40, 59]])
def test_too_few_or_too_short_tells_of_no_delay(minutes: list[int]) -> None:
    made = np.array(minutes) * MINUTE
    assert off(made, np.full(len(made), 8 * HOUR)) is None


@given(st.randoms(use_true_random=False))
def test_in_whatever_order_reports_are_known(random: object) -> None:
    late = 8 * HOUR + np.resize([2, 5, 9], len(EVERY)) * SECOND
    order = list(range(len(EVERY)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert off(EVERY[order], late[order]) == off(EVERY, late)


def test_what_was_refused_for_a_time_to_come_is_ahead() -> None:
    came = np.array([1, 2, 3], np.int64)
    assert refused(came, ahead=True) == Off(300.0, 1, 3)
    assert refused(came[:2], ahead=True) is None


def test_what_was_refused_as_of_long_ago_is_behind_unless_it_came_in_a_burst() -> None:
    found = refused(EVERY, ahead=False)
    assert found is not None
    assert found.seconds < -86_400
    assert refused(EVERY // 100, ahead=False) is None
