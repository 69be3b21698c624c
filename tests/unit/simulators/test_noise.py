from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators import noise

SEEDS = st.integers(0, 2**64 - 1)


@given(seed=SEEDS, index=st.integers(0, 2**40))
def test_one_index_gives_the_same_alone_and_among_others(seed: int, index: int) -> None:
    alone = noise.uniform(seed, np.array([index], np.int64))[0]
    among = noise.uniform(seed, np.arange(index - 3, index + 9, dtype=np.int64))[3]
    assert alone == among
    assert noise.flutter(seed, index) == alone * 2.0 - 1.0


@given(seed=SEEDS)
def test_numbers_fill_their_range(seed: int) -> None:
    drawn = noise.uniform(seed, np.arange(2000, dtype=np.int64))
    assert 0.0 <= drawn.min() < 0.02
    assert 0.98 < drawn.max() < 1.0
    assert 0.45 < drawn.mean() < 0.55


def test_keys_are_told_apart() -> None:
    drawn = {noise.chance(1, "a", n) for n in range(100)} | {noise.chance(1, "b", 1)}
    assert len(drawn) == 101
