"""What fuel cost when: the median of what everybody paid about a day. Pure.

With it money becomes litres at the price of its time, so that a price that changes is no vehicle's
doubt, and a filling of which only the amount is stated counts too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from fleet.joining.model import Filling
from fleet.joining.rules import DAY_US
from fleet.track.fixes import Floats, Int64s

_NEAR_DAYS: Final = (2, 5, 10, 20, 40)
"""So far around a day lines are looked for; the nearest span with enough of them counts."""
_LEAST_LINES: Final = 5
FAR_US: Final = (max(_NEAR_DAYS) + 1) * DAY_US
"""No line from further away tells of a price."""


Lines = Mapping[str, tuple[Int64s, Floats]]
"""Of each product when it was paid for, ascending (µs UTC), and fen a millilitre."""


class Prices:
    """Fen a millilitre, by product and time."""

    def __init__(self, lines: Lines) -> None:
        """Learn prices from lines that state both litres and money."""
        self._lines = lines
        self._known: dict[tuple[str, int], float | None] = {}

    @classmethod
    def paid(cls, fillings: Iterable[Filling]) -> Prices:
        """Learn prices from fillings of all vehicles."""
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for one in fillings:
            if one.ml and one.fen is not None and one.fen > 0:
                found[one.product].append((one.at_us, one.fen / one.ml))
        rows = {product: zip(*sorted(its), strict=True) for product, its in found.items()}
        return cls({product: (np.array(at), np.array(fen)) for product, (at, fen) in rows.items()})

    def at(self, product: str, at_us: int) -> float | None:
        """Return the price about a moment; None: too few lines tell of it."""
        day = at_us // DAY_US
        if (product, day) not in self._known:
            self._known[product, day] = self._about(product, day * DAY_US)
        return self._known[product, day]

    def _about(self, product: str, begin_us: int) -> float | None:
        if product not in self._lines:
            return None
        at, price = self._lines[product]
        for days in _NEAR_DAYS:
            near = days * DAY_US
            first, end = np.searchsorted(at, [begin_us - near, begin_us + DAY_US + near])
            if end - first >= _LEAST_LINES:
                return float(np.median(price[first:end]))
        return None


def in_money(one: Filling, prices: Prices) -> Filling:
    """Return a filling with the litres that its money buys at the price of its time.

    Who fills a dearer grade than others has a tank that holds more of such litres, too.
    """
    price = prices.at(one.product, one.at_us)
    if one.fen is None or price is None or one.fen <= 0:
        return replace(one, ml=None)
    ml = round(one.fen / price)
    grade = ml / one.ml if one.ml else 1.0
    tank = None if one.tank_ml is None else round(one.tank_ml * max(grade, 1.0))
    return replace(one, ml=ml, tank_ml=tank)
