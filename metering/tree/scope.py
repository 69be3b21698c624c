"""Keeps ``tree_scope``, for whom each meter counts on which days, as its facts have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg
import structlog

from metering.tree import facts
from metering.tree.levels import Placed, Problem, Tree, attribute
from metering.tree.reach import Reach, reach
from metering.tree.timeline import EVER, NEVER

LOCK: Final = 0x6A69_6579_6F6E_6709
_STALE: Final = """
SELECT EXISTS (SELECT FROM tree_change)
    OR NOT EXISTS (SELECT FROM tree_state WHERE zone = %s)
"""
_COPY: Final = """
COPY tree_scope (meter_id, energy, unit, level, holder_id, item, sign, role, divided, parts, whole,
                 since, until) FROM STDIN
"""

_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

_log = structlog.get_logger()


def ensure(conn: psycopg.Connection[Any], zone: ZoneInfo) -> bool:
    """Bring the attribution up to date with everything committed; cheap when it is already.

    Any number of programs may call it: one does the work, the others wait for it.

    Args:
        conn: READ COMMITTED; may be in a transaction.
        zone: in whose days relations and bindings hold.

    Returns:
        Whether something had to be built anew.
    """
    if not _is_stale(conn, zone):
        return False
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        if not _is_stale(conn, zone):
            return False
        # First: whatever is committed behind this leaves a row that stays.
        changes = conn.execute("DELETE FROM tree_change RETURNING subject, ids").fetchall()
        found = reach(conn, changes) if _is_of(conn, zone) else None
        _store(conn, *_made(conn, zone, found), found)
        conn.execute(
            "INSERT INTO tree_state (zone) VALUES (%s)"
            " ON CONFLICT (one) DO UPDATE SET zone = excluded.zone",
            [zone.key],
        )
    return True


def problems(conn: psycopg.Connection[Any]) -> list[Problem]:
    """Return what in the tree makes no sense, as of the last :func:`ensure`."""
    rows = conn.execute(
        "SELECT kind, subject, text, meter_id FROM tree_problem ORDER BY kind, subject, text"
    )
    return [Problem(*row) for row in rows]


def _is_stale(conn: psycopg.Connection[Any], zone: ZoneInfo) -> bool:
    row = conn.execute(_STALE, [zone.key]).fetchone()
    return row is None or bool(row[0])


def _is_of(conn: psycopg.Connection[Any], zone: ZoneInfo) -> bool:
    return conn.execute("SELECT FROM tree_state WHERE zone = %s", [zone.key]).rowcount == 1


def _made(
    conn: psycopg.Connection[Any], zone: ZoneInfo, found: Reach | None
) -> tuple[Mapping[int, facts.Meter], Tree]:
    if found is None:
        known = facts.load(conn, zone)
        return known.meters, attribute(known)
    known = facts.load(conn, zone, found.needed)
    return known.meters, attribute(known, found.changed)


def _store(
    conn: psycopg.Connection[Any],
    meters: Mapping[int, facts.Meter],
    made: Tree,
    found: Reach | None,
) -> None:
    if found is None:
        conn.execute("DELETE FROM tree_scope")
        conn.execute("DELETE FROM tree_problem")
    else:
        changed = [list(found.changed)]
        conn.execute("DELETE FROM tree_scope WHERE meter_id = ANY(%s)", changed)
        conn.execute(
            "DELETE FROM tree_problem WHERE meter_id = ANY(%s) OR meter_id IS NULL", changed
        )
    with conn.cursor() as cursor:
        with cursor.copy(_COPY) as copy:
            copy.write("".join(_lines(meters, made.scopes)))
        cursor.executemany(
            "INSERT INTO tree_problem (kind, subject, text, meter_id) VALUES (%s, %s, %s, %s)",
            [(one.kind, one.subject, one.text, one.meter) for one in made.problems],
        )
    if found is None:
        conn.execute("ANALYZE tree_scope")
    reached = "all" if found is None else len(found.changed)
    _log.info("tree built", meters=reached, scopes=len(made.scopes), problems=len(made.problems))


def _lines(meters: Mapping[int, facts.Meter], scopes: Iterable[Placed]) -> Iterator[str]:
    for level, item, s in scopes:
        node = meters[s.meter].node
        divided = "t" if s.parts < s.whole else "f"
        yield (
            f"{s.meter}\t{_escaped(node.energy)}\t{_escaped(node.unit)}\t{level}\t{s.holder}"
            f"\t{_escaped(item)}\t{s.sign}\t{s.role}\t{divided}\t{s.parts}\t{s.whole}"
            f"\t{'-infinity' if s.begin == EVER else s.begin}"
            f"\t{'infinity' if s.end == NEVER else s.end}\n"
        )


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
