"""Register values to whole ticks, rounded once."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from metering.counter.model import MOST_TICKS, Bools, Int64s

Floats = npt.NDArray[np.float64]


def ticks_of(values: Floats, resolution: Decimal) -> Int64s:
    """Return ``value / resolution``, exact and rounded once: half a tick to the even neighbour.

    Args:
        values: the register, in the unit of the point.
        resolution: unit a tick, above 0.

    Raises:
        ValueError: the resolution is not above 0, or a value is not one a register can show; the
            message names the first. Choose with :func:`legible` before.
    """
    readable = legible(values, resolution)
    if not readable.all():
        worst = int(np.argmin(readable))
        raise ValueError(
            f"value {worst} is {values[worst]!r}: no register shows that; leave such values out"
        )
    quotients = _quotients(values, resolution)
    ticks: Int64s = np.rint(quotients).astype(np.int64)
    # A quotient is off by 2⁻⁵¹ of itself at most: only next to a half can that change the tick.
    to_half = np.abs(np.abs(quotients - np.trunc(quotients)) - 0.5)
    exact = Fraction(resolution)
    for index in np.flatnonzero(to_half <= np.abs(quotients) * 2.0**-51 + 2.0**-60):
        ticks[index] = round(Fraction(float(values[index])) / exact)
    return ticks


def legible(values: Floats, resolution: Decimal) -> Bools:
    """Return which values a register can show: numbers of at most 2⁵³ ticks.

    Raises:
        ValueError: the resolution is not above 0.
    """
    sizes = np.abs(_quotients(values, resolution))
    readable: Bools = sizes <= float(MOST_TICKS)
    return readable


def _quotients(values: Floats, resolution: Decimal) -> Floats:
    if not resolution > 0:
        raise ValueError(f"the resolution is {resolution}: it must be above 0")
    exact = Fraction(resolution)
    with np.errstate(over="ignore"):
        quotients: Floats = values * float(exact.denominator) / float(exact.numerator)
    return quotients
