"""Whose plate, track and papers are withheld: by the ledger or by the inventory."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, LiteralString

import psycopg

_CODES: Final[LiteralString] = """
    SELECT DISTINCT code FROM sensitivity WHERE since <= %(last)s AND until > %(first)s
"""


def sensitive_codes(conn: psycopg.Connection[Any], first: date, last: date) -> frozenset[str]:
    """Return the vehicles and other consumers that are sensitive on any day of some.

    Args:
        conn: in any state.
        first: the first day.
        last: the last one.
    """
    found = conn.execute(_CODES, {"first": first, "last": last})
    return frozenset(code for (code,) in found)
