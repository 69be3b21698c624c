"""Fillings that were given back: they never ran into a tank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from fleet.joining.rules import DAY_US

_WITHIN_US = 31 * DAY_US
"""A refund comes with the same statement."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A line that fills, or takes back.

    Attributes:
        number: its id.
        at_us: when.
        card: that paid; without one: the vehicle, as text.
        quantity: in whole units; None: not stated; negative: given back.
        fen: the same.
        back: the line says that it takes back.
    """

    number: int
    at_us: int
    card: str
    quantity: int | None
    fen: int | None
    back: bool

    @property
    def takes_back(self) -> bool:
        """Tell whether it takes back: by its kind, or by a negative figure."""
        return self.back or (self.quantity or 0) < 0 or (self.fen or 0) < 0


def taken_back(lines: Iterable[Moved]) -> set[int]:
    """Return the numbers of fillings that a later line takes back, and of those lines.

    It is the latest one before, of the same card, whose litres, or else money, are the same.
    """
    open_: dict[str, list[Moved]] = defaultdict(list)
    gone: set[int] = set()
    for one in sorted(lines, key=lambda line: (line.at_us, line.takes_back, line.number)):
        mine = open_[one.card]
        if not one.takes_back:
            mine.append(one)
            continue
        gone.add(one.number)
        for index in range(len(mine) - 1, -1, -1):
            if one.at_us - mine[index].at_us <= _WITHIN_US and _same(mine[index], one):
                gone.add(mine.pop(index).number)
                break
    return gone


def _same(filled: Moved, back: Moved) -> bool:
    if filled.quantity is not None and back.quantity is not None:
        return filled.quantity == abs(back.quantity)
    return filled.fen is not None and back.fen is not None and filled.fen == abs(back.fen)
