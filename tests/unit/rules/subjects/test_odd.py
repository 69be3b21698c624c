"""Odd readings laid over a window."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.subjects.meters.odd import held, laid
from rules.timeline.overlay import Windows

events = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=8,
).map(sorted)


@given(events, st.integers(0, 30), st.integers(1, 30))
def test_each_moment_of_the_window_is_told_once_and_by_the_events_alone(
    odd: list[tuple[int, int]], begin: int, length: int
) -> None:
    found = laid(odd, begin, begin + length)
    assert [(a, b) for a, b, _ in found if a >= b] == []
    for at in range(begin, begin + length):
        (value,) = (value for a, b, value in found if a <= at < b)
        assert value == any(a <= at < b for a, b in odd)


@pytest.mark.parametrize(
    ("kind", "odd"),
    [
        *((kind, True) for kind in ("dip", "spike", "suspect", "backwards", "reset", "jump")),
        *((kind, False) for kind in ("first", "rollover", "entered", "gap", "stuck")),
    ],
)
def test_what_the_counter_cannot_have_counted_is_odd(kind: str, odd: bool) -> None:
    minute = 60_000_000
    window = Windows(np.array([7]), np.array([0]), np.array([9 * minute]))
    found = held([(7, kind, 3 * minute, 3 * minute)], window)
    told = list(zip(found.since.tolist(), found.until.tolist(), found.value.tolist(), strict=True))
    beside = [(0, 3 * minute, 0), (3 * minute, 4 * minute, 1), (4 * minute, 9 * minute, 0)]
    assert told == (beside if odd else [(0, 9 * minute, 0)])
