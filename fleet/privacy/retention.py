"""Removing tracks of an age: never before everything of those days is computed.

A vehicle that cannot be computed keeps its own positions, and holds up nobody else's. Mileage,
trips and stops stay; only their places may go too. A removal is noted before it begins, so that one
that was killed is brought to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
import structlog

from fleet.derive import due
from registry.audit import Act, record
from storage.engine import probe

WHO: Final = "jieyong fleet work"
LOCK: Final = 0x6A69_6579_6F6E_6712
MOST_ROWS: Final = 20_000
"""Deleted in one transaction, where there are no chunks to drop."""

_STATE: Final[LiteralString] = "SELECT removed_to, finished, held FROM track_retention"
_NOTE: Final[LiteralString] = """
INSERT INTO track_retention (removed_to, finished, held) VALUES (%s, false, %s)
ON CONFLICT (one) DO UPDATE SET removed_to = excluded.removed_to, finished = false,
    held = excluded.held
"""
_FAILING: Final[LiteralString] = "SELECT vehicle_id FROM fleet_failure ORDER BY vehicle_id"
# A change is looked at from `cover` before it, so it must lie behind the stop's certainty by more.
# A vehicle of which nothing is so old needs no floor.
_FLOORS: Final[LiteralString] = """
INSERT INTO track_floor (vehicle_id, from_at, changes)
SELECT v.id, coalesce(firm.seen_from, known.from_at),
       coalesce(firm.firm_after + %(cover)s + interval '1 microsecond', known.from_at)
FROM vehicle v
LEFT JOIN LATERAL (
    SELECT seen_from, firm_after FROM vehicle_stop
    WHERE vehicle_id = v.id AND seen_from >= %(before)s::timestamptz + %(cover)s
      AND firm_after IS NOT NULL
    ORDER BY seen_from LIMIT 1
) firm ON true
CROSS JOIN LATERAL (
    SELECT greatest(%(before)s, max(last_at) + interval '1 microsecond') AS from_at
    FROM vehicle_share WHERE vehicle_id = v.id
      AND day >= (SELECT max(day) FROM vehicle_share WHERE vehicle_id = v.id) - 1
) known
WHERE v.id <> ALL (%(held)s::int[]) AND EXISTS (
    SELECT FROM vehicle_share WHERE vehicle_id = v.id AND first_at < %(before)s
      AND day <= (%(before)s AT TIME ZONE 'UTC')::date + 1
)
ON CONFLICT (vehicle_id) DO UPDATE SET from_at = excluded.from_at, changes = excluded.changes
WHERE track_floor.from_at < excluded.from_at
"""
_UNSETTLED: Final[dict[str, LiteralString]] = {
    "trips are still to be computed": """
        SELECT EXISTS (
            SELECT FROM fleet_due d LEFT JOIN track_floor f ON f.vehicle_id = d.vehicle_id
            WHERE d.ts_from < coalesce(f.changes, %(before)s)
              AND d.vehicle_id <> ALL (%(held)s::int[])
        )
    """,
    "positions have come of which nobody has taken note": """
        SELECT EXISTS (
            SELECT FROM dirty_log CROSS JOIN unnest(subjects) AS subject
            JOIN terminal_vehicle b ON b.terminal_id = subject
                AND b.valid && tstzrange(ts_from, ts_to, '[]')
            LEFT JOIN track_floor f ON f.vehicle_id = b.vehicle_id
            WHERE kind = 'position' AND ts_from < coalesce(f.changes, %(before)s)
              AND b.vehicle_id <> ALL (%(held)s::int[])
              AND xid >= coalesce((SELECT xid FROM dirty_mark WHERE consumer = %(consumer)s), '0')
        )
    """,
    "places of sensitive vehicles are still to be withheld": """
        SELECT EXISTS (SELECT FROM withhold_due)
    """,
}
_DELETE: Final[LiteralString] = """
DELETE FROM position WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM position p WHERE terminal_id = %(terminal)s AND fix_time < %(before)s
      AND NOT EXISTS (
          SELECT FROM terminal_vehicle b WHERE b.vehicle_id = ANY (%(held)s::int[])
            AND b.terminal_id = p.terminal_id AND b.valid @> p.fix_time
      )
    LIMIT %(most)s
))
"""
_KEEP: Final[LiteralString] = """
INSERT INTO kept_position
SELECT p.* FROM position p JOIN terminal_vehicle b
    ON b.terminal_id = p.terminal_id AND b.valid @> p.fix_time
WHERE b.vehicle_id = ANY (%(held)s::int[]) AND p.fix_time < %(before)s
"""
_BRING_BACK: Final[LiteralString] = """
INSERT INTO position SELECT * FROM kept_position ON CONFLICT DO NOTHING
"""
_REFUSED: Final[LiteralString] = """
DELETE FROM quarantine WHERE received_at < %s
  AND (source IN ('mqtt', 'jt808') OR source = 'drain' AND origin IN ('position', 'driver_card'))
