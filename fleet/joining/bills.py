"""Payments of one filling, taken together: what ran into the tank at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fleet.joining.model import Filling
from fleet.joining.names import named
from fleet.joining.rules import Rules
from fleet.joining.span import split


@dataclass(frozen=True, slots=True)
class Bills:
    """The fillings of a vehicle with their payments together.

    Attributes:
        fillings: ascending; litres are sums, and not known where one payment's are not.
        of: for each payment, which of them.
        payments: for each of them, how many.
    """

    fillings: tuple[Filling, ...]
    of: tuple[int, ...]
    payments: tuple[int, ...]


def bills(payments: Sequence[Filling], rules: Rules) -> Bills:
    """Take payments together that are of one filling.

    Args:
        payments: of one vehicle, ascending.
        rules: within which time.
    """
    found: list[Filling] = []
    counts: list[int] = []
    of: list[int] = []
    for one in payments:
        if found and _same(found[-1], one, rules):
            found[-1] = _together(found[-1], one)
            counts[-1] += 1
        else:
            found.append(one)
            counts.append(1)
        of.append(len(found) - 1)
    return Bills(tuple(found), tuple(of), tuple(counts))


def _same(before: Filling, one: Filling, rules: Rules) -> bool:
    if before.timed and one.timed:
        return split(before, one, rules.apart_us)
    return before.day_us == one.day_us and named(before.merchant) == named(one.merchant)


def _together(before: Filling, one: Filling) -> Filling:
    both = None if one.ml is None or before.ml is None else one.ml + before.ml
    return replace(
        one,
        ml=both,
        timed=one.timed and before.timed,
        full=one.full or before.full,
        missed=before.missed,
        odometer_hm=before.odometer_hm if one.odometer_hm is None else one.odometer_hm,
    )
