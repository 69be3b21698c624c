"""What could not be learned again of many subjects together, as data, until it is learned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from rules.kinds.model import Sort

_FAILED: Final[LiteralString] = """
INSERT INTO rule_not_learned (sort, since, tried_at, error)
VALUES (%(sort)s, %(now)s, %(now)s, %(error)s)
ON CONFLICT (sort) DO UPDATE SET tried_at = excluded.tried_at, error = excluded.error
"""
_LEARNED: Final = "DELETE FROM rule_not_learned WHERE sort = %s"
_NOT_LEARNED: Final = "SELECT sort, since, tried_at, error FROM rule_not_learned ORDER BY sort"


@dataclass(frozen=True, slots=True)
class NotLearned:
    """What could not be learned again of a sort of subjects.

    Attributes:
        sort: of which.
        since: since when.
        tried_at: when it was tried last.
        error: why it failed then.
    """

    sort: str
    since: datetime
    tried_at: datetime
    error: str


def failed(conn: psycopg.Connection[Any], sort: Sort, error: Exception, now: datetime) -> None:
    """Note that it failed to learn again; the time is aware."""
    told = f"{type(error).__name__}: {error}"
    conn.execute(_FAILED, {"sort": sort.value, "now": now, "error": told})


def learned(conn: psycopg.Connection[Any], sort: Sort) -> None:
    """Note that all is learned that was to be."""
    conn.execute(_LEARNED, [sort.value])


def not_learned(conn: psycopg.Connection[Any]) -> list[NotLearned]:
    """Return what could not be learned again, by sort."""
    with conn.cursor(row_factory=class_row(NotLearned)) as cursor:
        return cursor.execute(_NOT_LEARNED).fetchall()
