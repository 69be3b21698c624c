"""Where something was heard of devices, by the hours with readings."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.subjects.devices.heard import HOUR_US, Hung, heard, joined
from storage.times import OPEN_US

LASTS = 3


def told(hung: list[tuple[int, int]], hours: list[int]) -> list[tuple[float, float, float]]:
    """Begin, end and value in hours, of one device."""
    spans = joined(
        np.ones(len(hours), np.int64),
        np.array(hours, np.int64) * HOUR_US,
        np.full(len(hours), LASTS * HOUR_US),
    )
    found = heard([Hung(1, a * HOUR_US, b * HOUR_US) for a, b in hung], spans)
    return [
        (a / HOUR_US, b / HOUR_US, v)
        for a, b, v in zip(found.since, found.until, found.value, strict=True)
    ]


def test_it_is_heard_of_from_the_hour_of_a_reading_for_as_long_as_it_lasts() -> None:
    assert told([(0, 20)], [2, 3, 10]) == [
        (0, 2, 0),
        (2, 6, 1),
        (6, 10, 0),
        (10, 13, 1),
        (13, 20, 0),
    ]


def test_nobody_expects_to_hear_of_what_hangs_nowhere() -> None:
    assert told([(0, 4), (12, 14)], [0, 5]) == [(0, 3, 1), (3, 4, 0), (12, 14, 0)]


def test_what_is_not_heard_of_any_more_goes_on_to_no_end_that_anybody_waits_for() -> None:
    (_, silent) = told([(0, OPEN_US // HOUR_US + 5)], [0])
    assert silent == (3, OPEN_US / HOUR_US, 0)


def test_nothing_of_nobody() -> None:
    assert told([], []) == []
    assert told([(0, 2)], []) == [(0, 2, 0)]


@given(st.sets(st.integers(0, 60)), st.integers(0, 30), st.integers(1, 40))
def test_each_hour_is_told_by_the_readings_before_it_alone(
    hours: set[int], begin: int, length: int
) -> None:
    found = told([(begin, begin + length)], sorted(hours))
    for hour in range(begin, begin + length):
        (value,) = (v for a, b, v in found if a <= hour < b)
        assert value == any(hour - LASTS < one <= hour for one in hours)
