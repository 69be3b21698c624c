"""Dividing the bills of an account whose meters go several ways, by what these counted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from metering.bills.month import AccountMonth, Metered, total
from metering.bills.share import MeterDays, Share, Stretch, portion, spans_of
from metering.tree.holders import Holder

Ways = tuple[tuple[Holder, frozenset[int]], ...]
"""For whom an account's meters count on a day, and which: several, in one order."""
MeterParts = Mapping[int, MeterDays]
"""Id of a meter → what it counted."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one of several ways gets of an account on some days.

    Days that differ in any of the ways are different slices: a stretch is rounded as a whole.

    Attributes:
        at: number of the way.
        ways: all of them.
    """

    at: int
    ways: Ways

    @property
    def among(self) -> tuple[frozenset[int], ...]:
        """Ids of the meters of each way."""
        return tuple(meters for _, meters in self.ways)


def is_divisible(among: Iterable[Iterable[int]], days: MeterParts, when: Sequence[date]) -> bool:
    """Tell whether meters know how to divide a bill: all of them all the time, and something.

    Args:
        among: ids of the meters of each way.
        days: what each counted.
        when: the days; ascending.
    """
    seen = [one for meters in among for one in _seen(meters, days, when)]
    known = all(one.whole and not one.below for one in seen)
    return known and any(one.micro for one in seen)


def divided(month: AccountMonth, part: Slice, days: MeterParts) -> AccountMonth:
    """Return what one way gets of an account's days; what all get adds up to them exactly.

    Args:
        month: days on which the account goes these ways, all of it.
        part: the way.
        days: what each meter counted; :func:`is_divisible`.
    """
    seen = [_seen(meters, days, month.days) for meters in part.among]
    weights = [sum(one.micro for one in way) for way in seen]
    before, whole = sum(weights[: part.at]), sum(weights)
    through = before + weights[part.at]

    def cut(shares: Iterable[Share]) -> tuple[Share, ...]:
        return tuple(
            replace(one, value=portion(one.value, before, through, whole)) for one in shares
        )

    return replace(
        month,
        quantity=cut(month.quantity),
        amount=cut(month.amount),
        metered=Metered(
            micro=weights[part.at],
            estimated=sum(one.estimated for one in seen[part.at]),
            complete=True,
            meters=tuple(sorted(part.among[part.at])),
        ),
    )


def joined(months: Sequence[AccountMonth]) -> AccountMonth:
    """Put an account's month together again of parts of its days."""
    if len(months) == 1:
        return months[0]
    counted = [one.metered for one in months if one.metered is not None]
    return AccountMonth(
        code=months[0].code,
        days=tuple(sorted(day for one in months for day in one.days)),
        quantity=_sorted(share for one in months for share in one.quantity),
        amount=_sorted(share for one in months for share in one.amount),
        metered=Metered(
            micro=total([one.micro for one in counted if one.micro is not None]),
            estimated=sum(one.estimated for one in counted),
            complete=len(counted) == len(months) and all(one.complete for one in counted),
            meters=tuple(sorted({meter for one in counted for meter in one.meters})),
        )
        if counted
        else None,
        ratio=next((one.ratio for one in months if one.ratio is not None), None),
    )


def _sorted(shares: Iterable[Share]) -> tuple[Share, ...]:
    return tuple(sorted(shares, key=lambda share: share.first))


def _seen(meters: Iterable[int], days: MeterParts, when: Sequence[date]) -> list[Stretch]:
    return [days[meter].over(*span) for meter in sorted(meters) for span in spans_of(when)]
