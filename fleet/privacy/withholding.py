"""A vehicle that has become sensitive loses the places that are stored of it.

The schema notes which vehicles (``withhold_due``): whoever changes a flag, a fact or a binding
cannot forget it. Until this has run, what was stored before is there.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
import structlog

from fleet.derive import due
from registry.audit import Act, record
from storage import withhold
from storage.waiting import not_replaying
from storage.withhold import Span
from storage.withhold_stored import withhold_stored

WHO: Final = "jieyong fleet work"

_DUE: Final[LiteralString] = """
SELECT d.vehicle_id, v.code, array_agg(d.id), string_agg(DISTINCT d.why, ', ' ORDER BY d.why)
FROM withhold_due d JOIN vehicle v ON v.id = d.vehicle_id
GROUP BY d.vehicle_id, v.code ORDER BY min(d.id) LIMIT 1
"""
# A trip that only begins or ends in the time is computed again, and gets its other end back.
_DERIVED: Final[tuple[LiteralString, ...]] = (
    """
    UPDATE trip SET start_lat = NULL, start_lon = NULL, end_lat = NULL, end_lon = NULL
    WHERE vehicle_id = %s AND ended_at >= %s AND started_at < %s
      AND num_nonnulls(start_lat, end_lat) > 0
    """,
    """
    UPDATE vehicle_stop SET lat = NULL, lon = NULL
    WHERE vehicle_id = %s AND ended_at >= %s AND began_at < %s AND lat IS NOT NULL
    """,
)

log = structlog.get_logger()


def withhold_due(conn: psycopg.Connection[Any], zone: ZoneInfo, now: datetime) -> int:
    """Withhold what is due, vehicle by vehicle; return of how many vehicles.

    Any number of programs may call it, and it may be killed at any time: each vehicle is one
    transaction, and doing it again finds nothing. While somebody lets a terminal in it does
    nothing: what that sent while it waited must be brought in before its bytes go.

    Args:
        conn: an autocommit connection.
        zone: the site's.
        now: for the record, aware.

    Raises:
        psycopg.Error: what is due stays due; call again.
    """
    done = 0
    with not_replaying(conn) as free:
        while free and (found := conn.execute(_DUE).fetchone()) is not None:
            withhold.barrier(conn)
            done += _vehicle(conn, zone, Act(WHO, now), *found)
    return done


def _vehicle(  # noqa: PLR0913, PLR0917 - what is due, of whom, and by whom
    conn: psycopg.Connection[Any],
    zone: ZoneInfo,
    act: Act,
    vehicle_id: int,
    code: str,
    ids: list[int],
    why: str,
) -> bool:
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")
        taken = conn.execute("DELETE FROM withhold_due WHERE id = ANY(%s)", [ids]).rowcount
        if not taken:
            return False  # another worker did it meanwhile
        spans = withhold.spans(conn, zone.key, vehicle_id)
        if not spans:
            return False
        held = withhold_stored(conn, spans)
        derived = sum(_derived(conn, span) for span in spans)
        counts = {**asdict(held), "derived": derived}
        if any(counts.values()):
            record(conn, act, "track.withhold", code, {"why": why, **counts})
            log.info("track_withheld", vehicle=code, **counts)
    return True


def _derived(conn: psycopg.Connection[Any], span: Span) -> int:
    """Take the places out of trips and stops: those of positions that are long gone, too."""
    values = [span.vehicle_id, span.begin, span.end]
    rows = sum(conn.execute(statement, values).rowcount for statement in _DERIVED)
    if rows:
        due.QUEUE.mark(conn, span.vehicle_id, span.begin, span.end, "withheld")
    return rows
