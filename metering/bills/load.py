"""What figures rest on, read from the database in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg

from metering.bills.checks import to_fen, to_micro
from metering.bills.model import First
from metering.bills.month import Entered, PurchaseFigures
from metering.bills.share import ONE_DAY, BillFigures, MeterDay, days_between
from metering.bills.words import Words

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
# A meter behind another one of the same account counts once: through its main. One row for each
# account: a city's days one by one would take longer to fetch than to count.
_METER_DAYS: Final[LiteralString] = """
    WITH RECURSIVE bound AS (
        SELECT b.account_id, b.meter_id, b.valid
        FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
        WHERE b.withdrawn_at IS NULL AND b.account_id = ANY(%(accounts)s) AND m.direction = 'in'
            AND b.valid && daterange(%(first)s, %(end)s)
    ), above AS (
        SELECT mm.meter_id, mm.main_id, mm.valid
        FROM meter_main mm WHERE mm.meter_id IN (SELECT meter_id FROM bound)
        UNION
        SELECT a.meter_id, mm.main_id, a.valid * mm.valid
        FROM above a JOIN meter_main mm ON mm.meter_id = a.main_id AND mm.valid && a.valid
    ), day AS (
        SELECT day::date AS day, day AT TIME ZONE %(zone)s AS begins,
            extract(epoch FROM (day + interval '1 day') AT TIME ZONE %(zone)s
                - day AT TIME ZONE %(zone)s) AS seconds
        FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day
    ), daily AS (
        SELECT b.account_id, d.day, coalesce(sum(c.micro), 0)::int8 AS micro,
            coalesce(sum(c.estimated), 0)::int8 AS estimated,
            bool_and(coalesce(c.covered_s >= d.seconds, false)) AS complete,
            bool_or(c.micro IS NOT NULL) AS known, string_agg(b.meter_id::text, ' ') AS meters
        FROM bound b
        JOIN day d ON b.valid @> d.day
        LEFT JOIN consumption_day c ON c.meter_id = b.meter_id AND c.day = d.day
        WHERE NOT EXISTS (
            SELECT FROM above a JOIN bound main ON main.meter_id = a.main_id
            WHERE a.meter_id = b.meter_id AND a.valid @> d.begins
                AND main.account_id = b.account_id AND main.valid @> d.day
        )
        GROUP BY b.account_id, d.day
    )
    SELECT account_id, array_agg(day - %(first)s::date), array_agg(micro), array_agg(estimated),
        array_agg(complete), array_agg(known), array_agg(meters)
    FROM daily GROUP BY account_id
"""
_PURCHASES: Final[LiteralString] = """
    SELECT i.code, p.energy, p.bought_on, p.id, p.consumer, p.quantity, p.unit, p.amount
    FROM purchase p JOIN institution i ON i.id = p.institution_id
    WHERE p.withdrawn_at IS NULL AND p.bought_on >= %(year)s AND p.bought_on <= %(last)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY p.bought_on, p.id
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
class Counted:
    """What an account's meters counted.

    Attributes:
        days: by day; days of which nothing is known are absent.
        meters: by day, which ones.
    """

    days: dict[date, MeterDay]
    meters: dict[date, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Precedence:
    """What stands first, from ``first`` to ``end`` (None: open)."""

    what: First
    first: date
    end: date | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """All there is to know of some institutions and a stretch of days; purchases of whole years."""

    held: Mapping[Whose, Sequence[Held]]
    bills: Mapping[int, Sequence[BillFigures]]
    counted: Mapping[int, Counted]
    purchases: Mapping[Whose, Sequence[tuple[date, PurchaseFigures]]]
    precedence: Mapping[Whose, Sequence[Precedence]]
    entered: Mapping[Whose, Mapping[date, Entered]]

    def buys(self, whose: Whose, year: int) -> bool:
        """Whether an institution bought any of an energy in a year.

        Then a month of that year without a purchase is unknown, whichever months are asked for.
        """
        return any(day.year == year for day, _ in self.purchases.get(whose, ()))


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


def load(conn: psycopg.Connection[Any], scope: Scope, words: Words) -> Loaded:
    """Read what the figures of some months rest on.

    Args:
        conn: in any state; read in one snapshot when it is in a repeatable-read transaction.
        scope: which institutions and days.
        words: units.
    """
    only = None if scope.institutions is None else list(scope.institutions)
    named = {"first": scope.first, "end": scope.end, "only": only}
    held: dict[Whose, list[Held]] = defaultdict(list)
    for account_id, code, energy, institution, first, end in conn.execute(_ASSIGNMENTS, named):
        held[institution, energy].append(Held(account_id, code, first, end))
    ids = sorted({one.account_id for several in held.values() for one in several})
    bills = _bills(conn, ids, scope, words)
    return Loaded(
        held=held,
        bills=bills,
        counted=_counted(conn, ids, _stretch(scope, bills), scope.zone),
        purchases=_purchases(conn, named | _years(scope), words),
        precedence=_precedence(conn, named),
        entered=_entered(conn, named, words),
    )


def _years(scope: Scope) -> dict[str, object]:
    """Return the first and the last day of the years that a scope touches."""
    last = scope.end - ONE_DAY
    return {"year": date(scope.first.year, 1, 1), "last": date(last.year, 12, 31)}


def _bills(
    conn: psycopg.Connection[Any], ids: list[int], scope: Scope, words: Words
) -> dict[int, list[BillFigures]]:
    found: dict[int, list[BillFigures]] = defaultdict(list)
    rows = conn.execute(_BILLS, [ids, scope.first, scope.end])
    for account, energy, bill_id, first, end, status, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, words)
        fen = None if amount is None else to_fen(amount)
        bill = BillFigures(bill_id, first, end, status == "settled", micro, fen)
        found[account].append(bill)
    return found


