"""Vehicles out at once, held against counting every minute."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fleet.use.overlap import Minutes, Peak, busiest, enough, inside, merged

TIMES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 15)).map(lambda t: (t[0], t[0] + t[1])),
    max_size=5,
)


@given(st.lists(TIMES, max_size=6), st.integers(0, 60), st.integers(0, 60), st.integers(0, 9))
def test_the_sweep_finds_what_counting_every_minute_finds(
    vehicles: list[list[Minutes]], one: int, other: int, pause: int
) -> None:
    begin, end = sorted((one, other))
    joined = [merged(times, pause) for times in vehicles]
    counts = {
        minute: sum(any(a <= minute < b for a, b in times) for times in joined)
        for minute in range(begin, end)
    }
    most = max(counts.values(), default=0)
    at = next((minute for minute in counts if counts[minute] == most), None)
    assert busiest(joined, begin, end) == Peak(most, at if most else None)
    assert sum(inside(times, begin, end) for times in joined) == sum(counts.values())


@given(TIMES, st.integers(0, 9))
def test_joining_covers_what_was_out_and_only_short_pauses_besides(
    times: list[Minutes], pause: int
) -> None:
    def minutes(of: list[Minutes]) -> set[int]:
        return {minute for begin, end in of for minute in range(begin, end)}

    found = merged(times, pause)
    assert minutes(times) <= minutes(found)
    assert all(b - a > pause for (_, a), (b, _) in pairwise(found))
    ends = {end for _, end in times}
    for minute in minutes(found) - minutes(times):
        assert any(end <= minute < end + pause for end in ends)


def test_who_comes_back_makes_room_for_who_leaves() -> None:
    assert busiest([[(0, 10)], [(10, 20)]], 0, 20) == Peak(1, 0)
    assert busiest([[(0, 11)], [(10, 20)]], 0, 20) == Peak(2, 10)
    assert busiest([], 0, 20) == Peak(0, None)


def test_how_many_would_have_been_enough() -> None:
    assert enough([2, 0, 3, 2, 2]) == [(0, 1), (2, 4), (3, 5)]
    assert enough([]) == []
