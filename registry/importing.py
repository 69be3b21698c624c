"""Bringing an inventory into the database: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec
import psycopg
import structlog
from psycopg import sql
from psycopg.types.json import Jsonb

from registry.bindings import Entered
from registry.catalogue import Catalogue
from registry.changes import Changes
from registry.inventory import Inventory
from registry.plan import Plan, Row, draw
from registry.state import binding_names, load_state
from registry.tables import BINDINGS, PARENTS, TABLES, TAGS
from registry.terminal_decisions import refuse_to_close

_LOCK: Final = 0x4A59_0001
"""Advisory lock of imports; any constant no one else uses will do."""

_PROFILES: Final[LiteralString] = """
    INSERT INTO profile (code, version, sha256, body)
    SELECT r.code, r.version, r.sha256, r.body
    FROM jsonb_to_recordset(%s) AS r (code text, version int, sha256 text, body text)
"""
# Ids follow the profile: a device's first counter is the one of the lowest id.
_POINTS: Final[LiteralString] = """
    INSERT INTO point (device_id, name, label, unit, class)
    SELECT d.id, r.name, r.label, r.unit, r.class
    FROM ROWS FROM (jsonb_to_recordset(%s)
        AS (device text, name text, label text, unit text, class text))
        WITH ORDINALITY AS r (device, name, label, unit, class, nth)
    JOIN device d ON d.code = r.device
    ORDER BY r.nth
"""
_LABELS: Final[LiteralString] = """
    UPDATE point p SET label = r.label
    FROM jsonb_to_recordset(%s) AS r (device text, name text, label text)
    JOIN device d ON d.code = r.device
    WHERE p.device_id = d.id AND p.name = r.name
"""
_CLOSE: Final[LiteralString] = """
    UPDATE {} SET valid = tstzrange(lower(valid), %s) WHERE code = ANY(%s)
"""
_SHRINK: Final[LiteralString] = """
    UPDATE {binding} b SET valid = b.valid * r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, old tstzrange, new tstzrange)
    JOIN {subject} s ON s.code = r.subject JOIN {target} t ON t.code = r.target
    WHERE b.{subject_id} = s.id AND b.{target_id} = t.id AND b.valid = r.old
"""
_GROW: Final[LiteralString] = """
    UPDATE {binding} b SET valid = r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, old tstzrange, new tstzrange)
    JOIN {subject} s ON s.code = r.subject JOIN {target} t ON t.code = r.target
    WHERE b.{subject_id} = s.id AND b.{target_id} = t.id
        AND NOT isempty(b.valid) AND b.valid = r.old * r.new
"""
_BIND: Final[LiteralString] = """
    INSERT INTO {binding} ({subject_id}, {target_id}, valid)
    SELECT s.id, t.id, r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, new tstzrange)
    JOIN {subject} s ON s.code = r.subject JOIN {target} t ON t.code = r.target
"""
_OF_BINDINGS: Final = (_SHRINK, _GROW, _BIND)
_SHRINK_TAG: Final[LiteralString] = """
    UPDATE tag b SET valid = b.valid * r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, old tstzrange, new tstzrange)
    JOIN {subject} s ON s.code = r.subject
    WHERE b.kind = {kind} AND b.subject_id = s.id AND b.tag = r.target
        AND b.entered_at IS NULL AND b.valid = r.old
"""
_GROW_TAG: Final[LiteralString] = """
    UPDATE tag b SET valid = r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, old tstzrange, new tstzrange)
    JOIN {subject} s ON s.code = r.subject
    WHERE b.kind = {kind} AND b.subject_id = s.id AND b.tag = r.target
        AND b.entered_at IS NULL AND NOT isempty(b.valid) AND b.valid = r.old * r.new
"""
_BIND_TAG: Final[LiteralString] = """
    INSERT INTO tag (kind, subject_id, tag, valid)
    SELECT {kind}, s.id, r.target, r.new
    FROM jsonb_to_recordset(%s) AS r (subject text, target text, new tstzrange)
    JOIN {subject} s ON s.code = r.subject
"""
_OF_TAGS: Final = (_SHRINK_TAG, _GROW_TAG, _BIND_TAG)
_RECORD: Final[LiteralString] = """
    INSERT INTO inventory_import (applied_at, applied_by, source, sha256, changes)
    VALUES (%s, %s, %s, %s, %s)
