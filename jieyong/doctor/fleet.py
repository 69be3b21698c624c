"""Checks of trips: whether workers keep up, and which vehicles cannot be computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from fleet.derive.backlog import backlog
from jieyong.doctor.finding import Finding
from jieyong.doctor.queues import AGAIN_AND_AGAIN, Failing, Workers, failures, waiting
from storage import migrate
from storage.connection import connect
from storage.due_sql import MOST_DEATHS
from storage.settings import DatabaseSettings

_WHO: Final = Workers("trips", "fleet", "jieyong fleet work", "trips.workers", "fleet_failure")
_BOUND: Final[LiteralString] = "SELECT FROM terminal_vehicle LIMIT 1"
_FAILURES: Final[LiteralString] = """
SELECT 'vehicle ' || coalesce(vehicle.code, vehicle_id::text), failures, first_at, retry_at, error,
    CASE WHEN deaths >= %s
        THEN 'jieyong fleet recompute' || coalesce(' --vehicle ' || vehicle.code, '') END
FROM fleet_failure LEFT JOIN vehicle ON vehicle.id = vehicle_id
WHERE failures >= %s ORDER BY failures DESC, first_at
"""


def check_fleet(
    url: str, settings: DatabaseSettings, now: Callable[[], datetime]
) -> Iterator[Finding]:
    """Look at what the workers of trips have to do and cannot do; changes nothing.

    Says nothing where no terminal ever sat in a vehicle, and where the database does not answer or
    lacks migrations: that is found elsewhere.

    Args:
        url: libpq URL or conninfo.
        settings: timeouts.
        now: the clock, aware.
    """
    try:
        conn = connect(url, settings, "doctor")
    except psycopg.OperationalError:
        return
    with conn:
        if not migrate.up_to_date(conn) or conn.execute(_BOUND).fetchone() is None:
            return
        at = now()
        yield from waiting(conn, backlog(conn, at), at, _WHO)
        values = [MOST_DEATHS, AGAIN_AND_AGAIN]
        found = [Failing(*row) for row in conn.execute(_FAILURES, values).fetchall()]
        yield from failures(found, _WHO)
