"""What one month gives to a line, and what that leads back to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from metering.bills.month import PurchaseFigures, Source
from metering.bills.reported import Part, Reported
from metering.factors.rounding import of_micro
from reporting.draft.cells import Trace
from reporting.forms.model import Cost, Quantity

_REST: Final = "other"
"""The class of consumers that has what no other has."""


def amount(one: Reported, basis: Quantity | Cost) -> Decimal | None:
    """Return what a month gives to a line, exact, in its unit; None: not known."""
    whole, of_purchase, exact = _measure(one, basis)
    if whole is None:
        return None
    found = whole if basis.consumer is None else _of_class(one, basis.consumer, whole, of_purchase)
    return None if found is None else exact(found)


def trace(one: Reported, basis: Quantity | Cost) -> Trace:
    """Return what a month gives to a line with what it leads back to."""
    whole = isinstance(basis, Quantity) and basis.consumer is None
    return Trace(
        month=one.month,
        value=amount(one, basis),
        by_source={source: of_micro(micro) for source, micro in one.by_source.items()}
        if whole
        else {},
        estimated=of_micro(one.estimated if whole else 0),
        by_days=of_micro(one.by_days if whole else 0),
        metered=_of_micro(one.metered) if whole else None,
        difference=_of_micro(one.difference) if whole else None,
        reasons=one.reasons,
        members=one.members,
        bills=one.bill_ids,
        purchases=one.purchase_ids,
        meters=one.meter_ids,
    )


_OfPurchase = Callable[[PurchaseFigures], int | None]


def _measure(
    one: Reported, basis: Quantity | Cost
) -> tuple[int | None, _OfPurchase, Callable[[int], Decimal]]:
    if isinstance(basis, Quantity):
        return one.micro, lambda bought: bought.micro, of_micro
    return one.fen, lambda bought: bought.fen, _of_fen


def _of_micro(micro: int | None) -> Decimal | None:
    return None if micro is None else of_micro(micro)


def _of_fen(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _of_class(one: Reported, consumer: str, whole: int, value: _OfPurchase) -> int | None:
    """Return what a class of consumers has; the rest is what the others leave of the whole.

    Earlier records do not say what burnt it.
    """
    if any(part.figure.source is Source.ENTERED and part.amounts.known for part in one.parts):
        return None
    if consumer == _REST:
        named = [*_shares(one.parts, lambda of: of != _REST, value)]
        return None if None in named else whole - sum(share or 0 for share in named)
    bought = [*_shares(one.parts, lambda of: of == consumer, value)]
    return None if None in bought else sum(share or 0 for share in bought)


def _shares(
    parts: tuple[Part, ...], chosen: Callable[[str], bool], value: _OfPurchase
) -> Iterator[int | None]:
    """Yield what parts have of purchases, whole numbers; a share to the nearest."""
    for part in parts:
        for bought in part.figure.facts.purchases:
            if chosen(bought.consumer):
                found = value(bought)
                yield None if found is None else round(found * part.share)
