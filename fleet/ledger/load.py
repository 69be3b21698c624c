"""What accounts rest on, read from the database in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row, dict_row

from fleet.ledger.events import Event
from fleet.ledger.sensitive import sensitive_codes
from fleet.ledger.words import Words

_CONSUMERS: Final[LiteralString] = """
    SELECT c.id, c.code, c.kind, i.code AS institution, i.name AS institution_name,
        c.code = ANY(%(secret)s) AS sensitive, (
        SELECT coalesce(jsonb_object_agg(f.name, f.value), '{}') FROM (
            SELECT DISTINCT ON (name) name, value FROM consumer_fact
            WHERE consumer_id = c.id AND withdrawn_at IS NULL AND since <= %(day)s
            ORDER BY name, since DESC
        ) f
    ) AS facts, coalesce((
        SELECT min(since) <= %(day)s FROM consumer_fact
        WHERE consumer_id = c.id AND withdrawn_at IS NULL
    ), true) AS begun
    FROM fuel_consumer c JOIN institution i ON i.id = c.institution_id
    WHERE c.withdrawn_at IS NULL
        AND (%(codes)s::text[] IS NULL OR c.code = ANY(%(codes)s))
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    ORDER BY i.code, c.code
"""
# From the last reading, and the last full tank with one, before the window on. Cards that these
# consumers ever held are named, so that an index finds their lines.
_EVENTS: Final[LiteralString] = """
    WITH event AS (
        SELECT owner_id, at, id AS number, kind, odometer_hm, product, unit, quantity, fen,
            full_tank, missed, own_premises, timed, import_id, cell, false AS restarts
        FROM fleet_spending_owned WHERE owner_id = ANY(%(ids)s) AND at < %(end)s
            AND (consumer_id = ANY(%(ids)s) OR card = ANY(ARRAY(
                SELECT card FROM fuel_card_fact
                WHERE consumer_id = ANY(%(ids)s) AND withdrawn_at IS NULL
            )))
        UNION ALL
        SELECT o.consumer_id, coalesce(r.at, (o.day + time '12:00') AT TIME ZONE %(zone)s), o.id,
            'order', r.hm, '', NULL, NULL, NULL, false, false, false, r.at IS NOT NULL,
            o.import_id, o.cell, false
        FROM dispatch_order o,
            LATERAL (VALUES (o.out_at, o.odometer_out_hm), (o.back_at, o.odometer_back_hm))
                AS r (at, hm)
        WHERE o.withdrawn_at IS NULL AND o.consumer_id = ANY(%(ids)s) AND r.hm IS NOT NULL
            AND coalesce(r.at, (o.day + time '12:00') AT TIME ZONE %(zone)s) < %(end)s
        UNION ALL
        SELECT c.id, d.read_at, d.id, 'reading', (d.km * 10)::int8, '', NULL, NULL, NULL,
            false, false, false, true, NULL, NULL, d.restarts
        FROM fuel_consumer c JOIN dashboard_reading d USING (vehicle_id)
        WHERE c.id = ANY(%(ids)s) AND d.withdrawn_at IS NULL AND d.read_at < %(end)s
    ), begun AS (
        SELECT owner_id, least(
            max(at), coalesce(max(at) FILTER (WHERE full_tank), max(at))
        ) AS at
        FROM event WHERE at < %(begin)s AND odometer_hm IS NOT NULL GROUP BY owner_id
    )
    SELECT e.owner_id, e.at, number, kind, odometer_hm, product, unit, quantity, fen, full_tank,
        missed, own_premises, timed, coalesce(i.source || ' ' || e.cell, ''),
        restarts
    FROM event e LEFT JOIN begun b USING (owner_id) LEFT JOIN fleet_import i ON i.id = e.import_id
    WHERE e.at >= coalesce(b.at, %(begin)s)
"""
_ORDERS: Final[LiteralString] = """
    SELECT consumer_id, number, day, driver, reason, passenger, approver, out_at, back_at,
        odometer_out_hm, odometer_back_hm
    FROM dispatch_order
    WHERE withdrawn_at IS NULL AND consumer_id = ANY(%s) AND day >= %s AND day < %s
    ORDER BY day, number
"""
_BUDGETS: Final[LiteralString] = """
    SELECT i.code, c.code, b.fen FROM fleet_budget b
    JOIN institution i ON i.id = b.institution_id LEFT JOIN fuel_consumer c ON c.id = b.consumer_id
    WHERE b.withdrawn_at IS NULL AND b.year = %s
"""
_CHANGES: Final[LiteralString] = """
    SELECT c.code, f.name, f.since, f.value,
        lag(f.value) OVER (PARTITION BY c.id, f.name ORDER BY f.since) AS before
    FROM consumer_fact f JOIN fuel_consumer c ON c.id = f.consumer_id
    JOIN institution i ON i.id = c.institution_id
    WHERE f.withdrawn_at IS NULL AND c.withdrawn_at IS NULL AND f.name IN ('plate', 'state')
        AND i.code = %s AND f.since < %s
    ORDER BY c.code, f.name, f.since
