"""What waits in queues, and since when: whether workers run, and keep up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

import psycopg

from storage.due import Queue

# What was written becomes due only when a worker looks: without one it waits in the log.
_UNREAD: Final[LiteralString] = """
SELECT logged_at FROM dirty_log
WHERE kind = %s
  AND xid >= coalesce((SELECT xid FROM dirty_mark WHERE consumer = %s), '0'::xid8)
ORDER BY dirty_log.xid LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits at one moment.

    Attributes:
        rows: due rows by what they are of; every queue is there.
        failing: subjects that could not be computed the last time.
        oldest_at: since when the oldest waits of what could be done now, rows that no worker has
            looked at included; None: nothing waits.
        set_aside: those of the failing that are not tried any more, for workers died of them.
    """

    rows: Mapping[str, int]
    failing: int
    oldest_at: datetime | None
    set_aside: int = 0

    def age_s(self, now: datetime) -> float:
        """Return how long the oldest waits, seconds; 0 when nothing does."""
        if self.oldest_at is None:
            return 0.0
        return max(0.0, (now - self.oldest_at).total_seconds())


def backlog(
    conn: psycopg.Connection, queues: Mapping[str, Queue], consumer: str, kind: str, now: datetime
) -> Backlog:
    """Return what waits for the workers of some queues.

    Args:
        conn: of any kind.
        queues: by what their rows are of.
        consumer: who follows the dirty log for them.
        kind: of the entries that it follows.
        now: the time, aware: what failed rests on purpose, and counts from its next try on.
    """
    waiting = {word: queue.waiting(conn, now) for word, queue in queues.items()}
    since = [one.oldest_at for one in waiting.values()]
    since += [logged for (logged,) in conn.execute(_UNREAD, [kind, consumer])]
    return Backlog(
        {word: one.rows for word, one in waiting.items()},
        sum(one.failing for one in waiting.values()),
        min((at for at in since if at is not None), default=None),
        sum(one.set_aside for one in waiting.values()),
    )
