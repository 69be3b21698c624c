"""The figures of some institutions and months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg

from metering.bills.counted import counted_by_tree
from metering.bills.figure import account_month, figure
from metering.bills.load import Held, Loaded, Scope, Whose, load
from metering.bills.model import First
from metering.bills.month import AccountMonth, Figure, MonthFacts
from metering.bills.share import days_of, each_month, next_month
from metering.bills.words import words

__all__ = ["each_month", "figures", "next_month"]


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
        conn: may write: the attribution of meters to institutions is brought up to date first.
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
    scope = Scope(first, end, only, zone)
    loaded = load(conn, scope, words())
    tree = counted_by_tree(conn, scope, loaded.held, words())
    order = list(words().energies)
    known = {*loaded.held, *loaded.purchases, *loaded.entered, *tree}
    whose = sorted(known, key=lambda pair: (pair[0], order.index(pair[1])))
    return [
        figure(replace(_facts(loaded, one, month), meters=tree.get(one, {}).get(month)))
        for one in whose
        for month in each_month(first, end)
    ]


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
