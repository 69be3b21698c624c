"""Ids of what people name by code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg

from registry.refusal import RefusedError


def id_of(conn: psycopg.Connection[Any], table: LiteralString, code: str, kind: str) -> int:
    """Return the id of what has a code.

    Args:
        conn: in any state.
        table: where to look.
        code: what people write.
        kind: what the thing is called, for the refusal.

    Raises:
        RefusedError: there is nothing with this code.
    """
    row = conn.execute(
        f"SELECT id FROM {table} WHERE code = %s",  # noqa: S608 - a table of ours
        [code],
    ).fetchone()
    if row is None:
        raise RefusedError(f"{kind} {code} 不存在，请核对编码")
    return int(row[0])


def inserted(conn: psycopg.Connection[Any], statement: LiteralString, row: Sequence[object]) -> int:
    """Run an INSERT that returns an id, and return it."""
    found = conn.execute(statement, row).fetchone()
    if found is None:
        raise RuntimeError("the database returned no id for a row that it took")
    return int(found[0])
