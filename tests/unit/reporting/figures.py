"""What institutions report, without a database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from fractions import Fraction

from metering.bills.figure import figure
from metering.bills.month import Entered, MonthFacts, PurchaseFigures
from metering.bills.reported import Part, Reported, shared

ALL = Fraction(1)


def bought(
    month: date,
    *purchases: tuple[str, int | None, int | None],
    energy: str = "petrol",
    share: Fraction = ALL,
) -> Reported:
    """What was bought in a month: consumer, millionths, hundredths of a yuan."""
    found = tuple(PurchaseFigures(n, *one) for n, one in enumerate(purchases, 1))
    return _reported(MonthFacts("i", energy, month, purchases=found), share)


def recorded(month: date, micro: int, fen: int | None = None, energy: str = "petrol") -> Reported:
    """What earlier records say of a month."""
    return _reported(MonthFacts("i", energy, month, entered=Entered(micro, fen, (1,))), ALL)


def _reported(facts: MonthFacts, share: Fraction) -> Reported:
    holder = ((1, share),) if share == ALL else ((1, share), (2, 1 - share))
    parts: Iterable[tuple[int, Part]] = shared(figure(facts), holder)
    own = tuple(part for target, part in parts if target == 1)
    return Reported("i", facts.energy, facts.month, own)
