"""What is known of a register around a time: polled, or read by a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from metering.facts.meters import Mounted

_DIGITS: Final = Decimal("0.000001")
_BEFORE: Final[LiteralString] = """
    (SELECT r.ts, r.value::numeric, false
     FROM point p JOIN reading r ON r.point_id = p.id
     WHERE p.device_id = %(device)s AND p.name = %(register)s
       AND r.value IS NOT NULL AND r.ts >= %(first)s AND r.ts <= %(at)s
     ORDER BY r.ts DESC LIMIT 1)
    UNION ALL
    (SELECT e.ts, e.value, true FROM counter_entry e
     WHERE e.device_id = %(device)s AND e.register = %(register)s AND e.withdrawn_at IS NULL
       AND e.ts >= %(first)s AND e.ts <= %(at)s
     ORDER BY e.ts DESC LIMIT 1)
"""
_AFTER: Final[LiteralString] = """
    (SELECT r.ts, r.value::numeric, false
     FROM point p JOIN reading r ON r.point_id = p.id
     WHERE p.device_id = %(device)s AND p.name = %(register)s
       AND r.value IS NOT NULL AND r.ts > %(at)s AND r.ts < %(end)s
     ORDER BY r.ts LIMIT 1)
    UNION ALL
    (SELECT e.ts, e.value, true FROM counter_entry e
     WHERE e.device_id = %(device)s AND e.register = %(register)s AND e.withdrawn_at IS NULL
       AND e.ts > %(at)s AND e.ts <= %(end)s
     ORDER BY e.ts LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Known:
    """One reading that is known.

    Attributes:
        at: when.
        value: of the register, in the unit of its point.
        entered: a person read it.
    """

    at: datetime
    value: Decimal
    entered: bool


def before(conn: psycopg.Connection[Any], held: Mounted, at: datetime) -> Known | None:
    """Return the last reading of a device's time at a place, up to a time; that time included."""
    found = _known(conn, _BEFORE, held, at)
    return max(found, key=lambda k: (k.at, k.entered), default=None)


def after(conn: psycopg.Connection[Any], held: Mounted, at: datetime) -> Known | None:
    """Return the first reading of a device's time at a place, behind a time."""
    found = _known(conn, _AFTER, held, at)
    return min(found, key=lambda k: (k.at, not k.entered), default=None)


def _known(
    conn: psycopg.Connection[Any], query: LiteralString, held: Mounted, at: datetime
) -> Iterable[Known]:
    values = {
        "device": held.device_id,
        "register": held.register,
        "at": at,
        "first": held.span.first,
        "end": held.span.end,
    }
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(query, values).fetchall()
    return [Known(ts, value.quantize(_DIGITS).normalize(), entered) for ts, value, entered in rows]


def first_since(conn: psycopg.Connection[Any], held: Mounted, at: datetime) -> Known | None:
    """Return the first reading of a device's time at a place, from a time on."""
    return after(conn, held, max(at, held.span.first) - timedelta(microseconds=1))
