"""What one month gives to a line, and what that leads back to. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final, Protocol

from metering.bills.month import Source
from metering.bills.reported import Part, Reported
from metering.factors.rounding import of_micro
from metering.tree.shares import largest_remainder
from reporting.draft.cells import Trace
from reporting.forms.model import Cost, Quantity

_REST: Final = "other"
"""The class of consumers that has what no other has."""


def amount(one: Reported, basis: Quantity | Cost) -> Decimal | None:
    """Return what a month gives to a line, exact, in its unit; None: not known."""
    whole, measure, exact = _measure(one, basis)
    if whole is None:
        return None
    found = whole if basis.consumer is None else _of_class(one, basis.consumer, whole, measure)
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


class _Measured(Protocol):
    """A purchase, a figure, or a share of one."""

    @property
    def micro(self) -> int | None: ...
    @property
    def fen(self) -> int | None: ...


_Measure = Callable[[_Measured], int | None]


def _measure(
    one: Reported, basis: Quantity | Cost
) -> tuple[int | None, _Measure, Callable[[int], Decimal]]:
    if isinstance(basis, Quantity):
        return one.micro, lambda of: of.micro, of_micro
    return one.fen, lambda of: of.fen, _of_fen


def _of_micro(micro: int | None) -> Decimal | None:
    return None if micro is None else of_micro(micro)


def _of_fen(fen: int) -> Decimal:
    return Decimal(fen).scaleb(-2)


def _of_class(one: Reported, consumer: str, whole: int, value: _Measure) -> int | None:
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
    parts: tuple[Part, ...], chosen: Callable[[str], bool], value: _Measure
) -> Iterator[int | None]:
    """Yield what each part has of purchases, whole numbers: never more than all of the part."""
    for part in parts:
        bought = [value(one) for one in part.figure.facts.purchases if chosen(one.consumer)]
        known = [one for one in bought if one is not None]
        yield _share(part, sum(known), value) if len(known) == len(bought) else None


def _share(part: Part, bought: int, value: _Measure) -> int:
    whole, given = value(part.figure), value(part.amounts)
    if given is not None and bought == whole:
        return given
    if whole is None or given is None or not 0 < bought < whole:
        return round(bought * part.share)
    return largest_remainder(given, [bought, whole - bought])[0]
