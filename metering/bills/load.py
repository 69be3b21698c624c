"""What figures rest on, read from the database in a few statements."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.bills.checks import to_fen, to_micro
from metering.bills.meter_days import Counted, by_account
from metering.bills.model import First
from metering.bills.month import Entered, PurchaseFigures
from metering.bills.share import ONE_DAY, BillFigures
from metering.bills.words import Words
from storage import arrays

_ASSIGNMENTS: Final[LiteralString] = """
    SELECT a.id, a.code, a.energy, i.code,
        greatest(coalesce(lower(o.valid), %(first)s), %(first)s),
        least(coalesce(upper(o.valid), %(end)s), %(end)s)
    FROM utility_account_institution o
    JOIN utility_account a ON a.id = o.account_id
    JOIN institution i ON i.id = o.institution_id
    WHERE o.withdrawn_at IS NULL AND o.valid && daterange(%(first)s, %(end)s)
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY a.code, 5
"""
_BILLS: Final[LiteralString] = """
    SELECT b.account_id, a.energy, b.id, lower(b.period), upper(b.period), b.status, b.quantity,
        b.unit, b.amount
    FROM bill b JOIN utility_account a ON a.id = b.account_id
    WHERE b.withdrawn_at IS NULL AND b.account_id = ANY(%s) AND b.period && daterange(%s, %s)
    ORDER BY b.account_id, lower(b.period), b.id
"""
_PURCHASES: Final[LiteralString] = """
    SELECT i.code, p.energy, p.bought_on, p.id, p.consumer, p.quantity, p.unit, p.amount
    FROM purchase p JOIN institution i ON i.id = p.institution_id
    WHERE p.withdrawn_at IS NULL AND p.bought_on >= %(first)s AND p.bought_on < %(end)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY p.bought_on, p.id
"""
# Who bought any in a calendar year: then a month of it without a purchase is unknown.
_BUYERS: Final[LiteralString] = """
    SELECT i.code, b.energy, b.year
    FROM (
        SELECT DISTINCT institution_id, energy, extract(year FROM bought_on)::int AS year
        FROM purchase
        WHERE withdrawn_at IS NULL AND bought_on >= %(year)s AND bought_on <= %(last)s
    ) AS b JOIN institution i ON i.id = b.institution_id
    WHERE %(only)s::text[] IS NULL OR i.code = ANY(%(only)s)
"""
_PRECEDENCE: Final[LiteralString] = """
    SELECT i.code, f.energy, f.first, lower(f.valid), upper(f.valid)
    FROM figure_precedence f JOIN institution i ON i.id = f.institution_id
    WHERE f.withdrawn_at IS NULL AND f.valid && daterange(%(first)s, %(end)s)
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
"""
_ENTERED: Final[LiteralString] = """
    SELECT i.code, e.energy, e.month, e.id, e.quantity, e.unit, e.amount
    FROM earlier_month e JOIN institution i ON i.id = e.institution_id
    WHERE e.withdrawn_at IS NULL AND e.month >= %(first)s AND e.month < %(end)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
