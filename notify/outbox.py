"""The outbox: notes are put in by whoever has something to say, in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from notify.clock import due_at
from notify.model import Delivery, Message, Note, Route, Routes, Severity
from notify.plan import MINUTE, Group
from notify.text import key_of

_BATCH: Final = 500
_CHANNEL_LOCK: Final = 0x6E6F7465
"""First half of the lock of a channel; the second is made of its code."""
_PUT: Final[LiteralString] = """
INSERT INTO note (key, route, severity, subject, title, body, happened_at, put_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (key) DO NOTHING
"""
_UNROUTED: Final[LiteralString] = """
SELECT key, route, severity, subject, title, body, happened_at, put_at FROM note
WHERE routed_at IS NULL AND (route = ANY(%(codes)s) OR split_part(route, '@', 1) = ANY(%(codes)s))
ORDER BY put_at, key LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
_WAITING: Final[LiteralString] = """
SELECT key, note.route, severity, subject, title, body, happened_at, note_delivery.route, due_at
FROM note_delivery JOIN note ON note.key = note_key
WHERE channel = %s AND message_id IS NULL AND note_delivery.route = ANY(%s)
ORDER BY severity <> 'urgent', due_at, note_key LIMIT %s
"""
_UNSENT: Final[LiteralString] = """
SELECT id, key, route, severity, due_at, tries FROM note_message
WHERE channel = %s AND state = 'due' AND route = ANY(%s)
ORDER BY severity <> 'urgent', due_at, id LIMIT %s
"""
_BUSY: Final[LiteralString] = """
SELECT channel FROM note_delivery WHERE message_id IS NULL AND due_at <= %(now)s
UNION
SELECT channel FROM note_message WHERE state = 'due' AND due_at <= %(now)s
"""
_MADE: Final[LiteralString] = """
INSERT INTO note_message (key, channel, route, severity, made_at, due_at)
VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_CONTAINED: Final[LiteralString] = """
SELECT key, note.route, severity, subject, title, body, happened_at
FROM note_delivery JOIN note ON note.key = note_key WHERE message_id = %s
ORDER BY happened_at, key COLLATE "C"
"""
_AGAIN: Final[LiteralString] = """
UPDATE note_message SET state = 'due', settled_at = NULL, tries = 0, due_at = %(now)s
WHERE state = 'aside' AND (%(key)s::text IS NULL OR key = %(key)s)
"""


def put(conn: psycopg.Connection[Any], note: Note, now: datetime) -> bool:
    """Put a note in the outbox; it leaves when the caller's transaction is committed, never before.

    Args:
        conn: the caller's, in the transaction of whatever the note tells of.
        note: a key that is there already changes nothing, whatever else the note says.
        now: aware; grouping and digests count from here.

    Returns:
        Whether it is new.
    """
    values = [note.key, note.route, note.severity, note.subject, note.title, note.body]
    return conn.execute(_PUT, [*values, note.happened_at, now]).rowcount == 1


def distribute(
    conn: psycopg.Connection[Any], routes: Routes, zone: ZoneInfo, now: datetime
) -> None:
    """Make deliveries of new notes: to every channel of their routes.

    Notes of routes that are not there wait until they are.
    """
    with conn.transaction():
        found = conn.execute(_UNROUTED, {"codes": list(routes.routes), "most": _BATCH}).fetchall()
        if not found:
            return
        rows = [
            row for *columns, put_at in found for row in _rows(_note(columns), put_at, routes, zone)
        ]
        query = (
            "INSERT INTO note_delivery (note_key, channel, route, due_at) VALUES (%s, %s, %s, %s)"
        )
        conn.cursor().executemany(query, rows)
        keys = [row[0] for row in found]
        conn.execute("UPDATE note SET routed_at = %s WHERE key = ANY(%s)", [now, keys])


def _rows(
    note: Note, put_at: datetime, routes: Routes, zone: ZoneInfo
) -> Iterator[tuple[str, str, str, datetime]]:
    route = routes.of(note.route)
    if route is not None and note.severity.rank >= route.least.rank:
        at = due_at(route, note.severity, put_at, zone)
        yield from ((note.key, channel, route.code, at) for channel in route.channels)


def busy(conn: psycopg.Connection[Any], now: datetime) -> set[str]:
    """Return the channels by which something is due."""
    return {channel for (channel,) in conn.execute(_BUSY, {"now": now}).fetchall()}


@contextmanager
def alone(conn: psycopg.Connection[Any], channel: str) -> Iterator[bool]:
    """Tell whether nobody else sends by a channel, and keep it so; a dead worker lets go of it.

    One at a time, so that its bound holds and its messages leave in their order.
    """
    lock = [_CHANNEL_LOCK, channel]
    row = conn.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", lock).fetchone()
    free = row is not None and bool(row[0])
    try:
        yield free
    finally:
        if free and not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", lock)


def waiting(
    conn: psycopg.Connection[Any], channel: str, routes: Mapping[str, Route]
) -> list[Delivery]:
    """Return notes that wait to become messages of a channel: urgent ones, then the first due."""
    rows = conn.execute(_WAITING, [channel, list(routes), _BATCH]).fetchall()
    return [Delivery(_note(columns), route, at) for *columns, route, at in rows]


def unsent(
    conn: psycopg.Connection[Any], channel: str, routes: Mapping[str, Route]
) -> list[Message]:
    """Return messages of a channel that are not sent: urgent ones, then the first due."""
    rows = conn.execute(_UNSENT, [channel, list(routes), _BATCH]).fetchall()
    return [Message(id_, key, route, Severity(s), at, n) for id_, key, route, s, at, n in rows]


def tried(conn: psycopg.Connection[Any], channel: str, now: datetime) -> list[datetime]:
    """Return when attempts were made by a channel, of the last minute."""
    query = "SELECT at FROM note_attempt WHERE channel = %s AND at > %s ORDER BY at"
    return [at for (at,) in conn.execute(query, [channel, now - MINUTE]).fetchall()]


def hold(
    conn: psycopg.Connection[Any], channel: str, one: Delivery | Message, at: datetime
) -> None:
    """Put off what fell into quiet hours."""
    if isinstance(one, Message):
        conn.execute("UPDATE note_message SET due_at = %s WHERE id = %s", [at, one.id])
    else:
        query = "UPDATE note_delivery SET due_at = %s WHERE note_key = %s AND channel = %s"
        conn.execute(query, [at, one.note.key, channel])


def make(conn: psycopg.Connection[Any], channel: str, group: Group, now: datetime) -> Message:
    """Make a message of notes that waited; from then on they leave as it, or not at all."""
    key = key_of(group.notes)
    keys = [note.key for note in group.notes]
    with conn.transaction():
        values = [key, channel, group.route, group.severity, now, now]
        row = conn.execute(_MADE, values).fetchone()
        assert row is not None  # noqa: S101 - RETURNING of one row
        conn.execute(
            "UPDATE note_delivery SET message_id = %s WHERE channel = %s AND note_key = ANY(%s)",
            [row[0], channel, keys],
        )
    return Message(row[0], key, group.route, group.severity, now, 0)


def contained(conn: psycopg.Connection[Any], message: Message) -> list[Note]:
    """Return the notes of a message, in the order of telling."""
    return [_note(columns) for columns in conn.execute(_CONTAINED, [message.id]).fetchall()]


def begin_try(conn: psycopg.Connection[Any], channel: str, message: Message, now: datetime) -> None:
    """Note an attempt, before it is made."""
    with conn.transaction():
        conn.execute("INSERT INTO note_attempt VALUES (%s, %s, %s)", [message.id, channel, now])
        conn.execute("UPDATE note_message SET tries = tries + 1 WHERE id = %s", [message.id])


def sent(conn: psycopg.Connection[Any], message: Message, now: datetime) -> None:
    """Note that the receiver has a message."""
    query = "UPDATE note_message SET state = 'sent', settled_at = %s, error = NULL WHERE id = %s"
    conn.execute(query, [now, message.id])


def failed(conn: psycopg.Connection[Any], message: Message, why: str, again: datetime) -> None:
    """Note that an attempt failed, and when the next one is made."""
    query = "UPDATE note_message SET error = %s, due_at = %s WHERE id = %s"
    conn.execute(query, [why, again, message.id])


def set_aside(conn: psycopg.Connection[Any], message: Message, why: str, now: datetime) -> None:
    """Try a message no more until somebody asks for it."""
    query = """
    UPDATE note_message SET state = 'aside', settled_at = %s, error = coalesce(%s, error)
    WHERE id = %s
    """
    conn.execute(query, [now, why, message.id])


def try_again(conn: psycopg.Connection[Any], key: str | None, now: datetime) -> int:
    """Make messages due again that were set aside; None: all of them. Return how many."""
    return conn.execute(_AGAIN, {"key": key, "now": now}).rowcount


def forget_attempts(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Remove what no bound looks at any more."""
    conn.execute("DELETE FROM note_attempt WHERE at < %s", [now - timedelta(hours=1)])


def _note(columns: Sequence[Any]) -> Note:
    key, route, severity, subject, title, body, happened_at = columns
    return Note(key, route, Severity(severity), subject, title, body, happened_at)
