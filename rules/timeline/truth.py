"""Three-valued conditions: false, unknown, true. Unknown is not false, and not true either.

Conditions are arrays of 0, 1 and 2 in that order, so that *and* is the minimum, *or* the maximum,
*not* the distance from 2: the strong logic of Kleene.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from metering.gauge.hold import Float64s

Truth = npt.NDArray[np.int8]

FALSE: Final = np.int8(0)
UNKNOWN: Final = np.int8(1)
TRUE: Final = np.int8(2)


def known(condition: npt.NDArray[np.bool_], *values: Float64s) -> Truth:
    """Return a condition on values; unknown where one of them is (NaN)."""
    found = np.where(condition, TRUE, FALSE)
    for value in values:
        found = np.where(np.isnan(value), UNKNOWN, found)
    return found


def both(*conditions: Truth) -> Truth:
    """True where all are, false where one is false."""
    found: Truth = np.minimum.reduce(conditions)
    return found


def either(*conditions: Truth) -> Truth:
    """True where one is, false where all are false."""
    found: Truth = np.maximum.reduce(conditions)
    return found


def negated(condition: Truth) -> Truth:
    """True where it is false, false where it is true."""
    return (TRUE - condition).astype(np.int8)
