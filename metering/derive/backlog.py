"""What waits for the workers: since when, and what fails again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from metering.derive.due import CONSUMER, QUEUES, DueKind
from storage.backlog import Backlog
from storage.backlog import backlog as of_queues
from storage.due_sql import MOST_DEATHS

_FAILURES: Final[LiteralString] = """
SELECT failed.kind, coalesce(meter.code, device.code || '/' || point.name, failed.subject::text)
        AS name,
    failed.failures, failed.first_at, failed.retry_at, failed.error, failed.deaths >= %s
FROM metering_failure AS failed
LEFT JOIN meter ON failed.kind = 'meter' AND meter.id = failed.subject
LEFT JOIN point ON failed.kind = 'point' AND point.id = failed.subject
LEFT JOIN device ON device.id = point.device_id
WHERE failed.failures >= %s
ORDER BY failed.failures DESC, failed.first_at, name
"""


@dataclass(frozen=True, slots=True)
class Failing:
    """A subject that could not be computed.

    Attributes:
        kind: meter or point.
        name: the meter's code, or the device's and the point's.
        failures: how often, in a row.
        first_at: when first.
        retry_at: when it is tried again.
        error: what happened the last time.
        set_aside: workers died of it; it is not tried again.
    """

    kind: DueKind
    name: str
    failures: int
    first_at: datetime
    retry_at: datetime
    error: str
    set_aside: bool


def backlog(conn: psycopg.Connection, now: datetime) -> Backlog:
    """Return what waits for the workers; see :func:`storage.backlog.backlog`."""
    return of_queues(conn, dict(QUEUES.items()), CONSUMER, "reading", now)


def failing(conn: psycopg.Connection, least: int) -> list[Failing]:
    """Return what failed at least so often in a row, the worst first."""
    return [
        Failing(DueKind(kind), *rest)
        for kind, *rest in conn.execute(_FAILURES, [MOST_DEATHS, least]).fetchall()
    ]
