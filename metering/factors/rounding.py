"""Exact arithmetic with decimals, and the one place where anything is rounded.

The default decimal context is the thread's, has 28 digits and rounds in silence: a quantity in
millionths times a factor times a density can pass that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import (
    ROUND_HALF_UP,
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
    Underflow,
)
from typing import Final

_TRAPS: Final = [Clamped, DivisionByZero, InvalidOperation, Overflow, Subnormal, Underflow]
_DIGITS: Final = 60
"""An int64 of millionths has 19 digits, a factor and a density up to 17 each."""
_QUOTIENT_DIGITS: Final = 34


def _exact() -> Context:
    return Context(prec=_DIGITS, rounding=ROUND_HALF_UP, traps=[*_TRAPS, Inexact])


def product(*factors: Decimal) -> Decimal:
    """Multiply without rounding.

    Raises:
        decimal.Inexact: more than 60 digits.
    """
    context, result = _exact(), Decimal(1)
    for factor in factors:
        result = context.multiply(result, factor)
    return result


def total(values: Iterable[Decimal]) -> Decimal:
    """Add without rounding; 0 for nothing.

    Raises:
        decimal.Inexact: more than 60 digits.
    """
    context, result = _exact(), Decimal(0)
    for value in values:
        result = context.add(result, value)
    return result


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Divide to 34 digits: far beyond any digit that is shown.

    Raises:
        decimal.DivisionByZero: the divisor is 0.
    """
    context = Context(prec=_QUOTIENT_DIGITS, rounding=ROUND_HALF_UP, traps=_TRAPS)
    return context.divide(dividend, divisor)


def of_micro(micro: int) -> Decimal:
    """Turn millionths of a unit into units."""
    return Decimal(micro).scaleb(-6, _exact())


def rounded(value: Decimal, places: int) -> Decimal:
    """Round half away from zero, as statistics do.

    Args:
        value: any.
        places: digits behind the point; negative: whole tens, hundreds and so on.
    """
    context = Context(prec=_DIGITS, rounding=ROUND_HALF_UP, traps=_TRAPS)
    return value.quantize(Decimal(1).scaleb(-places), context=context)


def balanced(parts: Sequence[Decimal], places: int) -> tuple[Decimal, ...]:
    """Round parts so that they add up to their rounded sum.

    Each part is rounded by itself; what then is missing or too much goes to the largest part, where
    it shows least. So published tables do (docs/factors.md).

    Args:
        parts: exact parts.
        places: as for :func:`rounded`.

    Returns:
        As many parts, in their order.
    """
    if not parts:
        return ()
    shown = [rounded(part, places) for part in parts]
    rest = rounded(total(parts), places) - total(shown)
    largest = max(range(len(parts)), key=lambda i: abs(parts[i]))
    shown[largest] += rest
    return tuple(shown)
