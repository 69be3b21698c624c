"""Importing files into the ledger: whole or not at all, and back again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg
import structlog
from psycopg import sql
from psycopg.rows import class_row

from fleet.ledger.draft import Draft, Progress, draft
from fleet.ledger.lines import COLUMNS
from fleet.ledger.store import lock, put, refuse_orphans
from fleet.ledger.words import Papers
from registry.audit import Act, record
from registry.refusal import RefusedError

_IMPORT: Final[LiteralString] = """
    INSERT INTO fleet_import (source, sha256, provider, entered_by, entered_at)
    VALUES (%s, %s, %s, %s, %s) RETURNING id
"""
_UNDO: Final[LiteralString] = """
    UPDATE fleet_import SET withdrawn_by = %s, withdrawn_at = %s
    WHERE id = %s AND withdrawn_at IS NULL
"""
_WITHDRAW: Final[LiteralString] = """
    UPDATE {} SET withdrawn_by = %s, withdrawn_at = %s
    WHERE import_id = %s AND withdrawn_at IS NULL
"""
_LIST: Final[LiteralString] = """
    SELECT f.id, f.source, f.provider, f.entered_by, f.entered_at, f.withdrawn_at,
        coalesce((
            SELECT sum(n.value::int) FROM audit_log a, jsonb_each_text(a.detail -> 'lines') n
            WHERE a.action = 'vehicle.import' AND a.subject = f.id::text
        ), 0)::int AS rows
    FROM fleet_import f ORDER BY f.id DESC LIMIT %s
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import did.

    Attributes:
        import_id: for undoing it; None: everything stood already.
        draft: what was brought in.
    """

    import_id: int | None
    draft: Draft


@dataclass(frozen=True, slots=True)
class Import:
    """An import of the past; ``withdrawn_at``: when it was undone, ``rows``: what it brought."""

    id: int
    source: str
    provider: str
    entered_by: str
    entered_at: datetime
    withdrawn_at: datetime | None
    rows: int


def apply(  # noqa: PLR0913, PLR0917 - the file, how it is read, and by whom
    conn: psycopg.Connection[Any],
    act: Act,
    path: Path,
    papers: Papers,
    zone: ZoneInfo,
    progress: Progress = lambda _done, _of: None,
) -> Applied:
    """Bring a file in, all of it or nothing; the same once more changes nothing.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when.
        path: the file; see :func:`fleet.ledger.draft.draft`.
        papers: the words, with the provider's mapping.
        zone: the site's.
        progress: told after every row.

    Raises:
        RefusedError: with every mistake and its cell.
    """
    today = act.at.astimezone(zone).date()
    return bring(conn, act, lambda: draft(conn, path, papers, zone, today, progress))


def bring(conn: psycopg.Connection[Any], act: Act, draw: Callable[[], Draft]) -> Applied:
    """Bring in what is drawn, all of it or nothing.

    Args:
        conn: in any state; becomes part of an open transaction.
        act: who and when.
        draw: holds a file against what stands, on this connection, while nobody else writes.

    Raises:
        RefusedError: by ``draw``.
    """
    with conn.transaction():
        lock(conn)
        drawn = draw()
        import_id = _write(conn, act, drawn) if drawn else None
    _log.info("vehicle_ledger_imported", source=drawn.source, import_id=import_id, by=act.principal)
    return Applied(import_id, drawn)


def undo(conn: psycopg.Connection[Any], act: Act, import_id: int) -> int:
    """Withdraw what an import brought in and still stands; return how many rows.

    Raises:
        RefusedError: there is no such import, it is undone already, or records that came otherwise
            would be left without their vehicle.
    """
    with conn.transaction():
        lock(conn)
        who = [act.principal, act.at, import_id]
        if not conn.execute(_UNDO, who).rowcount:
            raise RefusedError(
                f"导入 {import_id} 不存在或已撤销，请用 jieyong vehicle imports 查看"
            )
        rows = sum(
            conn.execute(sql.SQL(_WITHDRAW).format(sql.Identifier(table)), who).rowcount
            for table in COLUMNS
        )
        refuse_orphans(conn)
        record(conn, act, "vehicle.import.undo", str(import_id), {"rows": rows})
    return rows


def imports(conn: psycopg.Connection[Any], most: int = 50) -> list[Import]:
    """Return the newest imports, the newest first."""
    with conn.cursor(row_factory=class_row(Import)) as cursor:
        return cursor.execute(_LIST, [most]).fetchall()


def _write(conn: psycopg.Connection[Any], act: Act, drawn: Draft) -> int:
    row = [drawn.source, drawn.sha256, drawn.provider, act.principal, act.at]
    found = conn.execute(_IMPORT, row).fetchone()
    if found is None:
        raise RuntimeError("the database returned no id for an import that it took")
    import_id = int(found[0])
    put(conn, act, drawn.lines, import_id)
    detail = {"source": drawn.source, "sha256": drawn.sha256, "provider": drawn.provider}
    record(conn, act, "vehicle.import", str(import_id), {**detail, "lines": drawn.counts()})
    return import_id
