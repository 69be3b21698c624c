"""What a vehicle uses by its own books: Σ litres over Σ kilometres of the time before."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from fleet.joining.bills import Bills
from fleet.joining.model import Filling
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.ways import Driven, Ways


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
    """

    def __init__(self, found: Bills, ways: Ways, rules: Rules) -> None:
        self.fillings = fillings = found.fillings
        self.payments = found.payments
        self.driven: list[Driven | None] = [None]
        self._sums = [(0, 0, 0, 0, 0)]
        known = ways.all_driven(fillings, rules)
        for (one, following), driven in zip(pairwise(fillings), known, strict=True):
            way = None if following.missed else driven
            self.driven.append(way)
            ml, mm, running_s, timed_mm, count = self._sums[-1]
            if way is not None and one.ml is not None and following.ml is not None:
                ml, mm = ml + following.ml, mm + way.mm
                running_s, timed_mm = running_s + way.running_s, timed_mm + way.timed_mm
                count += 1
            self._sums.append((ml, mm, running_s, timed_mm, count))
        self.rates = self._rates(rules)
        self.unsure = [_unsure(one, ways) for one in fillings]

    def between(self, first: int, last: int) -> Rate:
        """Return the sums of the legs from one filling to another; ``mm`` may be 0 here."""
        pairs = zip(self._sums[last], self._sums[first], strict=True)
        return Rate(*(behind - before for behind, before in pairs))

    def _rates(self, rules: Rules) -> list[Rate | None]:
        """Return for each filling what was used up to it; None: too little is known of before."""
        found: list[Rate | None] = []
        first = 0
        for last, one in enumerate(self.fillings):
            while self.fillings[first].at_us < one.at_us - rules.history_us:
                first += 1
            sums = self.between(first, last)
            enough = sums.legs >= rules.base_legs and sums.mm >= rules.base_mm
            found.append(sums if enough else None)
        return found


def _unsure(one: Filling, ways: Ways) -> tuple[int, int]:
    if one.timed:
        return 0, 0
    way = ways.between(one.day_us, one.day_us + DAY_US)
    return way.most_mm, way.running_s
