"""What could not be computed: kept, visible, tried again with growing pauses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=6)

_FAILED = """
INSERT INTO fleet_failure AS known (vehicle_id, error, failures, first_at, last_at, retry_at)
VALUES (%(vehicle)s, %(error)s, 1, %(now)s, %(now)s, %(now)s::timestamptz + %(first)s)
ON CONFLICT (vehicle_id) DO UPDATE
SET error = excluded.error, failures = known.failures + 1, last_at = excluded.last_at,
    retry_at = excluded.last_at
        + least(%(longest)s, %(first)s * power(2, least(known.failures, 20)))
"""


def failed(conn: psycopg.Connection, vehicle_id: int, error: str, now: datetime) -> None:
    """Note why a vehicle could not be computed; the pause doubles each time.

    Args:
        conn: not in a failed transaction.
        vehicle_id: the vehicle.
        error: what happened.
        now: the time.
    """
    values = {
        "vehicle": vehicle_id,
        "error": error,
        "now": now,
        "first": FIRST_PAUSE,
        "longest": LONGEST_PAUSE,
    }
    conn.execute(_FAILED, values)


def cured(conn: psycopg.Connection, vehicles: Sequence[int]) -> None:
    """Forget the failures of what has been computed."""
    conn.execute("DELETE FROM fleet_failure WHERE vehicle_id = ANY(%s)", [list(vehicles)])
