"""Computing again what nothing changed of: a setting, or the program, judges otherwise now."""

from __future__ import annotations

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


def compute_meter_again(conn: psycopg.Connection[Any], meter_id: int) -> None:
    """Have all of a meter, physical or virtual, computed again by the workers."""
    due.mark(conn, due.DueKind.METER, meter_id, at_us(ALWAYS_US), None, _WHY)


def compute_everything_again(conn: psycopg.Connection[Any]) -> tuple[int, int]:
    """Have all meters, gauges and states computed again by the workers.

    Args:
        conn: in the transaction that says who asked for it.

    Returns:
        How many meters, and how many gauges and states.
    """
    meters = conn.execute(_METERS, [at_us(ALWAYS_US), at_us(NEVER_US), _WHY]).rowcount
    return meters, conn.execute(_POINTS, [_WHY]).rowcount