"""

Whose = tuple[str, str]
"""(code of the institution, code of the energy)."""
Factor = Callable[[str, str], Decimal | None]
"""(code of the energy, word for a unit) → see :meth:`Words.factor`."""


@dataclass(frozen=True, slots=True)
class Held:
    """An account, while it is an institution's.

    Attributes:
        account_id: which.
        code: of the account.
        first: first day.
        end: the day after the last.
    """

    account_id: int
    code: str
    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Precedence:
    """What stands first, from ``first`` to ``end`` (None: open)."""

    what: First
    first: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """All there is to know of some institutions and a stretch of days.

    Attributes:
        held: accounts.
        bills: by id of the account.
        counted: the same.
        purchases: with their day.
        buyers: who bought any of an energy in a calendar year that the stretch touches.
        precedence: of bills and meters.
        entered: earlier records, by month.
    """

    held: Mapping[Whose, Sequence[Held]]
    bills: Mapping[int, Sequence[BillFigures]]
    counted: Mapping[int, Counted]
    purchases: Mapping[Whose, Sequence[tuple[date, PurchaseFigures]]]
    buyers: Mapping[Whose, Collection[int]]
    precedence: Mapping[Whose, Sequence[Precedence]]
    entered: Mapping[Whose, Mapping[date, Entered]]

    def buys(self, whose: Whose, year: int) -> bool:
        """Whether an institution bought any of an energy in a year.

        Then a month of that year without a purchase is unknown, whichever months are asked for.
        """
        return year in self.buyers.get(whose, ())


@dataclass(frozen=True, slots=True)
class Scope:
    """Which facts are wanted.

    Attributes:
        first: first day.
        end: the day after the last.
        institutions: codes; None: all.
        zone: of local days.
    """

    first: date
    end: date
    institutions: tuple[str, ...] | None
    zone: str


def load(
    conn: psycopg.Connection[Any], scope: Scope, words: Words, apart: Collection[str] = ()
) -> Loaded:
    """Read what the figures of some months rest on.

    Args:
        conn: in any state; read in one snapshot when it is in a repeatable-read transaction.
        scope: which institutions and days.
        words: units.
        apart: codes of accounts whose meters are wanted one by one too.
    """
    only = None if scope.institutions is None else list(scope.institutions)
    named = {"first": scope.first, "end": scope.end, "only": only}
    held: dict[Whose, list[Held]] = defaultdict(list)
    for account_id, code, energy, institution, first, end in conn.execute(_ASSIGNMENTS, named):
        held[institution, energy].append(Held(account_id, code, first, end))
    ids = sorted({one.account_id for several in held.values() for one in several})
    factor = functools.cache(words.factor)
    bills = _bills(conn, ids, scope, factor)
    each = {one.account_id for several in held.values() for one in several if one.code in apart}
    return Loaded(
        held=held,
        bills=bills,
        counted=by_account(conn, _stretches(scope, ids, bills), ZoneInfo(scope.zone), each),
        purchases=_purchases(conn, named, factor),
        buyers=_buyers(conn, named | _years(scope)),
        precedence=_precedence(conn, named),
        entered=_entered(conn, named, factor),
    )


def _years(scope: Scope) -> dict[str, object]:
    """Return the first and the last day of the years that a scope touches."""
    last = scope.end - ONE_DAY
    return {"year": date(scope.first.year, 1, 1), "last": date(last.year, 12, 31)}


def _bills(
    conn: psycopg.Connection[Any], ids: list[int], scope: Scope, factor: Factor
) -> dict[int, list[BillFigures]]:
    found: dict[int, list[BillFigures]] = defaultdict(list)
    rows = conn.execute(_BILLS, [arrays.ids(ids), scope.first, scope.end])
    for account, energy, bill_id, first, end, status, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, factor)
        fen = None if amount is None else to_fen(amount)
        bill = BillFigures(bill_id, first, end, status == "settled", micro, fen)
        found[account].append(bill)
    return found


def _stretches(
    scope: Scope, ids: list[int], bills: Mapping[int, Sequence[BillFigures]]
) -> dict[int, tuple[date, date]]:
    """Return by account the days that figures ask for: those of its bills outside the scope too."""
    return {
        account: (
            min([scope.first, *(bill.first for bill in bills.get(account, ()))]),
            max([scope.end, *(bill.end for bill in bills.get(account, ()))]),
        )
        for account in ids
    }


def _purchases(
    conn: psycopg.Connection[Any], named: Mapping[str, object], factor: Factor
) -> dict[Whose, list[tuple[date, PurchaseFigures]]]:
    found: dict[Whose, list[tuple[date, PurchaseFigures]]] = defaultdict(list)
    rows = conn.execute(_PURCHASES, named)
    for institution, energy, day, row_id, consumer, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, factor)
        fen = None if amount is None else to_fen(amount)
        found[institution, energy].append((day, PurchaseFigures(row_id, consumer, micro, fen)))
    return found


def _buyers(conn: psycopg.Connection[Any], named: Mapping[str, object]) -> dict[Whose, set[int]]:
    found: dict[Whose, set[int]] = defaultdict(set)
    for institution, energy, year in conn.execute(_BUYERS, named):
        found[institution, energy].add(year)
    return found


def _precedence(
    conn: psycopg.Connection[Any], named: Mapping[str, object]
) -> dict[Whose, list[Precedence]]:
    found: dict[Whose, list[Precedence]] = defaultdict(list)
    for institution, energy, what, first, end in conn.execute(_PRECEDENCE, named):
        found[institution, energy].append(Precedence(First(what), first, end))
    return found


def _entered(
    conn: psycopg.Connection[Any], named: Mapping[str, object], factor: Factor
) -> dict[Whose, dict[date, Entered]]:
    found: dict[Whose, dict[date, Entered]] = defaultdict(dict)
    rows = conn.execute(_ENTERED, named)
    for institution, energy, month, row_id, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, factor)
        fen = None if amount is None else to_fen(amount)
        found[institution, energy][month] = Entered(micro, fen, (row_id,))
    return found


def _micro(quantity: Decimal | None, energy: str, unit: str, factor: Factor) -> int | None:
    if quantity is None:
        return None
    times = factor(energy, unit)
    if times is None:
        raise ValueError(f"{unit} is no longer a unit of {energy}: add it to data/words.yaml again")
    return to_micro(quantity, times)