"""
_CARDS: Final[LiteralString] = "DELETE FROM driver_card WHERE at < %s"
_CLOCKS: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM terminal_clock WHERE hour < %s",
    "DELETE FROM terminal_clock_change WHERE hour < %s",
)
_PLACES: Final[tuple[LiteralString, ...]] = (
    """
    UPDATE trip SET start_lat = NULL, start_lon = NULL, end_lat = NULL, end_lon = NULL
    WHERE ended_at < %s AND num_nonnulls(start_lat, end_lat) > 0
    """,
    "UPDATE vehicle_stop SET lat = NULL, lon = NULL WHERE ended_at < %s AND lat IS NOT NULL",
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long tracks are kept.

    Attributes:
        days: positions are kept so long, and then until the UTC day is over.
        places: places of stops and trips of that age are removed too.
        cover: how far from a change its trips may differ.
    """

    days: int
    places: bool
    cover: timedelta

    def before(self, now: datetime) -> datetime:
        """Return the time before which nothing is kept: a midnight in UTC, where chunks begin."""
        at = (now - timedelta(days=self.days)).astimezone(UTC)
        return datetime(at.year, at.month, at.day, tzinfo=UTC)


def remove_old(conn: psycopg.Connection[Any], keeping: Keeping, now: datetime) -> str | None:
    """Remove what is older than it is kept, once a day.

    Any number of programs may call it, and it may be killed at any time.

    Args:
        conn: an autocommit connection.
        keeping: how long.
        now: the time.

    Returns:
        Why it has to wait; None: nothing is left to be removed, or another program is at it.

    Raises:
        psycopg.Error: call again; nothing is half done that another call does not finish.
    """
    before = keeping.before(now)
    state = conn.execute(_STATE).fetchone()
    if state is not None and state[0] >= before and state[1]:
        return None
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if row is None or not row[0]:
        return None
    try:
        return _remove(conn, keeping, before, Act(WHO, now))
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _remove(
    conn: psycopg.Connection[Any], keeping: Keeping, before: datetime, act: Act
) -> str | None:
    state = conn.execute(_STATE).fetchone()
    if state is None or state[0] < before:
        held = _failing(conn)
        why = _settle(conn, keeping, before, held)
        if why is not None:
            return why
    else:
        before, _, held = state  # one that was killed
    rows = _positions(conn, before, held)
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")
        refused = conn.execute(_REFUSED, [before]).rowcount
        cards = conn.execute(_CARDS, [before]).rowcount
        conn.execute("DELETE FROM latest_position WHERE fix_time < %s", [before])
        for one in _CLOCKS:
            conn.execute(one, [before])
        places = sum(conn.execute(one, [before]).rowcount for one in _PLACES if keeping.places)
        conn.execute("UPDATE track_retention SET finished = true")
        gone = {"cards": cards, "refusals": refused, "places": places}
        left = {"held": held} if held else {}
        detail = {"before": before.isoformat(), **rows, **gone, **left}
        record(conn, act, "track.remove", "positions", detail)
    log.info("tracks_removed", **detail)
    return None


def _failing(conn: psycopg.Connection[Any]) -> list[int]:
    """Return the vehicles that could not be computed when that was last tried, by their ids."""
    return [vehicle for (vehicle,) in conn.execute(_FAILING)]


def _settle(
    conn: psycopg.Connection[Any], keeping: Keeping, before: datetime, held: list[int]
) -> str | None:
    """Note that what is older may be removed, and from where on trips are computed then."""
    values = {"before": before, "cover": keeping.cover, "held": held, "consumer": due.CONSUMER}
    why: str | None = None
    with conn.transaction():
        # One picture: a worker must not bring a stop elsewhere between two looks.
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute(_FLOORS, values)
        why = _unsettled(conn, values)
        if why is not None:
            raise psycopg.Rollback
        conn.execute(_NOTE, [before, held])
    return why


def _unsettled(conn: psycopg.Connection[Any], values: dict[str, object]) -> str | None:
    for why, query in _UNSETTLED.items():
        row = conn.execute(query, values).fetchone()
        if row is not None and row[0]:
            return why
    return None


def _positions(conn: psycopg.Connection[Any], before: datetime, held: list[int]) -> dict[str, int]:
    if not _in_chunks(conn):
        return {"positions": sum(_deleted(conn, before, held))}
    query = "SELECT count(*) FROM drop_chunks('position', older_than => %s::timestamptz)"
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")
        if held:  # a chunk holds everybody's
            conn.execute("CREATE TEMPORARY TABLE kept_position (LIKE position) ON COMMIT DROP")
            conn.execute(_KEEP, {"before": before, "held": held})
        row = conn.execute(query, [before]).fetchone()
        if held:
            conn.execute(_BRING_BACK)
    return {"chunks": 0 if row is None else row[0]}


def _in_chunks(conn: psycopg.Connection[Any]) -> bool:
    if not probe(conn).is_timescale:
        return False
    query = """
        SELECT EXISTS (SELECT FROM timescaledb_information.hypertables
        WHERE hypertable_schema = current_schema AND hypertable_name = 'position')
    """
    row = conn.execute(query).fetchone()
    return row is not None and bool(row[0])


def _deleted(conn: psycopg.Connection[Any], before: datetime, held: list[int]) -> Iterator[int]:
    for (terminal,) in conn.execute("SELECT id FROM terminal ORDER BY id").fetchall():
        named = {"terminal": terminal, "before": before, "held": held, "most": MOST_ROWS}
        rows = MOST_ROWS
        while rows == MOST_ROWS:
            rows = conn.execute(_DELETE, named).rowcount
            yield rows
