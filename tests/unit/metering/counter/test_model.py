"""What cannot be is refused where it is said."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.counter.model import LoadShape, Policy, Ratio, Register


@pytest.mark.parametrize("most", [0, -1, 2**40 + 1])
def test_a_counter_runs_at_some_speed(most: int) -> None:
    with pytest.raises(ValueError, match=f"max_per_hour is {most} ticks"):
        Register(None, most)


@pytest.mark.parametrize("capacity", [0, -5, 2**53 + 1])
def test_a_register_holds_something(capacity: int) -> None:
    with pytest.raises(ValueError, match=f"capacity is {capacity} ticks"):
        Register(capacity, 1)


@pytest.mark.parametrize("readings", [0, 101])
def test_doubt_ends_after_some_readings(readings: int) -> None:
    with pytest.raises(ValueError, match=f"confirm_readings is {readings}"):
        Policy(confirm_readings=readings)


@pytest.mark.parametrize("us", [0, 999_999, 31 * 86_400_000_000 + 1])
def test_doubt_ends_after_some_time(us: int) -> None:
    with pytest.raises(ValueError, match=f"confirm_us is {us}"):
        Policy(confirm_us=us, confirm_least_us=1_000_000)


@pytest.mark.parametrize("us", [0, 999_999, 2_000_001])
def test_readings_are_not_believed_for_their_number_alone(us: int) -> None:
    with pytest.raises(ValueError, match=f"confirm_least_us is {us}: give a second to"):
        Policy(confirm_us=2_000_000, confirm_least_us=us)


def test_standing_still_takes_time() -> None:
    with pytest.raises(ValueError, match="stuck_us is 0"):
        Policy(stuck_us=0)


@pytest.mark.parametrize("worth", [0, -1, 2**62])
def test_a_tick_is_worth_something(worth: int) -> None:
    with pytest.raises(ValueError, match=f"worth {worth} millionths"):
        Ratio(0, worth)


@pytest.mark.parametrize("weights", [np.ones(671), np.full(672, -1), np.ones((2, 336))])
def test_a_load_profile_is_a_week_of_quarters(weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="672 weights"):
        LoadShape(weights.astype(np.int64), ZoneInfo("Asia/Shanghai"))
