"""The figures of some institutions and months."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import psycopg

from metering.bills.counted import counted_by_tree
from metering.bills.division import Slice, divided, joined
from metering.bills.figure import account_month, figure
from metering.bills.load import Held, Loaded, Scope, Whose, load
from metering.bills.model import First
from metering.bills.month import AccountMonth, Entered, Figure, Metered, MonthFacts
from metering.bills.share import BillFigures, days_between, days_of, each_month, portion
from metering.bills.words import words
from metering.derive.times import next_month

Keep = Callable[[str | None, date], "bool | Slice"]
"""(code of an account, or None for what hangs at none; day) → whether it is wanted, or of an
account that is divided which part."""
Papers = Mapping[date, Mapping[Whose, Figure]]
"""What accounts, purchases and earlier records make of each month."""
Tick = Callable[[], None]
"""Called whenever another month is done."""


def figures(
    conn: psycopg.Connection[Any],
    months: tuple[date, date],
    zone: str,
    institutions: Sequence[str] | None = None,
) -> list[Figure]:
    """Return the own figures of every month, institution, and energy there is something of.

    An institution that has anything of an energy within the months, or bought any in their years,
    gets a figure of each of them: a month of which nothing is known has the source ``none``.

    Args:
        conn: may write: the attribution of meters to institutions is brought up to date first.
        months: first day of the first month, first day of the month after the last.
        zone: of local days, for example ``Asia/Shanghai``.
        institutions: codes; None: all.

    Returns:
        By institution, energy (in the order of the words), month.
    """
    scope = whole_months(months, zone, institutions)
    loaded = load(conn, scope, words())
    return with_meters(conn, scope, loaded, by_papers(loaded, months))


def whole_months(months: tuple[date, date], zone: str, institutions: Sequence[str] | None) -> Scope:
    """Return which facts are wanted for some months; see :func:`figures`.

    Raises:
        ValueError: they are no whole months.
    """
    first, end = months
    if first.day != 1 or end.day != 1 or end <= first:
        raise ValueError(f"{first} to {end} are no whole months: give first days of months")
    return Scope(first, end, None if institutions is None else tuple(institutions), zone)


def by_papers(loaded: Loaded, months: tuple[date, date], tick: Tick = lambda: None) -> Papers:
    """Return the own figures without the meters of those who have no account."""
    known = {*loaded.held, *loaded.buyers, *loaded.entered}
    found: dict[date, dict[Whose, Figure]] = {}
    for month in each_month(*months):
        found[month] = {whose: figure(facts_of(loaded, whose, month)) for whose in known}
        tick()
    return found


def with_meters(
    conn: psycopg.Connection[Any],
    scope: Scope,
    loaded: Loaded,
    papers: Papers,
    tick: Tick = lambda: None,
) -> list[Figure]:
    """Return the own figures of a scope; on the days without an account meters count.

    Args:
        conn: as for :func:`figures`.
        scope: whose, of which months; of what was loaded, or less.
        loaded: what ``papers`` were made of.
        papers: of the same months.
        tick: told of each month.
    """
    tree = counted_by_tree(conn, scope, words(), tick)
    order = list(words().energies)
    only = scope.institutions
    known = {*tree, *(whose for month in papers.values() for whose in month)}
    whose = sorted(known, key=lambda pair: (pair[0], order.index(pair[1])))
    return [
        _figure(loaded, papers[month].get(one), tree.get(one, {}).get(month), (one, month))
        for one in whose
        if only is None or one[0] in only
        for month in papers
    ]


def _figure(
    loaded: Loaded, known: Figure | None, meters: Metered | None, whose: tuple[Whose, date]
) -> Figure:
    if known is not None and meters is None:
        return known
    facts = facts_of(loaded, *whose) if known is None else known.facts
    return figure(facts.beside(meters))


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
        entered = _entered_on(entered, [bool(keep(None, day)) for day in days_of(month, end)])
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
        days = tuple(
            itertools.chain.from_iterable(
                days_between(max(one.first, month), min(one.end, end)) for one in spans
            )
        )
        every = loaded.bills.get(account_id, ())
        bills = [bill for bill in every if bill.first < end and bill.end > month]
        parts = [_part(loaded, spans[0], bills, kept) for kept in _kept(spans[0].code, days, keep)]
        if parts:
            yield joined(parts)


_Kept = tuple[Slice | None, Sequence[date]]
"""(which part of an account that is divided, or None for all of it; on which days)."""


def _kept(account: str, days: Sequence[date], keep: Keep | None) -> Iterable[_Kept]:
    if keep is None:
        return [(None, days)]
    found: dict[Slice | None, list[date]] = {}
    for day in days:
        what = keep(account, day)
        if what:
            found.setdefault(what if isinstance(what, Slice) else None, []).append(day)
    return found.items()


def _part(loaded: Loaded, account: Held, bills: Sequence[BillFigures], kept: _Kept) -> AccountMonth:
    part, days = kept
    counted = loaded.counted.get(account.account_id)
    if counted is None:
        return account_month(account.code, days, bills, None, ())
    month = account_month(account.code, days, bills, counted.days, counted.meters_on(days))
    return month if part is None else divided(month, part, counted.each)


def _entered_on(entered: Entered, kept: Sequence[bool]) -> Entered | None:
    """Share a month of earlier records out by days; what its days get adds up to it."""
    if not any(kept):
        return None
    days = len(kept)

    def part(value: int | None) -> int | None:
        if value is None:
            return None
        return sum(portion(value, day, day + 1, days) for day, on in enumerate(kept) if on)

    return Entered(part(entered.micro), part(entered.fen), entered.ids)


def _first(loaded: Loaded, whose: Whose, month: date) -> First:
    for one in loaded.precedence.get(whose, ()):
        if one.first <= month and (one.end is None or month < one.end):
            return one.what
    return First.BILL
