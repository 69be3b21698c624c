"""What a vehicle uses by its own books: Σ litres over Σ kilometres of the time before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from fleet.joining.bills import Bills
from fleet.joining.model import Filling
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.ways import HM_MM, Driven, Ways

_Sums = tuple[int, int, int, int, int]
_READ_PCT: Final = 90
"""A dashboard that says less than so much of what was seen was misread."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Σ over Σ; the tank at both ends is left open.

    Attributes:
        ml: filled on the way.
        mm: driven, more than 0.
        running_s: how long the engine ran on ``timed_mm`` of it; of the rest nobody knows.
        timed_mm: of the way.
        legs: from filling to filling.
    """

    ml: int
    mm: int
    running_s: int
    timed_mm: int
    legs: int

    def expected(self, mm: int, running_s: int, timed_mm: int, rules: Rules) -> int:
        """Return what is used on another way, ml.

        An engine burns so much an hour by running; the rest goes with the way. So slow roads and
        fast ones are told apart without a figure for each.
        """
        if not self.timed_mm:
            return self.ml * mm // self.mm
        usual_s = self.running_s * self.mm // self.timed_mm
        by_running = min(usual_s * rules.running_ml_h // 3_600, self.ml // 2)
        seconds = running_s + self.running_s * max(mm - timed_mm, 0) // self.timed_mm
        return (self.ml - by_running) * mm // self.mm + by_running * seconds // max(usual_s, 1)


class Legs:
    """The ways between successive fillings of a vehicle, and sums of them.

    A leg counts when its kilometres are known, its litres are, and none is missing in the books.

    Attributes:
        fillings: of the vehicle, ascending, payments of one taken together.
        payments: of each.
        driven: to each filling from the one before it; None: not known.
        unsure: for each filling the way, and the running of the engine, that may lie before it or
            behind: of its day, where no time is known.
        rates: for each filling what was used up to it; None: too little is known of before.
        bounds: likewise the most that it can have been: over the ways that were seen, of which the
            true ones are no shorter; None: too little was seen, or more is used than anybody does.
    """

    def __init__(self, found: Bills, ways: Ways, rules: Rules) -> None:
        self.fillings = fillings = found.fillings
        self.payments = found.payments
        self.driven = _behind_none(fillings, ways.all_driven(fillings, rules))
        self._sums = _summed(fillings, self.driven)
        self.rates = _rates(fillings, self._sums, rules)
        seen = _summed(fillings, _behind_none(fillings, ways.all_seen(fillings)))
        self._seen = seen
        self.bounds = [_believed(one, rules) for one in _rates(fillings, seen, rules)]
        self.unsure = [_unsure(one, ways) for one in fillings]

    def between(self, first: int, last: int) -> Rate:
        """Return the sums of the legs from one filling to another; ``mm`` may be 0 here."""
        return _between(self._sums, first, last)

    def run(self, first: int, last: int) -> Rate | None:
        """Return the sums of successive legs; None: not all of their litres or ways are known.

        Where a leg is not known the dashboard at both ends may tell of all; it tells no less than
        was seen.
        """
        sums = self.between(first, last)
        if sums.legs == last - first:
            return sums
        seen = _between(self._seen, first, last)
        begin, end = (self.fillings[index].odometer_hm for index in (first, last))
        if seen.legs < last - first or begin is None or end is None:
            return None
        mm = (end - begin) * HM_MM
        return replace(seen, mm=max(mm, seen.mm)) if mm * 100 >= seen.mm * _READ_PCT else None


def _behind_none(fillings: Sequence[Filling], ways: Sequence[Driven | None]) -> list[Driven | None]:
    """Return the way to each filling; None: to the first, and where the books lack one before."""
    known = zip(fillings[1:], ways, strict=True)
    return [None, *(None if one.missed else way for one, way in known)]


def _summed(fillings: Sequence[Filling], ways: Sequence[Driven | None]) -> list[_Sums]:
    sums: list[_Sums] = [(0, 0, 0, 0, 0)]
    for (one, following), way in zip(pairwise(fillings), ways[1:], strict=True):
        ml, mm, running_s, timed_mm, count = sums[-1]
        if way is not None and one.ml is not None and following.ml is not None:
            ml, mm = ml + following.ml, mm + way.mm
            running_s, timed_mm = running_s + way.running_s, timed_mm + way.timed_mm
            count += 1
        sums.append((ml, mm, running_s, timed_mm, count))
    return sums


def _between(sums: Sequence[_Sums], first: int, last: int) -> Rate:
    return Rate(*(behind - before for behind, before in zip(sums[last], sums[first], strict=True)))


def _rates(fillings: Sequence[Filling], sums: Sequence[_Sums], rules: Rules) -> list[Rate | None]:
    found: list[Rate | None] = []
    first = 0
    for last, one in enumerate(fillings):
        while fillings[first].at_us < one.at_us - rules.history_us:
            first += 1
        its = _between(sums, first, last)
        enough = its.legs >= rules.base_legs and its.mm >= rules.base_mm
        found.append(its if enough else None)
    return found


def _believed(bound: Rate | None, rules: Rules) -> Rate | None:
    """Return a bound that is none above what any vehicle uses."""
    if bound is None or bound.ml * HM_MM > rules.burn_most * bound.mm:
        return None
    return bound


def _unsure(one: Filling, ways: Ways) -> tuple[int, int]:
    if one.timed:
        return 0, 0
    way = ways.between(one.day_us, one.day_us + DAY_US)
    return way.most_mm, way.running_s
