"""The audit log: who did what, when. Append-only; the database refuses anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, and when.

    Attributes:
        principal: who; a person's or program's name, never empty.
        at: when, aware.
    """

    principal: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.principal.strip():
            raise ValueError("an entry needs a name: who enters it?")
        if self.at.tzinfo is None:
            raise ValueError("the time has no zone: pass an aware datetime, for example in UTC")


def record(
    conn: psycopg.Connection[Any],
    act: Act,
    action: str,
    subject: str,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Append a line, in the transaction of what it speaks of.

    Args:
        conn: in that transaction.
        act: who and when.
        action: what was done, for example ``bill.enter``.
        subject: to what, by its code.
        detail: what a later reader needs; JSON.
    """
    conn.execute(
        "INSERT INTO audit_log (at, principal, action, subject, detail)"
        " VALUES (%s, %s, %s, %s, %s)",
        [act.at, act.principal, action, subject, Jsonb(dict(detail or {}))],
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log; see :func:`record`."""

    id: int
    at: datetime
    principal: str
    action: str
    subject: str
    detail: Mapping[str, Any]


def lines(conn: psycopg.Connection[Any], subject: str, most: int = 50) -> list[Line]:
    """Return what was done to a subject, the newest first.

    Args:
        conn: any connection.
        subject: its code.
        most: so many lines at most.
    """
    with conn.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(
            "SELECT id, at, principal, action, subject, detail FROM audit_log"
            " WHERE subject = %s ORDER BY id DESC LIMIT %s",
            [subject, most],
        ).fetchall()
