from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fleet.yards.spans import Span, joined, longest, total, within, without

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30))).map(joined)


def seconds(spans: list[Span]) -> set[int]:
    return {n for start, end in spans for n in range(start, end)}


@given(one=SPANS, other=SPANS)
def test_spans_are_sets_of_time(one: list[Span], other: list[Span]) -> None:
    assert seconds(within(one, other)) == seconds(one) & seconds(other)
    assert seconds(without(one, other)) == seconds(one) - seconds(other)
    assert seconds(joined([*one, *other])) == seconds(one) | seconds(other)
    assert total(one) == len(seconds(one))
    assert all(a[1] < b[0] for a, b in pairwise(one))


def test_the_longest_of_none_is_nothing() -> None:
    assert longest([]) == 0
    assert longest([(0, 3), (5, 6)]) == 3
