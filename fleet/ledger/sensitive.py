"""Which vehicles' plates may not be published: by the ledger or by the inventory, then or since."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, LiteralString

import psycopg

_CODES: Final[LiteralString] = """
    SELECT c.code FROM fuel_consumer c LEFT JOIN vehicle v ON v.id = c.vehicle_id
    WHERE c.withdrawn_at IS NULL AND (coalesce(v.sensitive, false) OR EXISTS (
        SELECT FROM (
            SELECT value, since, lead(since) OVER (ORDER BY since) AS until FROM consumer_fact
            WHERE consumer_id = c.id AND name = 'secrecy' AND withdrawn_at IS NULL
        ) AS said
        WHERE value = 'sensitive' AND since <= %(today)s AND (until IS NULL OR until > %(first)s)
    ))
"""


def sensitive_codes(conn: psycopg.Connection[Any], first: date, today: date) -> frozenset[str]:
    """Return the vehicles that were sensitive on any day between two, or are in the inventory.

    Args:
        conn: in any state.
        first: the first day.
        today: the last.
    """
    found = conn.execute(_CODES, {"first": first, "today": today})
    return frozenset(code for (code,) in found)
