"""Sums of the ledger by institution, in one statement each; held against the accounts in tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from fleet.ledger.load import counts
from fleet.ledger.words import Words

_SUMS: Final[LiteralString] = """
    SELECT i.code, c.kind, s.kind, s.product, s.own_premises, sum(s.quantity)::int8,
        sum(s.fen)::int8, count(*) FILTER (WHERE s.quantity IS NULL)::int,
        count(*) FILTER (WHERE s.fen IS NULL)::int
    FROM fleet_spending_owned s JOIN fuel_consumer c ON c.id = s.owner_id
    JOIN institution i ON i.id = c.institution_id
    WHERE s.at >= %(begin)s AND s.at < %(end)s
        AND (%(only)s::text[] IS NULL OR i.code = ANY(%(only)s))
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
"""
_FUELLED: Final = frozenset({"filling", "refund"})


@dataclass(frozen=True, slots=True)
class Fuel:
    """Fuel of an institution under one code of the statistics.

    Attributes:
        institution: its code.
        code: 1501, 1502, 1601, 1602.
        ml: Σ of what is stated.
        fen: the same.
        unmeasured: lines without litres.
        unpriced: lines without an amount.
    """

    institution: str
    code: int
    ml: int
    fen: int
    unmeasured: int
    unpriced: int


def running_costs(
    conn: psycopg.Connection[Any],
    window: tuple[datetime, datetime],
    words: Words,
    institutions: Sequence[str] | None = None,
) -> dict[str, int]:
    """Return institution → running cost in fen, of what belongs to a vehicle."""
    found: dict[str, int] = defaultdict(int)
    for whose, _, kind, product, own, _, fen, *_ in _sums(conn, window, institutions):
        if counts(kind, product, words) and not own:
            found[whose] += fen or 0
    return dict(found)


def fuels(
    conn: psycopg.Connection[Any],
    window: tuple[datetime, datetime],
    words: Words,
    institutions: Sequence[str] | None = None,
) -> list[Fuel]:
    """Return petrol and diesel by the codes of the statistics; gas and AdBlue have none there."""
    found: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for whose, consumer, kind, product, _, *sums in _sums(conn, window, institutions):
        known = words.products.get(product)
        if kind in _FUELLED and known and known.statistics:
            code = known.statistics * 10 + words.consumers[consumer].statistics
            here = found[whose, code]
            found[whose, code] = [was + (more or 0) for was, more in zip(here, sums, strict=True)]
    return [Fuel(whose, code, *sums) for (whose, code), sums in sorted(found.items())]


def _sums(
    conn: psycopg.Connection[Any],
    window: tuple[datetime, datetime],
    institutions: Sequence[str] | None,
) -> list[tuple[Any, ...]]:
    only = None if institutions is None else list(institutions)
    named = {"begin": window[0], "end": window[1], "only": only}
    return conn.execute(_SUMS, named).fetchall()
