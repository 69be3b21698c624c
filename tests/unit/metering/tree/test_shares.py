from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.tree.shares import largest_remainder


def test_what_is_left_goes_to_those_who_lost_most_and_then_to_the_earlier() -> None:
    assert largest_remainder(100, [1, 1, 1]) == [34, 33, 33]
    assert largest_remainder(10, [1, 2, 4]) == [1, 3, 6]
    assert largest_remainder(-100, [1, 1, 1]) == [-33, -33, -34]
    assert largest_remainder(0, [5, 1]) == [0, 0]


@given(st.integers(-(10**18), 10**18), st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_shares_add_up_and_are_less_than_one_from_their_due(total: int, parts: list[int]) -> None:
    shares = largest_remainder(total, parts)
    assert sum(shares) == total
    whole = sum(parts)
    assert all(
        abs(share - Fraction(total * part, whole)) < 1
        for share, part in zip(shares, parts, strict=True)
    )


@pytest.mark.parametrize("parts", [[], [0], [2, -1]])
def test_parts_below_one_are_refused(parts: list[int]) -> None:
    with pytest.raises(ValueError, match="parts are whole numbers from 1"):
        largest_remainder(10, parts)
