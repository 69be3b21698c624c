from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.gauge import gauge_quarters
from metering.gauge.hold import holds
from metering.gauge.state import StateQuarters, fit_state, state_quarters
from tests.unit.metering.gauge.samples import (
    MIDNIGHT,
    SECOND,
    Reading,
    at_each,
    one,
    readings,
    samples,
)

SILENCE = 3600 * SECOND
QUARTER = 900 * SECOND
FEW = st.sampled_from([-1.0, 0.0, 1.0, 2.0])


def rows(found: StateQuarters) -> list[tuple[int, int, int]]:
    """Quarter of the day, value, seconds."""
    return [
        ((int(slot) - MIDNIGHT) // QUARTER, int(value), int(seconds))
        for slot, value, seconds in zip(found.slot, found.value, found.seconds, strict=True)
    ]


def states_of(*found: tuple[float, float | None]) -> list[tuple[int, int, int]]:
    return rows(state_quarters(holds(one(*found), SILENCE)))


def test_seconds_at_each_value() -> None:
    found = states_of((0, 1.0), (100, 0.0), (400, 1.0), (1000, None))
    assert found == [(0, 0, 300), (0, 1, 600), (1, 1, 100)]


def test_a_state_stored_on_change_goes_on_through_quarters_without_a_reading() -> None:
    assert states_of((0, 1.0), (2700, 0.0), (2760, None)) == [
        (0, 1, 900),
        (1, 1, 900),
        (2, 1, 900),
        (3, 0, 60),
    ]


def test_unknown_time_is_absent() -> None:
    assert states_of((0, 1.0), (60, None), (840, 1.0), (900, None)) == [(0, 1, 120)]


def test_the_largest_remainder_gets_the_second() -> None:
    # 0.4 s, 0.7 s and 0.9 s: two whole seconds are known.
    assert states_of((0, 1.0), (0.4, 2.0), (1.1, 3.0), (2.0, None)) == [(0, 2, 1), (0, 3, 1)]


def test_of_equal_remainders_the_smaller_value_gets_the_second() -> None:
    assert states_of((0, 7.0), (0.5, 3.0), (1.0, None)) == [(0, 3, 1)]


def test_a_state_of_less_than_a_second_is_known_all_the_same() -> None:
    assert states_of((0, 7.0), (0.5, None)) == [(0, 7, 1)]


def test_only_whole_numbers_of_32_bits_are_states() -> None:
    values = np.array([0.0, -1.0, 2.0**31 - 1, -(2.0**31), 2.0**31, 0.5, 1e300, -0.0])
    assert fit_state(values).tolist() == [True, True, True, False, False, False, False, True]
    with pytest.raises(ValueError, match="whole number of 32 bits"):
        state_quarters(holds(one((0, 0.5)), SILENCE))


@given(readings(FEW), st.sampled_from([1, 60 * SECOND + 1, SILENCE]))
def test_seconds_add_up_to_what_is_known_and_are_near_the_truth(
    found: list[Reading], silence: int
) -> None:
    known = holds(samples(found), silence)
    states = state_quarters(known)
    added: dict[tuple[int, int], int] = defaultdict(int)
    of_value: dict[tuple[int, int, int], int] = {}
    columns = (states.subject, states.slot, states.value, states.seconds)
    for subject, slot, value, seconds in zip(*(c.tolist() for c in columns), strict=True):
        added[subject, slot] += seconds
        of_value[subject, slot, value] = seconds
    gauges = gauge_quarters(known)
    covered = zip(gauges.subject.tolist(), gauges.slot.tolist(), strict=True)
    assert added == dict(zip(covered, gauges.covered_s.tolist(), strict=True))
    for (subject, slot), held in at_each(samples(found), silence).items():
        for value in {value for _, value in held}:
            truth = sum(time for time, other in held if other == value) / SECOND
            assert abs(of_value.get((subject, slot, int(value)), 0) - truth) < 1
