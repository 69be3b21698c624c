"""Months of an institution beside the plan of its quota and beside last year. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from metering.plan.compare import Comparison, year_on_year
from metering.plan.curve import as_last_year, evenly
from metering.plan.progress import Kind, Progress, State, progress
from metering.plan.usage import Usage, Window, month_of
from registry.calendar import Calendar

ENOUGH: Final = Decimal("0.8")
"""Share of a month's days that must be known before anything is said about it: a month that has
only begun says nothing yet."""
_COMPARABLE: Final = Decimal("0.5")
"""Share of a month's days that must find a day of their kind to be compared with."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota in force, for the whole institution.

    Attributes:
        kind: what it demands.
        micro: of the year, millionths of the unit.
        told: for officers, with its source.
    """

    kind: Kind
    micro: int
    told: str


def binding(limits: Sequence[Limit]) -> Limit | None:
    """Return the quota that counts: the strictest that binds, else the strictest baseline.

    A guide value is what an institution may strive for: to be above it is no doubt.
    """
    for kind in (Kind.CONSTRAINT, Kind.BASELINE):
        mine = [one for one in limits if one.kind is kind]
        if mine:
            return min(mine, key=lambda one: (one.micro, one.told))
    return None


def enough_known(usage: Usage, month: Window) -> bool:
    """Whether a month is known well enough to be spoken of."""
    known = sum(len(piece.window) for piece in usage.pieces(month))
    return known >= ENOUGH * len(month)


def against_plan(usage: Usage, limit: Limit, first: date, calendar: Calendar) -> Progress | None:
    """Return how the year stood to its quota when a month was over; None: nobody knows.

    Args:
        usage: of the year, and of the one before for the shape of the plan.
        limit: the quota that counts at the end of the month.
        first: day of the month.
        calendar: of both years.
    """
    month = month_of(first)
    if not enough_known(usage, month):
        return None
    curve = as_last_year(first.year, usage, calendar) or evenly(first.year)
    found = progress(limit.micro, usage, curve, month.last)
    return None if found.state is State.UNKNOWN else found


def against_last_year(usage: Usage, first: date, calendar: Calendar) -> Comparison | None:
    """Return how a month stands to the same month of the year before; None: nobody knows.

    Where the holidays of either year are not known, workdays cannot be told from others.

    Args:
        usage: of both years.
        first: day of the month.
        calendar: of both years.
    """
    month = month_of(first)
    if not enough_known(usage, month):
        return None
    found = year_on_year(usage, usage, month, calendar)
    if found.now is None or found.share < _COMPARABLE or not found.published:
        return None
    return found
