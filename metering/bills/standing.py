"""What stands in the database already, as an import compares it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.bills.account import Account, accounts
from metering.bills.model import NewBill, NewPurchase
from metering.bills.words import Words

_OWNERS: Final[LiteralString] = """
    SELECT o.account_id, i.code, lower(o.valid), upper(o.valid)
    FROM utility_account_institution o JOIN institution i ON i.id = o.institution_id
    WHERE o.withdrawn_at IS NULL
"""
_METERS: Final[LiteralString] = """
    SELECT b.account_id, m.code FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
    WHERE b.withdrawn_at IS NULL
"""
_METERS_NAMED: Final[LiteralString] = """
    SELECT m.code, m.energy, m.unit, a.code, upper(b.valid)
    FROM meter m
    LEFT JOIN utility_account_meter b ON b.meter_id = m.id AND b.withdrawn_at IS NULL
    LEFT JOIN utility_account a ON a.id = b.account_id
    WHERE m.code = ANY(%s)
"""
_BILLS: Final[LiteralString] = """
    SELECT b.account_id, b.id, lower(b.period), upper(b.period), b.status, b.quantity, b.unit,
        b.amount, b.issued, b.note,
        ARRAY(SELECT ARRAY[p.part, p.quantity::text] FROM bill_part p
              WHERE p.bill_id = b.id ORDER BY p.part)
    FROM bill b WHERE b.withdrawn_at IS NULL AND b.account_id = ANY(%s)
    ORDER BY b.account_id, lower(b.period)
"""
_PURCHASES: Final[LiteralString] = """
    SELECT i.code, p.energy, p.bought_on, p.quantity, p.unit, p.amount, p.consumer, p.supplier,
        p.document, count(*)
    FROM purchase p JOIN institution i ON i.id = p.institution_id
    WHERE p.withdrawn_at IS NULL AND p.bought_on BETWEEN %s AND %s
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""


@dataclass(frozen=True, slots=True)
class StandingAccount:
    """An account, whose it is, and the meters that count it.

    Attributes:
        account: itself.
        owners: (institution, first day, the day after the last or None).
        meters: codes.
    """

    account: Account
    owners: tuple[tuple[str, date, date | None], ...]
    meters: frozenset[str]

    def owner(self, day: date) -> str | None:
        """Return whose it is on a day."""
        return next((o for o, a, b in self.owners if a <= day and (b is None or day < b)), None)


@dataclass(frozen=True, slots=True)
class StandingMeter:
    """A meter, and which accounts it counts.

    Attributes:
        energy: code of its kind of energy.
        unit: of what it counts.
        accounts: (code of the account, the day after its last day or None).
    """

    energy: str
    unit: str
    accounts: tuple[tuple[str, date | None], ...]

    def other(self, account: str, since: date) -> str | None:
        """Return another account that it counts on some day from ``since`` on."""
        others = (c for c, end in self.accounts if c != account and (end is None or end > since))
        return next(others, None)


@dataclass(frozen=True, slots=True)
class StandingBill:
    """An active bill.

    Attributes:
        id: of the bill.
        first: first day.
        end: the day after its last.
        status: settled or estimated.
        content: see :func:`content_of`.
    """

    id: int
    first: date
    end: date
    status: str
    content: tuple[object, ...]


def standing_accounts(conn: psycopg.Connection[Any]) -> dict[str, StandingAccount]:
    """Return all accounts by code."""
    owners: dict[int, list[tuple[str, date, date | None]]] = defaultdict(list)
    for account_id, institution, first, end in conn.execute(_OWNERS):
        owners[account_id].append((institution, first, end))
    meters: dict[int, set[str]] = defaultdict(set)
    for account_id, meter in conn.execute(_METERS):
        meters[account_id].add(meter)
    return {
        one.code: StandingAccount(one, tuple(owners[one.id]), frozenset(meters[one.id]))
        for one in accounts(conn)
    }


def standing_meters(
    conn: psycopg.Connection[Any], wanted: Sequence[str]
) -> dict[str, StandingMeter]:
    """Return meters by code; unknown codes are absent."""
    found: dict[str, StandingMeter] = {}
    for code, energy, unit, account, end in conn.execute(_METERS_NAMED, [list(wanted)]):
        before = found[code].accounts if code in found else ()
        counted = () if account is None else ((account, end),)
        found[code] = StandingMeter(energy, unit, (*before, *counted))
    return found


def standing_bills(
    conn: psycopg.Connection[Any], known: Mapping[str, Account], words: Words
) -> dict[str, list[StandingBill]]:
    """Return the active bills of some accounts, by code of the account."""
    by_id = {account.id: account for account in known.values()}
    found: dict[str, list[StandingBill]] = defaultdict(list)
    for row in conn.execute(_BILLS, [list(by_id)]):
        account_id, bill_id, first, end, status, quantity, unit, amount, issued, note, parts = row
        account = by_id[account_id]
        factor = words.factor(account.energy, unit)
        content = (
            _base(quantity, factor),
            amount,
            issued,
            note,
            tuple((part, _base(value and Decimal(value), factor)) for part, value in parts),
        )
        found[account.code].append(StandingBill(bill_id, first, end, status, content))
    return found


def content_of(bill: NewBill, energy: str, words: Words) -> tuple[object, ...]:
    """Return what makes two bills of one period the same: 1 MWh is 1,000 kWh."""
    factor = words.factor(energy, bill.unit)
    parts = sorted((str(p.part), _base(p.quantity, factor)) for p in bill.parts)
    return _base(bill.quantity, factor), bill.amount, bill.issued, bill.note, tuple(parts)


def standing_purchases(
    conn: psycopg.Connection[Any], purchases: Iterable[NewPurchase]
) -> Counter[tuple[object, ...]]:
    """Return how often each purchase stands, over the days of those given."""
    days = [purchase.bought_on for purchase in purchases]
    if not days:
        return Counter()
    rows = conn.execute(_PURCHASES, [min(days), max(days)]).fetchall()
    return Counter({tuple(row[:-1]): row[-1] for row in rows})


def key_of(purchase: NewPurchase) -> tuple[object, ...]:
    """Return what makes two purchases the same."""
    return (
        *(purchase.institution, purchase.energy, purchase.bought_on, purchase.quantity),
        *(purchase.unit, purchase.amount, purchase.consumer, purchase.supplier),
        purchase.document,
    )


def codes(
    conn: psycopg.Connection[Any], table: LiteralString, wanted: Sequence[str]
) -> frozenset[str]:
    """Return which of some codes a table has."""
    rows = conn.execute(
        f"SELECT code FROM {table} WHERE code = ANY(%s)",  # noqa: S608 - a table of ours
        [list(wanted)],
    )
    return frozenset(code for (code,) in rows)


def _base(quantity: Decimal | None, factor: Decimal | None) -> Decimal | None:
    return None if quantity is None or factor is None else quantity * factor
