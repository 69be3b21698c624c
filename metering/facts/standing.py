"""What people entered about bindings: an import of the inventory must not undo it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import tuple_row

from registry.bindings import Entered

# What an act changed is what it said; a bound that it kept, or took from a neighbour, is not.
_STANDING: Final[LiteralString] = """
    SELECT a.id, a.kind, a.entered_by, a.entered_at, b.binding, s.code, t.code,
        CASE WHEN lower(b.after) IS DISTINCT FROM lower(b.before) THEN lower(b.after) END,
        CASE WHEN NOT isempty(b.before) AND upper(b.after) IS DISTINCT FROM upper(b.before)
            THEN upper(b.after) END
    FROM fact_act a JOIN fact_act_binding b ON b.act_id = a.id
    CROSS JOIN LATERAL (
        SELECT code FROM device WHERE b.binding = 'device_place' AND id = b.subject_id
        UNION ALL SELECT code FROM place WHERE b.binding = 'place_room' AND id = b.subject_id
    ) s
    CROSS JOIN LATERAL (
        SELECT code FROM place WHERE b.binding = 'device_place' AND id = b.target_id
        UNION ALL SELECT code FROM room WHERE b.binding = 'place_room' AND id = b.target_id
    ) t
    WHERE a.withdrawn_at IS NULL AND NOT isempty(b.after)
    ORDER BY a.id, b.step
"""
_NAMES: Final = {"replace": "replacement", "move": "move"}


def standing(conn: psycopg.Connection[Any]) -> list[Entered]:
    """Return what standing replacements and moves say, for an import that holds the lock."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_STANDING).fetchall()
    return [
        Entered(binding, subject, target, since, until, _fact(*act), _undo(act[0]))
        for *act, binding, subject, target, since, until in rows
        if since is not None or until is not None
    ]


def _fact(number: int, kind: str, by: str, at: datetime) -> str:
    when = at.astimezone(UTC).isoformat(timespec="minutes")
    return f"{_NAMES.get(kind, kind)} #{number} (entered by {by}, {when})"


def _undo(number: int) -> str:
    return f"jieyong meter withdraw act {number}"
