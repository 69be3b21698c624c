"""Odd readings laid over a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rules.subjects.meters.odd import laid

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
