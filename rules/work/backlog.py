"""What waits for the workers of rules, and which subjects fail again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from rules.subjects.catalogue import SUBJECTS
from rules.subjects.places.due import CONSUMER
from storage.backlog import Backlog
from storage.backlog import backlog as of_queues
from storage.due_sql import MOST_DEATHS

_FAILURES: Final[LiteralString] = """
SELECT coalesce(known.code, failed.kind || ' ' || subject), failures, first_at, retry_at, error,
       deaths >= %s
FROM rules_failure AS failed
LEFT JOIN rules_subject AS known ON known.sort = failed.kind AND known.id = failed.subject
WHERE failures >= %s ORDER BY failures DESC, first_at
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """A subject that could not be looked at.

    Attributes:
        subject: its code.
        failures: how often, in a row.
        first_at: when first.
        retry_at: when it is tried again.
        error: what happened the last time.
        set_aside: workers died of it; it is not tried again.
    """

    subject: str
    failures: int
    first_at: datetime
    retry_at: datetime
    error: str
    set_aside: bool


def backlog(conn: psycopg.Connection[Any], now: datetime) -> Backlog:
    """Return what waits for the workers; see :func:`storage.backlog.backlog`."""
    queues = {sort.value: one.queue for sort, one in SUBJECTS.items()}
    return of_queues(conn, queues, CONSUMER, "reading", now)


def failing(conn: psycopg.Connection[Any], least: int) -> list[Failing]:
    """Return what failed at least so often in a row, the worst first."""
    rows = conn.execute(_FAILURES, [MOST_DEATHS, least]).fetchall()
    return [Failing(*row) for row in rows]
