"""What terminals sent before they were known: it lies in quarantine until somebody lets them in.

And the cards of drivers that came before the gateway could read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg
from psycopg.rows import class_row

REPLAY_LOCK: Final = 0x6A69_6579_6F6E_6713
"""Held while a terminal is let in and replayed: its bytes must not be withheld before that."""
INTRODUCTION: Final = "it registers as"
"""Stands in the reason where the bytes are what a terminal says of itself."""
CARD: Final = "driver card:"
"""Begins the reason, behind the fault, where the bytes are a driver's card."""
_WAITING: Final[LiteralString] = """
SELECT source, origin, count(*) AS messages,
       count(*) FILTER (WHERE replayed_at IS NULL) AS not_replayed,
       min(received_at) AS first_at, max(received_at) AS last_at,
       (array_agg(payload ORDER BY received_at DESC) FILTER (
           WHERE source = 'jt808' AND strpos(reason, %(introduction)s) > 0
       ))[1] AS introduction
FROM quarantine
WHERE (reason LIKE 'unknown_terminal:%%' OR reason LIKE 'unauthenticated:%%'
       OR reason LIKE 'unsupported: driver card %%' OR reason LIKE 'malformed: driver card: %%')
  AND payload <> ''
GROUP BY source, origin
HAVING %(all)s OR bool_or(reason LIKE 'unknown_terminal:%%')
ORDER BY max(received_at) DESC, source, origin
"""
_KEPT: Final[LiteralString] = """
SELECT digest, reason, payload, received_at FROM quarantine
WHERE source = %s AND origin = %s AND payload <> '' AND replayed_at IS NULL
  AND (reason LIKE 'unknown_terminal:%%' OR reason LIKE 'unauthenticated:%%'
       OR reason LIKE 'unsupported: driver card %%' OR reason LIKE 'malformed: driver card: %%')
ORDER BY received_at, digest LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is kept of one origin.

    Attributes:
        source: ``mqtt`` or ``jt808``.
        origin: topic, or number of the terminal.
        messages: how many are kept; ``not_replayed`` of them were not brought in.
        first_at, last_at: when the first and the last came.
        introduction: what it last said of itself, the body of 0x0100; None: nothing.
    """

    source: str
    origin: str
    messages: int
    not_replayed: int
    first_at: datetime
    last_at: datetime
    introduction: bytes | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One message, as it came."""

    digest: bytes
    reason: str
    payload: bytes
    received_at: datetime


def waiting(conn: psycopg.Connection[Any], *, everything: bool = False) -> list[Waiting]:
    """Return what is kept of terminals that were not known, the last heard of first.

    Args:
        conn: any connection.
        everything: also of terminals that were known, and sent before they authenticated, or what
            could not be read then.
    """
    with conn.cursor(row_factory=class_row(Waiting)) as cursor:
        return cursor.execute(
            _WAITING, {"all": everything, "introduction": INTRODUCTION}
        ).fetchall()


def kept(conn: psycopg.Connection[Any], source: str, origin: str, most: int) -> list[Kept]:
    """Return messages of an origin that were not replayed, the oldest first."""
    with conn.cursor(row_factory=class_row(Kept)) as cursor:
        return cursor.execute(_KEPT, [source, origin, most]).fetchall()


def mark_replayed(conn: psycopg.Connection[Any], digests: Sequence[bytes], at: datetime) -> None:
    """Say that messages were brought in; their bytes stay."""
    query = "UPDATE quarantine SET replayed_at = %s WHERE digest = ANY(%s)"
    conn.execute(query, [at, list(digests)])


@contextmanager
def replaying(conn: psycopg.Connection[Any]) -> Iterator[None]:
    """Keep those who withhold bytes out while a terminal is let in; waits for them to end."""
    conn.execute("SELECT pg_advisory_lock(%s)", [REPLAY_LOCK])
    try:
        yield
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [REPLAY_LOCK])


@contextmanager
def not_replaying(conn: psycopg.Connection[Any]) -> Iterator[bool]:
    """Tell whether nobody is let in now, and keep it so."""
    row = conn.execute("SELECT pg_try_advisory_lock_shared(%s)", [REPLAY_LOCK]).fetchone()
    free = row is not None and bool(row[0])
    try:
        yield free
    finally:
        if free:
            conn.execute("SELECT pg_advisory_unlock_shared(%s)", [REPLAY_LOCK])
