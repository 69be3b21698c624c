"""Drivers' cards of a vehicle as they are kept, for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

# In one second a card goes before the next one comes.
_CARDS: Final[LiteralString] = """
SELECT c.at, c.timed, c.event, c.result, c.name, c.qualification, c.issuer, c.valid_until,
       c.withheld, t.code AS terminal, c.received_at
FROM terminal_vehicle b
JOIN terminal t ON t.id = b.terminal_id
JOIN driver_card c ON c.terminal_id = b.terminal_id AND c.at <@ b.valid
WHERE b.vehicle_id = %s AND c.at >= %s AND c.at < %s
ORDER BY c.at, c.event <> 'out', t.code, c.content_hash
"""


@dataclass(frozen=True, slots=True)
class CardRow:
    """A card that was put in, taken out, or read; None: not told.

    Attributes:
        at: when; where not ``timed``, when the message came.
        event: ``in``, ``out`` or ``read``.
        result: of a card that was put in; 0: it could be read.
        name, qualification, issuer, valid_until: what stands on it.
        withheld: nothing of the person is stored: the vehicle was sensitive.
        terminal: its code.
        received_at: when the message came.
    """

    at: datetime
    timed: bool
    event: str
    result: int | None
    name: str | None
    qualification: str | None
    issuer: str | None
    valid_until: date | None
    withheld: bool
    terminal: str
    received_at: datetime


def cards(
    conn: psycopg.Connection[Any], vehicle_id: int, since: datetime, until: datetime
) -> list[CardRow]:
    """Return what the terminals told while they were bound to a vehicle, by time."""
    with conn.cursor(row_factory=class_row(CardRow)) as cursor:
        return cursor.execute(_CARDS, [vehicle_id, since, until]).fetchall()
