"""What the database holds, read whole and by code, so that an import can be compared with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row, tuple_row

from registry.bindings import Span
from registry.catalogue import PointInfo
from registry.tables import BINDINGS, TABLES, TAGS, BindingTable

_SPANS: Final[LiteralString] = """
    SELECT s.code, t.code, lower(b.valid), upper(b.valid)
    FROM {binding} b
    JOIN {subject} s ON s.id = b.{subject_id} JOIN {target} t ON t.id = b.{target_id}
    WHERE NOT isempty(b.valid)
    ORDER BY s.code, b.valid
"""
_TAGS: Final[LiteralString] = """
    SELECT s.code, b.tag, lower(b.valid), upper(b.valid)
    FROM tag b JOIN {subject} s ON s.id = b.subject_id
    WHERE b.kind = {kind} AND b.entered_at IS NULL AND NOT isempty(b.valid)
    ORDER BY s.code, b.valid
"""
_POINTS: Final[LiteralString] = """
    SELECT d.code, p.name, p.label, p.unit, p.class
    FROM point p JOIN device d ON d.id = p.device_id
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One row: its columns, and whether it is open (not closed by an earlier import)."""

    columns: Mapping[str, Any]
    open: bool


@dataclass(frozen=True, slots=True)
class State:
    """All that the registry's tables hold.

    Attributes:
        things: kind → code → row.
        spans: kind of binding, or of tags → code of the subject → its spans in order, none empty.
        points: code of the device → name → point.
        profiles: (code, version) → sha256.
    """

    things: Mapping[str, Mapping[str, Stored]]
    spans: Mapping[str, Mapping[str, Sequence[Span]]]
    points: Mapping[str, Mapping[str, PointInfo]]
    profiles: Mapping[tuple[str, int], str]


def load_state(conn: psycopg.Connection[Any]) -> State:
    """Read the registry's tables; call it inside a transaction that holds the import's lock."""
    with conn.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("SELECT code, version, sha256 FROM profile")
        profiles = {(code, version): sha for code, version, sha in cursor}
        points: dict[str, dict[str, PointInfo]] = defaultdict(dict)
        for device, *point in cursor.execute(_POINTS):
            points[device][point[0]] = PointInfo(*point)
        spans = {
            table.kind: _spans(cursor, sql.SQL(_SPANS).format(**binding_names(table)))
            for table in BINDINGS
        }
        for name, kind in TAGS.items():
            named = {"subject": sql.Identifier(kind), "kind": sql.Literal(kind)}
            spans[name] = _spans(cursor, sql.SQL(_TAGS).format(**named))
    with conn.cursor(row_factory=dict_row) as rows:
        things = {
            table.kind: {
                row.pop("code"): Stored(row, row.pop("open"))
                for row in rows.execute(table.select).fetchall()
            }
            for table in TABLES
        }
    return State(things, spans, points, profiles)


def binding_names(table: BindingTable) -> dict[str, sql.Composable]:
    """Return the names of a binding table for :meth:`psycopg.sql.SQL.format`."""
    return {
        "binding": sql.Identifier(table.kind),
        "subject": sql.Identifier(table.subject),
        "target": sql.Identifier(table.target),
        "subject_id": sql.Identifier(f"{table.subject}_id"),
        "target_id": sql.Identifier(f"{table.target}_id"),
    }


def _spans(
    cursor: psycopg.Cursor[tuple[Any, ...]], statement: sql.Composed
) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for subject, target, since, until in cursor.execute(statement):
        spans[subject].append(Span(target, since, until))
    return spans
