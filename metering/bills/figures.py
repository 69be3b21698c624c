"""The figures of some institutions and months."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import psycopg

from metering.bills.counted import counted_by_tree
from metering.bills.figure import account_month, figure
from metering.bills.load import Held, Loaded, Scope, Whose, load
from metering.bills.model import First
from metering.bills.month import AccountMonth, Entered, Figure, MonthFacts
from metering.bills.share import days_between, days_of, each_month, next_month, portion
from metering.bills.words import words

__all__ = ["each_month", "facts_of", "figures", "next_month"]

Keep = Callable[[str | None, date], bool]
"""(code of an account, or None for what hangs at none; day) → whether it is wanted."""


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
        figure(replace(facts_of(loaded, one, month), meters=tree.get(one, {}).get(month)))
        for one in whose
        for month in each_month(first, end)
    ]


def facts_of(loaded: Loaded, whose: Whose, month: date, keep: Keep | None = None) -> MonthFacts:
    """Put together what there is of a month, without meters that belong to no account.

    Args:
        loaded: of the month.
        whose: institution and energy.
        month: its first day.
        keep: only of these accounts and days; None: all.
    """
    end = next_month(month)
    bought = [one for one in loaded.purchases.get(whose, ()) if month <= one[0] < end]
    entered = loaded.entered.get(whose, {}).get(month)
    if keep is not None and entered is not None:
        entered = _entered_on(entered, [keep(None, day) for day in days_of(month, end)])
    return MonthFacts(
        institution=whose[0],
        energy=whose[1],
        month=month,
        accounts=tuple(_accounts(loaded, whose, month, keep)),
        purchases=tuple(one for day, one in bought if keep is None or keep(None, day)),
        entered=entered,
        first=_first(loaded, whose, month),
    )


def _accounts(
    loaded: Loaded, whose: Whose, month: date, keep: Keep | None
) -> Iterator[AccountMonth]:
    end = next_month(month)
    held: dict[int, list[Held]] = {}
    for one in loaded.held.get(whose, ()):
        if one.first < end and one.end > month:
            held.setdefault(one.account_id, []).append(one)
    for account_id, spans in held.items():
        code = spans[0].code
        days = [
            day
            for one in spans
            for day in days_between(max(one.first, month), min(one.end, end))
            if keep is None or keep(code, day)
        ]
        if not days:
            continue
        counted = loaded.counted.get(account_id)
        meters = (m for d in days for m in counted.meters.get(d, ())) if counted else ()
        yield account_month(
            code,
            days,
            [b for b in loaded.bills.get(account_id, ()) if b.first < end and b.end > month],
            counted.days if counted else {},
            list(meters),
        )


def _entered_on(entered: Entered, kept: Sequence[bool]) -> Entered | None:
    """Share a month of earlier records out by days; what its days get adds up to it."""
    if not any(kept):
        return None
    alike = [1] * len(kept)

    def part(value: int | None) -> int | None:
        if value is None:
            return None
        return sum(portion(value, alike, day, day + 1) for day, on in enumerate(kept) if on)

    return Entered(part(entered.micro), part(entered.fen), entered.ids)


def _first(loaded: Loaded, whose: Whose, month: date) -> First:
    for one in loaded.precedence.get(whose, ()):
        if one.first <= month and (one.end is None or month < one.end):
            return one.what
    return First.BILL
