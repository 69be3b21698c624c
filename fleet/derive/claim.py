"""Taking due work so that no two workers ever hold the same vehicle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg

from fleet.derive.times import us_of

LOCK_CLASS: Final = 0x6A69_6601
"""First key of a vehicle's advisory lock; the second is its id."""
NEAR_US: Final = 3_600_000_000
"""Changes so near to each other are computed in one go."""

# Neither statement ever waits for another worker: rows that somebody holds stay due.
_PICK = """
WITH picked AS MATERIALIZED (
    SELECT vehicle_id FROM fleet_due
    WHERE NOT EXISTS (
        SELECT FROM fleet_failure AS failed
        WHERE failed.vehicle_id = fleet_due.vehicle_id AND failed.retry_at > %(now)s
    )
    ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
), vehicles AS MATERIALIZED (
    SELECT DISTINCT vehicle_id FROM picked
)
SELECT vehicle_id FROM vehicles WHERE pg_try_advisory_xact_lock(%(lock)s, vehicle_id)
"""
_ROWS = """
SELECT id, vehicle_id, greatest(ts_from, '1900-01-01Z'), least(ts_to, '2900-01-01Z')
FROM fleet_due WHERE vehicle_id = ANY(%s)
ORDER BY vehicle_id, ts_from, id FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM fleet_due WHERE id = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Span:
    """Time in which something changed, both ends included, µs UTC."""

    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A vehicle that is ours until the transaction ends.

    Attributes:
        vehicle_id: the vehicle.
        spans: where it changed: ascending, apart from each other.
        rows: ids of the due rows that say so.
    """

    vehicle_id: int
    spans: tuple[Span, ...]
    rows: tuple[int, ...]


def claim(conn: psycopg.Connection, most: int, now: datetime) -> list[Claim]:
    """Take the vehicles of the oldest due rows that nobody else holds.

    Args:
        conn: in the transaction that will store the results, at READ COMMITTED.
        most: how many due rows to look at.
        now: vehicles that failed are left alone until their time has come.
    """
    values = {"most": most, "now": now, "lock": LOCK_CLASS}
    vehicles = [vehicle for (vehicle,) in conn.execute(_PICK, values).fetchall()]
    rows: dict[int, list[tuple[int, Span]]] = {}
    for row, vehicle, ts_from, ts_to in conn.execute(_ROWS, [vehicles]).fetchall():
        rows.setdefault(vehicle, []).append((row, Span(us_of(ts_from), us_of(ts_to))))
    return [
        Claim(vehicle, merged(span for _, span in found), tuple(row for row, _ in found))
        for vehicle, found in rows.items()
    ]


def done(conn: psycopg.Connection, claims: Iterable[Claim]) -> None:
    """Delete the due rows of what is computed, in the transaction of the results."""
    conn.execute(_DONE, [[row for one in claims for row in one.rows]])


def merged(spans: Iterable[Span], near_us: int = NEAR_US) -> tuple[Span, ...]:
    """Join spans that overlap or lie near each other.

    Args:
        spans: by their begin.
        near_us: a gap that does not part them.
    """
    joined: list[Span] = []
    for span in spans:
        if joined and span.from_us <= joined[-1].to_us + near_us:
            last = joined.pop()
            joined.append(Span(last.from_us, max(last.to_us, span.to_us)))
        else:
            joined.append(span)
    return tuple(joined)
