"""Layers over each other, held against a look at every single moment."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.hold import Holds
from rules.timeline.overlay import Windows, overlay

Row = tuple[int, int, int, float]
"""Subject, since, until, value."""


def holds_of(rows: list[Row]) -> Holds:
    subject, since, until, value = zip(*sorted(rows), strict=True) if rows else ((), (), (), ())
    return Holds(
        np.array(subject, np.int64),
        np.array(since, np.int64),
        np.array(until, np.int64),
        np.array(value, np.float64),
    )


def windows_of(*rows: tuple[int, int, int]) -> Windows:
    subject, begin, end = zip(*rows, strict=True)
    return Windows(np.array(subject), np.array(begin), np.array(end))


@st.composite
def one_layer(draw: st.DrawFn) -> list[Row]:
    rows: list[Row] = []
    for subject in draw(st.sets(st.integers(1, 4))):
        cuts = sorted(draw(st.sets(st.integers(-5, 45), max_size=8)))
        rows += [
            (subject, a, b, float(draw(st.integers(0, 2))))
            for a, b in itertools.pairwise(cuts)
            if draw(st.booleans())
        ]
    return rows


def at(rows: list[Row], subject: int, moment: int) -> float:
    for who, since, until, value in rows:
        if who == subject and since <= moment < until:
            return value
    return math.nan


@given(one_layer(), one_layer())
def test_every_moment_has_the_values_that_hold_there(one: list[Row], other: list[Row]) -> None:
    windows = windows_of((1, 0, 10), (2, 5, 40), (4, -3, 3))
    pieces = overlay({"one": holds_of(one), "other": holds_of(other)}, windows)
    seen = []
    for n in range(len(pieces)):
        subject = int(pieces.subject[n])
        for moment in range(int(pieces.since[n]), int(pieces.until[n])):
            seen.append((subject, moment))
            for name, rows in (("one", one), ("other", other)):
                found = float(pieces.column(name)[n])
                assert found == pytest.approx(at(rows, subject, moment), nan_ok=True)
    wanted = [(s, m) for s, a, b in ((1, 0, 10), (2, 5, 40), (4, -3, 3)) for m in range(a, b)]
    assert seen == wanted


def test_an_input_that_nobody_measures_is_unknown() -> None:
    pieces = overlay({}, windows_of((1, 0, 10)))
    assert np.isnan(pieces.column("lux")).all()


def test_windows_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted by subject"):
        overlay({}, windows_of((2, 0, 10), (1, 0, 10)))
