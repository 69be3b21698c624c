"""What waits, what was sent and what was not: for people, and for health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

from storage.backlog import Backlog

_LISTED: Final[LiteralString] = """
SELECT state, channel, route, severity, key, title, notes, at, tries, error FROM (
    SELECT 'unrouted' AS state, NULL AS channel, route, severity, key, title, 1 AS notes,
        put_at AS at, 0 AS tries, NULL AS error, 1 AS rank
    FROM note WHERE routed_at IS NULL
    UNION ALL
    SELECT 'waiting', channel, note_delivery.route, severity, key, title, 1, due_at, 0, NULL, 2
    FROM note_delivery JOIN note ON note.key = note_key WHERE message_id IS NULL
    UNION ALL
    SELECT state, message.channel, message.route, message.severity, message.key, first.title,
        first.notes, coalesce(settled_at, message.due_at), tries, error,
        CASE state WHEN 'aside' THEN 0 WHEN 'due' THEN 2 ELSE 3 END
    FROM note_message AS message CROSS JOIN LATERAL (
        SELECT (array_agg(title ORDER BY happened_at, note.key COLLATE "C"))[1] AS title,
            count(*) AS notes
        FROM note_delivery JOIN note ON note.key = note_key WHERE message_id = message.id
    ) AS first
    WHERE state <> 'sent' OR %(sent)s
) AS listed
ORDER BY rank, CASE WHEN rank = 3 THEN NULL ELSE at END, at DESC, key LIMIT %(most)s
"""
_COUNTS: Final[LiteralString] = """
SELECT
    (SELECT count(*) FROM note WHERE routed_at IS NULL),
    (SELECT count(*) FROM note_delivery WHERE message_id IS NULL),
    (SELECT count(*) FROM note_message WHERE state = 'due'),
    (SELECT count(*) FROM note_message WHERE state <> 'sent' AND error IS NOT NULL),
    (SELECT count(*) FROM note_message WHERE state = 'aside'),
    least(
        (SELECT min(put_at) FROM note WHERE routed_at IS NULL),
        (SELECT min(due_at) FROM note_delivery WHERE message_id IS NULL AND due_at <= %(now)s),
        (SELECT min(due_at) FROM note_message WHERE state = 'due' AND due_at <= %(now)s)
    )
"""
_FAILING: Final[LiteralString] = """
SELECT channel, count(*) FILTER (WHERE state = 'aside') AS aside,
    count(*) FILTER (WHERE state = 'due') AS failing,
    (array_agg(error ORDER BY coalesce(settled_at, due_at) DESC, id DESC))[1] AS error
FROM note_message WHERE state <> 'sent' AND error IS NOT NULL
GROUP BY channel ORDER BY channel
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing in the outbox.

    Attributes:
        state: ``unrouted`` (its route is not there, or no worker has looked yet), ``waiting`` (for
            its time), ``due`` (for another attempt), ``aside`` (tried in vain too often), ``sent``.
        channel: None: not known yet.
        key: of the note, or of the message.
        title: of its first note.
        notes: how many it holds.
        at: when it is due, was put, sent or set aside.
        tries: attempts so far.
        error: of the last one, None: it did not fail.
    """

    state: str
    channel: str | None
    route: str
    severity: str
    key: str
    title: str
    notes: int
    at: datetime
    tries: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel by which messages do not leave.

    Attributes:
        aside: messages that are tried no more; ``failing`` those that are.
        error: of the latest.
    """

    channel: str
    aside: int
    failing: int
    error: str


def listed(conn: psycopg.Connection[Any], most: int, *, sent: bool = False) -> list[Row]:
    """Return what is in the outbox: set aside, without a route, due, sent if asked for."""
    with conn.cursor(row_factory=class_row(Row)) as cursor:
        return cursor.execute(_LISTED, {"most": most, "sent": sent}).fetchall()


def failing(conn: psycopg.Connection[Any]) -> list[Failing]:
    """Return the channels by which messages do not leave."""
    with conn.cursor(row_factory=class_row(Failing)) as cursor:
        return cursor.execute(_FAILING).fetchall()


def backlog(conn: psycopg.Connection, now: datetime) -> Backlog:
    """Return what waits for the workers; what is held on purpose counts from its time on.

    Args:
        conn: of any kind.
        now: the time, aware.
    """
    row = conn.execute(_COUNTS, {"now": now}).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    notes, deliveries, messages, failures, aside, oldest_at = row
    rows = {"note": notes, "delivery": deliveries, "message": messages}
    return Backlog(rows, failures, oldest_at, aside)


def strays(
    conn: psycopg.Connection[Any], routes: list[str], channels: list[str]
) -> Iterator[tuple[str, str, int]]:
    """Yield what waits for a route or channel that is not there: which of both, code, how many."""
    query = """
    WITH waiting AS (
        SELECT CASE WHEN split_part(route, '@', 1) = ANY(%(routes)s)
            THEN split_part(route, '@', 1) ELSE route END AS route, NULL AS channel
        FROM note WHERE routed_at IS NULL
        UNION ALL
        SELECT route, channel FROM note_delivery WHERE message_id IS NULL
        UNION ALL
        SELECT route, channel FROM note_message WHERE state = 'due'
    )
    SELECT 'route', route, count(*) FROM waiting WHERE route <> ALL(%(routes)s) GROUP BY route
    UNION ALL
    SELECT 'channel', channel, count(*) FROM waiting
    WHERE channel IS NOT NULL AND channel <> ALL(%(channels)s) GROUP BY channel
    ORDER BY 1, 2
    """
    yield from conn.execute(query, {"routes": routes, "channels": channels})