def _stretch(scope: Scope, bills: Mapping[int, Sequence[BillFigures]]) -> tuple[date, date]:
    """Return the days that bills of the scope speak of, those outside it too."""
    every = [bill for several in bills.values() for bill in several]
    first = min((bill.first for bill in every), default=scope.first)
    end = max((bill.end for bill in every), default=scope.end)
    return min(first, scope.first), max(end, scope.end)


def _counted(
    conn: psycopg.Connection[Any], ids: list[int], stretch: tuple[date, date], zone: str
) -> dict[int, Counted]:
    found: dict[int, Counted] = {}
    first, end = stretch
    last = end - ONE_DAY
    named = {"accounts": ids, "first": first, "end": end, "last": last, "zone": zone}
    days = days_between(first, end)
    with conn.cursor(binary=True) as cursor:
        for account, *columns in cursor.execute(_METER_DAYS, named) if ids else ():
            counted = found[account] = Counted({}, {})
            several: dict[str, tuple[int, ...]] = {}
            for nth, micro, estimated, complete, known, meters in zip(*columns, strict=True):
                day = days[nth]
                if known:
                    counted.days[day] = MeterDay(micro, estimated, complete)
                if meters not in several:
                    several[meters] = tuple(map(int, meters.split()))
                counted.meters[day] = several[meters]
    return found


def _purchases(
    conn: psycopg.Connection[Any], named: Mapping[str, object], words: Words
) -> dict[Whose, list[tuple[date, PurchaseFigures]]]:
    found: dict[Whose, list[tuple[date, PurchaseFigures]]] = defaultdict(list)
    rows = conn.execute(_PURCHASES, named)
    for institution, energy, day, row_id, consumer, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, words)
        fen = None if amount is None else to_fen(amount)
        found[institution, energy].append((day, PurchaseFigures(row_id, consumer, micro, fen)))
    return found


def _precedence(
    conn: psycopg.Connection[Any], named: Mapping[str, object]
) -> dict[Whose, list[Precedence]]:
    found: dict[Whose, list[Precedence]] = defaultdict(list)
    for institution, energy, what, first, end in conn.execute(_PRECEDENCE, named):
        found[institution, energy].append(Precedence(First(what), first, end))
    return found


def _entered(
    conn: psycopg.Connection[Any], named: Mapping[str, object], words: Words
) -> dict[Whose, dict[date, Entered]]:
    found: dict[Whose, dict[date, Entered]] = defaultdict(dict)
    rows = conn.execute(_ENTERED, named)
    for institution, energy, month, row_id, quantity, unit, amount in rows:
        micro = _micro(quantity, energy, unit, words)
        fen = None if amount is None else to_fen(amount)
        found[institution, energy][month] = Entered(micro, fen, (row_id,))
    return found


def _micro(quantity: Decimal | None, energy: str, unit: str, words: Words) -> int | None:
    if quantity is None:
        return None
    factor = words.factor(energy, unit)
    if factor is None:
        raise ValueError(f"{unit} is no longer a unit of {energy}: add it to data/words.yaml again")
    return to_micro(quantity, factor)
