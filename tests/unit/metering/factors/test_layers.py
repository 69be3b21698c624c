from __future__ import annotations

import itertools
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.factors.layers import Piece, first_of

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_the_nearest_layer_wins_and_gaps_fall_through() -> None:
    own = [Piece(day(2), day(4), "own")]
    shared = [Piece(day(0), day(3), "a"), Piece(day(3), day(8), "b")]
    assert first_of([own, shared], day(1), day(10)) == [
        Piece(day(1), day(2), "a"),
        Piece(day(2), day(4), "own"),
        Piece(day(4), day(8), "b"),
        Piece(day(8), day(10), None),
    ]
    assert first_of([], day(0), day(2)) == [Piece(day(0), day(2), None)]


def test_the_same_answer_from_two_layers_is_one_piece() -> None:
    layers = [[Piece(day(0), day(2), "a")], [Piece(day(1), day(5), "a")]]
    assert first_of(layers, day(0), day(5)) == [Piece(day(0), day(5), "a")]


LAYER = st.lists(st.integers(0, 30), max_size=8, unique=True).map(sorted)


@settings(deadline=None)
@given(st.lists(LAYER, max_size=3), st.integers(0, 20), st.integers(1, 20))
def test_every_day_has_the_answer_of_the_first_layer_that_has_one(
    bounds: list[list[int]], begin: int, length: int
) -> None:
    layers = [
        [Piece(day(a), day(b), f"{n % 2}{a % 3}") for a, b in itertools.pairwise(cuts) if a % 2]
        for n, cuts in enumerate(bounds)
    ]
    found = first_of(layers, day(begin), day(begin + length))
    days = {
        piece.begin + timedelta(days=n): piece.value
        for piece in found
        for n in range((piece.end - piece.begin).days)
    }
    assert list(days) == [day(begin + n) for n in range(length)]
    for one, value in days.items():
        answers = (p.value for layer in layers for p in layer if p.begin <= one < p.end)
        assert value == next(answers, None)
    assert all(a.value != b.value for a, b in itertools.pairwise(found))
