"""Register values to whole ticks."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.counter.ticks import legible, ticks_of

RESOLUTIONS = st.sampled_from(["0.000001", "0.001", "0.01", "0.015625", "0.3", "1", "7", "1000"])


@settings(max_examples=400, deadline=None, print_blob=True)
@given(value=st.floats(-1e9, 1e9), resolution=RESOLUTIONS.map(Decimal))
def test_it_is_the_exact_quotient_rounded_once(value: float, resolution: Decimal) -> None:
    exact = round(Fraction(value) / Fraction(resolution))
    assert ticks_of(np.array([value]), resolution).tolist() == [exact]


@settings(max_examples=300, deadline=None, print_blob=True)
@given(ticks=st.integers(-(2**50), 2**50), resolution=RESOLUTIONS.map(Decimal))
def test_what_a_register_of_whole_ticks_shows_comes_back(ticks: int, resolution: Decimal) -> None:
    assert ticks_of(np.array([float(ticks * resolution)]), resolution).tolist() == [ticks]


def test_half_a_tick_goes_to_the_even_neighbour() -> None:
    assert ticks_of(np.array([0.125, 0.375, -0.125]), Decimal("0.25")).tolist() == [0, 2, 0]


def test_two_to_the_53_is_the_most() -> None:
    most = float(2**53)
    assert ticks_of(np.array([most, -most]), Decimal(1)).tolist() == [2**53, -(2**53)]
    with pytest.raises(ValueError, match=r"value 1 is .*9007199254740994.*no register"):
        ticks_of(np.array([0.0, most + 2]), Decimal(1))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1.8e21, 1e308])
def test_what_no_register_shows_is_named(value: float) -> None:
    values = np.array([1.0, value, 2.0])
    assert legible(values, Decimal("0.001")).tolist() == [True, False, True]
    with pytest.raises(ValueError, match=r"value 1 is .*leave such values out"):
        ticks_of(values, Decimal("0.001"))


@pytest.mark.parametrize("resolution", ["0", "-0.01"])
def test_a_resolution_is_above_zero(resolution: str) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        ticks_of(np.array([1.0]), Decimal(resolution))


def test_no_values_are_no_ticks() -> None:
    assert ticks_of(np.array([]), Decimal(1)).tolist() == []
