from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from jieyong.supervise import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(first_s=0.5, most_s=30.0)
    assert [backoff.pause_s(n) for n in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.integers(min_value=1, max_value=10**9))
def test_no_number_of_crashes_overflows_or_shortens_the_pause(crashes: int) -> None:
    backoff = Backoff()
    for less, more in pairwise((crashes, crashes + 1)):
        assert backoff.pause_s(less) <= backoff.pause_s(more) <= backoff.most_s


def test_a_long_run_is_forgiven() -> None:
    backoff = Backoff(forgive_s=60.0)
    assert backoff.count(7, ran_s=59.9) == 8
    assert backoff.count(7, ran_s=60.0) == 1
