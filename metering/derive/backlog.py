"""What waits for the workers: since when, and what fails again and again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from metering.derive.due import CONSUMER, DueKind
from metering.derive.failures import LONGEST_PAUSE

# What failed rests on purpose until its time has come: it says nothing about the workers.
_DUE: Final[LiteralString] = """
SELECT due.kind, count(*),
    min(due.added_at) FILTER (
        WHERE failed.retry_at IS NULL OR failed.retry_at <= %(now)s
           OR failed.retry_at > %(now)s + %(longest)s)
FROM metering_due AS due
LEFT JOIN metering_failure AS failed USING (kind, subject)
GROUP BY due.kind
"""
# Readings become due only when a worker looks: without one they wait here.
_UNREAD: Final[LiteralString] = """
SELECT logged_at FROM dirty_log
WHERE kind = 'reading'
  AND xid >= coalesce((SELECT xid FROM dirty_mark WHERE consumer = %s), '0'::xid8)
ORDER BY dirty_log.xid LIMIT 1
"""
_FAILURES: Final[LiteralString] = """
SELECT failed.kind, coalesce(meter.code, device.code || '/' || point.name, failed.subject::text)
        AS name,
    failed.failures, failed.first_at, failed.retry_at, failed.error
FROM metering_failure AS failed
LEFT JOIN meter ON failed.kind = 'meter' AND meter.id = failed.subject
LEFT JOIN point ON failed.kind = 'point' AND point.id = failed.subject
LEFT JOIN device ON device.id = point.device_id
WHERE failed.failures >= %s
ORDER BY failed.failures DESC, failed.first_at, name
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one moment.

    Attributes:
        rows: due rows by kind; every kind is there.
        failing: subjects that could not be computed the last time.
        oldest_at: since when the oldest waits of what could be done now, readings that no worker
            has looked at included; None: nothing waits.
    """

    rows: dict[DueKind, int]
    failing: int
    oldest_at: datetime | None

    def age_s(self, now: datetime) -> float:
        """Return how long the oldest waits, seconds; 0 when nothing does."""
        if self.oldest_at is None:
            return 0.0
        return max(0.0, (now - self.oldest_at).total_seconds())


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
    """

    kind: DueKind
    name: str
    failures: int
    first_at: datetime
    retry_at: datetime
    error: str


def backlog(conn: psycopg.Connection, now: datetime) -> Backlog:
    """Return what waits for the workers.

    Args:
        conn: of any kind.
        now: the time, aware: what failed counts as waiting from its next try on.
    """
    rows = dict.fromkeys(DueKind, 0)
    since: list[datetime | None] = []
    for kind, count, oldest in conn.execute(
        _DUE, {"now": now, "longest": LONGEST_PAUSE}
    ).fetchall():
        rows[DueKind(kind)] = count
        since.append(oldest)
    since += [logged for (logged,) in conn.execute(_UNREAD, [CONSUMER])]
    ((bad,),) = conn.execute("SELECT count(*) FROM metering_failure").fetchall()
    return Backlog(rows, bad, min((at for at in since if at is not None), default=None))


def failing(conn: psycopg.Connection, least: int) -> list[Failing]:
    """Return what failed at least so often in a row, the worst first."""
    return [
        Failing(DueKind(kind), *rest) for kind, *rest in conn.execute(_FAILURES, [least]).fetchall()
    ]
