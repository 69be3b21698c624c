"""Spans of one tag that several things hand down."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rules.subjects.tagging import joined

spans = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 30), st.integers(1, 10)).map(
        lambda one: (one[0], one[1], one[1] + one[2])
    ),
    max_size=12,
)


@given(spans)
def test_joined_spans_cover_the_same_moments_and_never_touch(
    given_: list[tuple[int, int, int]],
) -> None:
    def moments(rows: list[tuple[int, int, int]]) -> set[tuple[int, int]]:
        return {(place, at) for place, begin, end in rows for at in range(begin, end)}

    found = joined(given_)
    assert moments(found) == moments(given_)
    for one, other in itertools.pairwise(found):
        assert one[0] < other[0] or one[2] < other[1]
