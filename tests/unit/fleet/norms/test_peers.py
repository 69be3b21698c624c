"""What the others are, of each in turn: the same as counting them one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fleet.norms.peers import Groups, Peers, others

VALUES = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.one_of(st.none(), st.integers(0, 9).map(float), st.floats(0, 50, width=32)),
    ),
    max_size=24,
)


def counted(values: list[float], least_sigma: float, least: int) -> Peers | None:
    if len(values) < least:
        return None
    median = float(np.median(values))
    spread = float(np.median(np.abs(np.asarray(values) - median))) * 1.4826
    sigma = max(spread * (1 + 2 / len(values)), least_sigma * median)
    return Peers(len(values), median, median + 3 * sigma)


@given(VALUES)
def test_each_is_held_against_the_others_alone(values: list[tuple[str, float | None]]) -> None:
    found = others(values, 0.08, 3)
    for number, (group, value) in enumerate(values):
        beside = [
            one
            for at, (its, one) in enumerate(values)
            if its == group and one is not None and (at != number or value is None)
        ]
        assert found[number] == counted(beside, 0.08, 3)


@given(VALUES)
def test_who_is_not_among_them_is_held_against_all(values: list[tuple[str, float | None]]) -> None:
    every = [one for group, one in values if group == "a" and one is not None]
    assert Groups(values).others("a", None, 0.3, 5) == counted(every, 0.3, 5)