"""
_UNBOUND: Final[LiteralString] = """
    SELECT id, card, at, kind, product, quantity, unit, fen, merchant, provider
    FROM fleet_spending_owned
    WHERE owner_id IS NULL AND at >= %s AND at < %s ORDER BY at, id
"""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A vehicle or another consumer, with its facts of a day as they are kept.

    Attributes:
        sensitive: its plate stands on no sheet, and only totals are shown.
        begun: False: the books tell of it from a later day on.
    """

    id: int
    code: str
    kind: str
    institution: str
    institution_name: str
    facts: Mapping[str, str]
    sensitive: bool = False
    begun: bool = True

    @property
    def plate(self) -> str:
        """Its plate, for sheets; its code where it has none or is sensitive."""
        return self.code if self.sensitive else self.facts.get("plate", self.code)

    def whole(self, name: str) -> int | None:
        """Return a fact in whole units: ``tank`` ml, ``battery`` Wh, ``price`` fen."""
        value = self.facts.get(name)
        return None if value is None else int(value)


@dataclass(frozen=True, slots=True)
class Change:
    """A plate or state of a vehicle, from a day on; ``before``: None: it is the first."""

    code: str
    name: str
    since: date
    value: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """A dispatch order; ``None`` and empty: not stated."""

    number: str
    day: date
    driver: str
    reason: str
    passenger: str
    approver: str
    out_at: datetime | None
    back_at: datetime | None
    odometer_out_hm: int | None
    odometer_back_hm: int | None


@dataclass(frozen=True, slots=True)
class Unbound:
    """A line of a card that was nobody's at its time."""

    id: int
    card: str
    at: datetime
    kind: str
    product: str
    quantity: int | None
    unit: str | None
    fen: int | None
    merchant: str
    provider: str


def consumers(
    conn: psycopg.Connection[Any],
    day: date,
    codes: Sequence[str] | None = None,
    institutions: Sequence[str] | None = None,
    since: date | None = None,
) -> list[Consumer]:
    """Return consumers with their facts of a day, by institution and code.

    Args:
        conn: in any state.
        day: whose facts.
        codes: of consumers; None: all.
        institutions: their codes; None: all.
        since: who was sensitive on any day from this one on is; None: on that day alone.
    """
    named = {
        "day": day,
        "codes": None if codes is None else list(codes),
        "only": None if institutions is None else list(institutions),
        "secret": list(sensitive_codes(conn, since or day, day)),
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return [Consumer(**row) for row in cursor.execute(_CONSUMERS, named)]


def changes(conn: psycopg.Connection[Any], institution: str, end: date) -> list[Change]:
    """Return the plates and states of an institution's vehicles until before a day, by day."""
    with conn.cursor(row_factory=class_row(Change)) as cursor:
        return cursor.execute(_CHANGES, [institution, end]).fetchall()


def events(
    conn: psycopg.Connection[Any],
    ids: Sequence[int],
    window: tuple[datetime, datetime],
    zone: ZoneInfo,
    words: Words,
) -> dict[int, list[Event]]:
    """Return the events of consumers in order: of a window, and back to the reading before it.

    Args:
        conn: in any state.
        ids: of consumers.
        window: begin and end.
        zone: the site's: of the events' times; orders may have a day only.
        words: which money counts.
    """
    named = {"ids": list(ids), "begin": window[0], "end": window[1], "zone": zone.key}
    found: dict[int, list[Event]] = defaultdict(list)
    for owner, at, number, kind, odometer, product, unit, quantity, fen, *marks in conn.execute(
        _EVENTS, named
    ):
        full, missed, own, timed, where, restarts = marks
        counted = counts(kind, product, words) and not own
        found[owner].append(
            Event(
                *(at.astimezone(zone), number, kind, odometer, product, unit, quantity, fen),
                *(counted, full, missed, own, timed, where, restarts),
            )
        )
    return {owner: sorted(its, key=lambda one: one.place) for owner, its in found.items()}


def counts(kind: str, product: str, words: Words) -> bool:
    """Tell whether a line's money is running cost.

    Money given back is when it was for something filled; otherwise it left the card as it came.
    """
    money = words.transactions[kind].money if kind in words.transactions else "none"
    return money == "cost" or (money == "back" and product != "")


def orders(
    conn: psycopg.Connection[Any], ids: Sequence[int], days: tuple[date, date]
) -> dict[int, list[Order]]:
    """Return the dispatch orders of consumers, from the first day to before the second."""
    found: dict[int, list[Order]] = defaultdict(list)
    for owner, *rest in conn.execute(_ORDERS, [list(ids), *days]):
        found[owner].append(Order(*rest))
    return dict(found)


def budgets(conn: psycopg.Connection[Any], year: int) -> dict[tuple[str, str | None], int]:
    """Return (institution, vehicle or None) → fen of a year."""
    return {(whose, code): fen for whose, code, fen in conn.execute(_BUDGETS, [year])}


def unbound(conn: psycopg.Connection[Any], window: tuple[datetime, datetime]) -> Iterator[Unbound]:
    """Yield the lines of cards that were nobody's at their time."""
    for row in conn.execute(_UNBOUND, window):
        yield Unbound(*row)
