"""The figures of some institutions and months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import psycopg

from metering.bills.figure import account_month, figure
from metering.bills.load import Held, Loaded, Scope, Whose, load
from metering.bills.model import First
from metering.bills.month import AccountMonth, Figure, MonthFacts
from metering.bills.share import days_of
from metering.bills.words import words


def figures(
    conn: psycopg.Connection[Any],
    months: tuple[date, date],
    zone: str,
    institutions: Sequence[str] | None = None,
) -> list[Figure]:
    """Return the figures of every month, institution, and energy there is something of.

    An institution that has anything of an energy within the months gets a figure of each of them:
    a month of which nothing is known is there, with the source ``none``.

    Args:
        conn: in any state.
        months: first day of the first month, first day of the month after the last.
        zone: of local days, for example ``Asia/Shanghai``.
        institutions: codes; None: all.

    Returns:
        By institution, energy (in the order of the words), month.
    """
    first, end = months
    if first.day != 1 or end.day != 1 or end <= first:
        raise ValueError(f"{first} to {end} are no whole months: give first days of months")
    only = None if institutions is None else tuple(institutions)
    loaded = load(conn, Scope(first, end, only, zone), words())
    order = list(words().energies)
    whose = sorted(_whose(loaded), key=lambda pair: (pair[0], order.index(pair[1])))
    return [figure(_facts(loaded, one, month)) for one in whose for month in each_month(first, end)]


def next_month(month: date) -> date:
    """Return the first day of the month after that of ``month``."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def each_month(first: date, end: date) -> Iterator[date]:
    """Yield the first days of the months of ``[first, end)``."""
    while first < end:
        yield first
        first = next_month(first)


def _whose(loaded: Loaded) -> set[Whose]:
    return {*loaded.held, *loaded.purchases, *loaded.entered}


def _facts(loaded: Loaded, whose: Whose, month: date) -> MonthFacts:
    end = next_month(month)
    bought = loaded.purchases.get(whose, ())
    return MonthFacts(
        institution=whose[0],
        energy=whose[1],
        month=month,
        accounts=tuple(_accounts(loaded, whose, month, end)),
        purchases=tuple(purchase for day, purchase in bought if month <= day < end),
        entered=loaded.entered.get(whose, {}).get(month),
        first=_first(loaded, whose, month),
    )


def _accounts(loaded: Loaded, whose: Whose, month: date, end: date) -> Iterator[AccountMonth]:
    held: dict[int, list[Held]] = {}
    for one in loaded.held.get(whose, ()):
        if one.first < end and one.end > month:
            held.setdefault(one.account_id, []).append(one)
    for account_id, spans in held.items():
        days = [day for one in spans for day in days_of(max(one.first, month), min(one.end, end))]
        counted = loaded.counted.get(account_id)
        meters = (m for d in days for m in counted.meters.get(d, ())) if counted else ()
        yield account_month(
            spans[0].code,
            days,
            [b for b in loaded.bills.get(account_id, ()) if b.first < end and b.end > month],
            counted.days if counted else {},
            list(meters),
        )


def _first(loaded: Loaded, whose: Whose, month: date) -> First:
    for one in loaded.precedence.get(whose, ()):
        if one.first <= month and (one.end is None or month < one.end):
            return one.what
    return First.BILL
