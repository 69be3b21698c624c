"""What has to be computed again: from the dirty log; changed bindings mark it by a trigger."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.track.rules import Rules
from storage import dirty
from storage.due import Queue
from storage.times import SECOND_US

CONSUMER: Final = "fleet"
LOCK: Final = 0x6A69_6579_6F6E_6710
MOST_ENTRIES: Final = 500

_log = structlog.get_logger()

QUEUE: Final = Queue("fleet", "vehicle_id", lock=0x6A69_6601, near_us=3_600 * SECOND_US)

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
    return dirty.follow(conn, CONSUMER, LOCK, _write, MOST_ENTRIES)


def _write(conn: psycopg.Connection, window: dirty.Window) -> int:
    if window.anew:
        written = mark_all(conn, "everything anew")
        _log.info("fleet_computes_everything_anew", due=written)
        return written
    return conn.execute(FOLLOW, {"since": window.since, "upto": window.upto}).rowcount
