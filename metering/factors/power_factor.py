"""Power-factor adjustment (功率因数调整电费): by how much a month's charge changes; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import Final

from metering.factors.files import Provenance
from metering.factors.rounding import product, quotient, rounded, total

_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Corner:
    """A point of a table.

    Attributes:
        at: power factor, a whole number of hundredths.
        percent: by which the charge rises; below 0: falls.
    """

    at: Decimal
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Adjustments:
    """The tables.

    Attributes:
        tables: standard → corners from 1.00 down to 0.00; between two of them every 0.01 counts
            alike.
        provenance: of all.
    """

    tables: Mapping[Decimal, Sequence[Corner]]
    provenance: Provenance

    def percent(self, standard: Decimal, factor: Decimal) -> Decimal:
        """Return by how many percent a charge rises; below 0: falls.

        Args:
            standard: that the customer is held to.
            factor: mean of the month, as :func:`mean_factor` gives it.

        Raises:
            LookupError: there is no table of this standard.
            ValueError: no power factor is above 1 or below 0.
        """
        if standard not in self.tables:
            raise LookupError(f"no table of the standard {standard}")
        for high, low in pairwise(self.tables[standard]):
            if low.at <= factor <= high.at:
                share = product(factor - low.at, high.percent - low.percent)
                return total([low.percent, quotient(share, high.at - low.at)])
        raise ValueError(f"{factor} is no power factor: it lies between 0 and 1")


def mean_factor(active: Decimal, reactive: Decimal) -> Decimal:
    """Return a month's mean power factor, two decimals, half up.

    Args:
        active: energy, kWh, ≥ 0.
        reactive: energy, kvarh, ≥ 0; not both are 0.

    Raises:
        ValueError: one is below 0, or both are 0.
    """
    if min(active, reactive) < 0 or not (active or reactive):
        raise ValueError(f"no power factor follows from {active} kWh and {reactive} kvarh")
    real, both = Fraction(active) ** 2, Fraction(active) ** 2 + Fraction(reactive) ** 2
    # The greatest n with (2 n - 1) / 200 at most the exact factor, by whole numbers.
    halves = isqrt(int(40_000 * real / both))
    return Decimal((halves + 1) // 2) / _HUNDRED


def adjustment(charge: Decimal, percent: Decimal) -> Decimal:
    """Return what is added to a charge, yuan to the fen; below 0: taken off."""
    return rounded(quotient(product(charge, percent), _HUNDRED), 2)
