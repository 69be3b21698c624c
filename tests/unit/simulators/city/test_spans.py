"""Algebra of times, held against single seconds."""

from __future__ import annotations

import random

import pytest

from simulators.city.spans import Spans, common, length, union, without


def _seconds(spans: Spans) -> set[int]:
    return {at for begin, end in spans for at in range(begin, end)}


def _some(rng: random.Random) -> Spans:
    cuts = sorted(rng.sample(range(60), 2 * rng.randint(0, 8)))
    return union(list(zip(cuts[::2], cuts[1::2], strict=True)))


@pytest.mark.parametrize("seed", range(40))
def test_algebra_is_that_of_single_seconds(seed: int) -> None:
    rng = random.Random(seed)
    one, other = _some(rng), _some(rng)
    assert _seconds(union(one, other)) == _seconds(one) | _seconds(other)
    assert _seconds(common(one, other)) == _seconds(one) & _seconds(other)
    assert _seconds(without(one, other)) == _seconds(one) - _seconds(other)
    assert length(one) == len(_seconds(one))


def test_what_lies_close_together_is_one_when_it_is_asked_for() -> None:
    assert union([(0, 10), (15, 20)], bridge=5) == [(0, 20)]
    assert union([(0, 10), (15, 20)], bridge=4) == [(0, 10), (15, 20)]
    assert union([(5, 5), (0, 10), (10, 12)]) == [(0, 12)]
