"""Computing again what nothing changed of: a setting, or the program, judges otherwise now."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from metering.derive import due
from storage.times import ALWAYS_US, NEVER_US, at_us

_WHY: Final = "asked to compute again"
# Virtual meters follow those that they are made of.
_METERS: Final[LiteralString] = """
INSERT INTO metering_due (kind, subject, ts_from, ts_to, why)
SELECT 'meter', id, %s, %s, %s FROM meter WHERE formula IS NULL ORDER BY id
"""
# Points are computed week by week: of the time of their readings, not of all time.
_POINTS: Final[LiteralString] = """
INSERT INTO metering_due (kind, subject, ts_from, ts_to, why)
SELECT 'point', point.id, oldest.ts, newest.ts, %s
FROM point
CROSS JOIN LATERAL (
    SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts LIMIT 1
) AS oldest
CROSS JOIN LATERAL (
    SELECT ts FROM reading WHERE point_id = point.id ORDER BY ts DESC LIMIT 1
) AS newest
WHERE point.class IN ('gauge', 'state') ORDER BY point.id
"""


def compute_meter_again(conn: psycopg.Connection[Any], meter_id: int, now: datetime) -> None:
    """Have all of a meter, physical or virtual, computed again by the workers.

    Args:
        conn: in the transaction that says who asked for it.
        meter_id: the meter; also one that was set aside is tried once more.
        now: the time, aware.
    """
    due.mark(conn, due.DueKind.METER, meter_id, at_us(ALWAYS_US), None, _WHY)
    due.QUEUES[due.DueKind.METER].pardon(conn, meter_id, now)


def compute_everything_again(conn: psycopg.Connection[Any], now: datetime) -> tuple[int, int]:
    """Have all meters, gauges and states computed again by the workers.

    Args:
        conn: in the transaction that says who asked for it.
        now: the time, aware.

    Returns:
        How many meters, and how many gauges and states.
    """
    for queue in due.QUEUES.values():
        queue.pardon(conn, None, now)
    meters = conn.execute(_METERS, [at_us(ALWAYS_US), at_us(NEVER_US), _WHY]).rowcount
    return meters, conn.execute(_POINTS, [_WHY]).rowcount