"""

_log = structlog.get_logger()


def diff(
    conn: psycopg.Connection[Any],
    inventory: Inventory,
    catalogue: Catalogue,
    *,
    now: datetime,
    entered: Sequence[Entered] = (),
) -> Changes:
    """Tell what :func:`apply` would change, and change nothing.

    Raises:
        InventoryError: it would be refused.
        RefusedError: likewise, for a terminal that was let in by command.
    """
    _aware(now)
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", [_LOCK])
        plan = draw(inventory, load_state(conn), catalogue, now, entered)
        refuse_to_close(conn, plan.closes["terminal"])
        return plan.changes


def apply(  # noqa: PLR0913 - what is brought in, by whom, and what stands against it
    conn: psycopg.Connection[Any],
    inventory: Inventory,
    catalogue: Catalogue,
    *,
    now: datetime,
    by: str,
    entered: Sequence[Entered] = (),
) -> Changes:
    """Bring the database to what the inventory says, in one transaction.

    Things are compared by code. What vanished from the file is closed at ``now``, what returns is
    opened again, nothing is deleted. The same file again changes nothing.

    Args:
        conn: a connection; inside an open transaction the import becomes part of it.
        inventory: a checked file.
        catalogue: the profiles it was checked with.
        now: the time of the import, with a zone.
        by: who imports, for the record.
        entered: bindings that people entered, and that stand; read while :func:`lock` is held.

    Raises:
        InventoryError: something would change that never may, for example a serial number, or
            what was entered would be lost.
        RefusedError: it would close a terminal that was let in by command.
    """
    _aware(now)
    with conn.transaction():
        lock(conn)
        plan = draw(inventory, load_state(conn), catalogue, now, entered)
        refuse_to_close(conn, plan.closes["terminal"])
        changes = plan.changes
        if changes:
            _write(conn, plan, now)
            conn.execute(
                _RECORD, [now, by, inventory.source, inventory.sha256, _json(changes.as_json())]
            )
    counts = {f"{kind}_{action}": n for (kind, action), n in changes.counts().items()}
    _log.info("inventory_applied", source=inventory.source, by=by, **counts)
    return changes


def lock(conn: psycopg.Connection[Any]) -> None:
    """Keep imports and everyone else who changes bindings out until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _write(conn: psycopg.Connection[Any], plan: Plan, now: datetime) -> None:
    profiles = [
        {"code": p.code, "version": p.version, "sha256": p.sha256, "body": p.body}
        for p in plan.profiles
    ]
    _run(conn, sql.SQL(_PROFILES), profiles)
    for table in TABLES:
        rows = plan.upserts[table.kind]
        _run(conn, sql.SQL(table.upsert), rows)
        if table.kind == "institution" and rows:
            conn.execute(PARENTS, [_json(rows)])
        if plan.closes[table.kind]:
            statement = sql.SQL(_CLOSE).format(sql.Identifier(table.kind))
            conn.execute(statement, [now, plan.closes[table.kind]])
    _run(conn, sql.SQL(_POINTS), plan.points)
    _run(conn, sql.SQL(_LABELS), plan.labels)
    for binding in BINDINGS:
        names = binding_names(binding)
        _bind(conn, plan.spans[binding.kind], [sql.SQL(s).format(**names) for s in _OF_BINDINGS])
    for name, kind in TAGS.items():
        names = {"subject": sql.Identifier(kind), "kind": sql.Literal(kind)}
        _bind(conn, plan.spans[name], [sql.SQL(s).format(**names) for s in _OF_TAGS])


def _bind(
    conn: psycopg.Connection[Any], rows: Sequence[Row], statements: Sequence[sql.Composed]
) -> None:
    shrink, grow, insert = statements
    updates = [row for row in rows if row["old"] is not None]
    # Bindings of one subject may never overlap, not even between two statements: first all of
    # them shrink, then they grow.
    _run(conn, shrink, updates)
    _run(conn, grow, [row for row in updates if row["new"] != "empty"])
    _run(conn, insert, [row for row in rows if row["old"] is None])


def _run(
    conn: psycopg.Connection[Any], statement: sql.SQL | sql.Composed, rows: Sequence[Row]
) -> None:
    """Run a statement over rows given as JSON; every row must find what it refers to."""
    if not rows:
        return
    done = conn.execute(statement, [_json(rows)]).rowcount
    if done != len(rows):
        raise RuntimeError(
            f"{done} of {len(rows)} rows were written by {statement.as_string(conn).strip()}: "
            "the registry's tables were changed by someone else meanwhile; import again"
        )


def _json(value: object) -> Jsonb:
    return Jsonb(value, dumps=msgspec.json.encode)


def _aware(now: datetime) -> None:
    if now.tzinfo is None:
        raise ValueError("now has no time zone: pass an aware datetime, for example in UTC")
