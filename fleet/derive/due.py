"""What has to be computed again: from the dirty log; changed bindings mark it by a trigger."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.track.rules import Rules
from storage import dirty

CONSUMER: Final = "fleet"
LOCK: Final = 0x6A69_6579_6F6E_6710
MOST_ENTRIES: Final = 500

_log = structlog.get_logger()

_MARK = "INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why) VALUES (%s, %s, %s, %s)"
_MARK_ALL = """
INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
SELECT id, '-infinity', 'infinity', %s FROM vehicle ORDER BY id
"""
_BASIS = """
INSERT INTO fleet_basis (basis) VALUES (%s)
ON CONFLICT (one) DO UPDATE SET basis = excluded.basis
"""
# By day: what comes late must not make all the time since then due. A fix outside of every binding
# is nobody's.
FOLLOW: Final = """
WITH touched AS MATERIALIZED (
    SELECT subject, min(ts_from) AS since, max(ts_to) AS until
    FROM dirty_log, unnest(subjects) AS subject
    WHERE kind = 'position'
      AND xid >= %(since)s::text::xid8 AND xid < %(upto)s::text::xid8
    GROUP BY subject, date_trunc('day', ts_from, 'UTC')
)
INSERT INTO fleet_due (vehicle_id, ts_from, ts_to, why)
SELECT vehicle_id, min(since), max(until), 'positions'
FROM touched JOIN terminal_vehicle ON terminal_id = subject
    AND valid && tstzrange(since, until, '[]')
GROUP BY vehicle_id, date_trunc('day', since, 'UTC')
"""


def mark(
    conn: psycopg.Connection, vehicle_id: int, ts_from: datetime, ts_to: datetime, why: str
) -> None:
    """Say that something changed of a vehicle, in the transaction that changes it.

    Args:
        conn: in that transaction.
        vehicle_id: the vehicle.
        ts_from: begin of the time that is touched, aware.
        ts_to: its end, included.
        why: for people who look into the table.

    Raises:
        ValueError: a time has no zone.
    """
    for at in (ts_from, ts_to):
        if at.tzinfo is None:
            raise ValueError(f"{at} has no zone: pass an aware datetime, for example in UTC")
    conn.execute(_MARK, [vehicle_id, ts_from, ts_to, why])


def mark_always(conn: psycopg.Connection, vehicle_id: int, why: str) -> None:
    """Make everything of a vehicle due."""
    conn.execute(_MARK, [vehicle_id, "-infinity", "infinity", why])


def mark_all(conn: psycopg.Connection, why: str) -> int:
    """Make everything of every vehicle due; return how many there are."""
    return conn.execute(_MARK_ALL, [why]).rowcount


def adopt(conn: psycopg.Connection, rules: Rules, zone: ZoneInfo) -> bool:
    """Make everything due when it was computed by other thresholds, or for days of another zone.

    Workers call it before they compute: what is derived always follows from one set of thresholds.

    Args:
        conn: an autocommit connection.
        rules: by which is computed from now on.
        zone: of days.

    Returns:
        Whether they are others than before.
    """
    basis = f"{rules} {zone.key}"
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        row = conn.execute("SELECT basis FROM fleet_basis").fetchone()
        if row is not None and row[0] == basis:
            return False
        conn.execute(_BASIS, [basis])
        if row is not None:
            _log.info("fleet_thresholds_changed", due=mark_all(conn, "thresholds"))
    return row is not None


def follow(conn: psycopg.Connection) -> int:
    """Turn what the dirty log says into due rows, until nothing is left of it.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    written, more = 0, True
    while more:
        with conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
            if row is None or not row[0]:
                return written
            rows, more = _step(conn)
        written += rows
    return written


def _step(conn: psycopg.Connection) -> tuple[int, bool]:
    window = dirty.window(conn, CONSUMER, MOST_ENTRIES)
    if window.upto == window.since and not window.anew:
        return 0, False
    # A backlog that takes longer than a statement may must still get shorter.
    conn.execute("SET LOCAL statement_timeout = 0")
    if window.anew:
        written = mark_all(conn, "everything anew")
        _log.info("fleet_computes_everything_anew", due=written)
    else:
        values = {"since": window.since, "upto": window.upto}
        written = conn.execute(FOLLOW, values).rowcount
    dirty.settle(conn, CONSUMER, window.upto)
    return written, window.more
