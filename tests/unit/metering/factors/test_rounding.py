from __future__ import annotations

import decimal
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.factors.rounding import balanced, of_micro, product, quotient, rounded, total

AMOUNTS = st.decimals(-(10**12), 10**12, allow_nan=False, places=6)


def test_a_product_keeps_every_digit_even_where_the_thread_rounds() -> None:
    with localcontext() as context:
        context.prec = 3
        exact = product(of_micro(2**63 - 1), Decimal("0.12290001"), Decimal("0.73000001"))
        assert total([exact, Decimal("1e-20")]) - exact == Decimal("1e-20")
    integers = (2**63 - 1) * 12290001 * 73000001
    assert exact == decimal.Context(prec=60).scaleb(Decimal(integers), -22)


def test_what_does_not_fit_is_refused_and_not_rounded() -> None:
    with pytest.raises(decimal.Inexact):
        product(Decimal(1) / 3, Decimal(1) / 3, Decimal(1) / 3)
    with pytest.raises(decimal.DivisionByZero):
        quotient(Decimal(1), Decimal(0))


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [("0.125", 2, "0.13"), ("-0.125", 2, "-0.13"), ("2.5", 0, "3"), ("149", -2, "1E+2")],
)
def test_halves_go_away_from_zero(value: str, places: int, shown: str) -> None:
    assert str(rounded(Decimal(value), places)) == shown


@settings(deadline=None)
@given(st.lists(AMOUNTS, max_size=12), st.integers(-3, 6))
def test_balanced_parts_add_up_and_only_the_largest_gives_way(
    parts: list[Decimal], places: int
) -> None:
    shown = balanced(parts, places)
    assert len(shown) == len(parts)
    assert total(shown) == rounded(total(parts), places)
    moved = [i for i, part in enumerate(parts) if shown[i] != rounded(part, places)]
    assert len(moved) <= 1
    assert all(abs(parts[i]) == max(map(abs, parts)) for i in moved)
