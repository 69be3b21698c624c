"""The dirty log's consumers: what was touched since they last looked, nothing skipped.

Transactions do not commit in the order in which they began. A consumer therefore looks only at what
was written by transactions older than every running one, and marks how far it came: nothing can
still appear behind a mark. A long-running write transaction anywhere on the server delays the
consumers; it makes them lose nothing.

A consumer works in one transaction: :func:`take` (or :func:`window`, for those who work in SQL),
its own work, :func:`settle`. :func:`follow` does that again and again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg
from psycopg.rows import class_row

from storage import arrays
from storage.times import DAY_US

PURGE_LOCK: Final = 0x6A69_6579_6F6E_6703
MOST_ENTRIES: Final = 5_000

# A mark ahead of every transaction of this server came from another server, with a dump.
_MARK = """
SELECT xid::text::int8 FROM dirty_mark
WHERE consumer = %s AND xid <= pg_snapshot_xmin(pg_current_snapshot())
"""
_FOREIGN = """
SELECT EXISTS (SELECT FROM dirty_log WHERE xid > pg_snapshot_xmax(pg_current_snapshot()))
"""
_DROP_FOREIGN = "DELETE FROM dirty_log WHERE xid > pg_snapshot_xmax(pg_current_snapshot())"
_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8"
_NTH = """
SELECT xid::text::int8 FROM dirty_log
WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8
ORDER BY dirty_log.xid OFFSET %s LIMIT 1
"""
_ENTRIES = """
SELECT xid::text::int8 AS xid, kind, subjects, ts_from, ts_to FROM dirty_log
WHERE xid >= %s::text::xid8 AND xid < %s::text::xid8
ORDER BY dirty_log.xid
"""
_NOTE = """
INSERT INTO dirty_log (kind, subjects, ts_from, ts_to)
SELECT %s, subjects::int[], ts_from, ts_to
FROM unnest(%s::text[], %s::timestamptz[], %s::timestamptz[]) AS said (subjects, ts_from, ts_to)
"""
_SETTLE = """
INSERT INTO dirty_mark (consumer, xid) VALUES (%s, %s::text::xid8)
ON CONFLICT (consumer) DO UPDATE SET xid = excluded.xid
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A consumer's part of the log: ``since`` <= xid < ``upto``; empty when they are equal.

    Attributes:
        since: the consumer's mark.
        upto: the mark to settle when the window is done.
        anew: there was no mark, and the log may have been purged: compute everything from raw data
            instead of looking at the log.
        more: the log holds more that could be taken now.
    """

    since: int
    upto: int
    anew: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """Rows of one kind that one transaction wrote within one UTC hour.

    Attributes:
        xid: the transaction.
        kind: ``reading``, ``position``; derived: ``consumption``, quarter hours of meters; entered:
            ``report``, what institutions report besides, and ``weather``, of nobody.
        subjects: ids of points, terminals, meters or institutions, sorted, each once.
        ts_from: the earliest time of a row.
        ts_to: the latest.
    """

    xid: int
    kind: str
    subjects: list[int]
    ts_from: datetime
    ts_to: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """A window with what stands in it; without entries when everything is to be done anew."""

    window: Window
    entries: tuple[Entry, ...]


def window(conn: psycopg.Connection, consumer: str, most: int = MOST_ENTRIES) -> Window:
    """Say what a consumer has not settled yet.

    All rows of which the window's entries speak are visible to the statements that follow.

    Args:
        conn: in the transaction that will settle, at READ COMMITTED. The same consumer must not be
            at work twice at once: hold an advisory lock.
        consumer: its name.
        most: about how many entries; a transaction's are never parted.
    """
    _begin_anew_after_restore(conn)
    mark = _number(conn, _MARK, [consumer])
    if mark is None:
        # A purge between here and our commit would not know of our mark.
        conn.execute("SELECT pg_advisory_xact_lock_shared(%s)", [PURGE_LOCK])
        horizon = _number(conn, _HORIZON) or 0
        return Window(horizon, horizon, anew=True, more=False)
    horizon = _number(conn, _HORIZON) or 0
    last = _number(conn, _NTH, [mark, horizon, most - 1])
    if last is not None:
        return Window(mark, last + 1, anew=False, more=True)
    # An idle consumer settles nothing, or every look would be a transaction for the next to see.
    idle = _number(conn, _NTH, [mark, horizon, 0]) is None
    return Window(mark, mark if idle else horizon, anew=False, more=False)


def take(conn: psycopg.Connection, consumer: str, most: int = MOST_ENTRIES) -> Taken:
    """Like :func:`window`, with the entries."""
    part = window(conn, consumer, most)
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        cursor.execute(_ENTRIES, [part.since, part.upto])
        return Taken(part, tuple(cursor))


def settle(conn: psycopg.Connection, consumer: str, upto: int) -> None:
    """Mark that a consumer has done everything below ``upto``."""
    conn.execute(_SETTLE, [consumer, upto])


def follow(
    conn: psycopg.Connection,
    consumer: str,
    lock: int,
    work: Callable[[psycopg.Connection, Window], int],
    most: int = MOST_ENTRIES,
) -> int:
    """Do a consumer's work window by window, until nothing is left of the log.

    Any number of programs may call it: one does the work, the others return at once.

    Args:
        conn: an autocommit connection.
        consumer: its name.
        lock: of the consumer: an advisory lock of its own.
        work: does a window, in the transaction that settles it; returns how many rows it wrote.
        most: about how many entries a window holds.

    Returns:
        How many rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    written, more = 0, True
    while more:
        with conn.transaction():
            row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock]).fetchone()
            if row is None or not row[0]:
                return written
            part = window(conn, consumer, most)
            more = part.more
            if part.upto == part.since and not part.anew:
                return written
            # A backlog that takes longer than a statement may must still get shorter.
            conn.execute("SET LOCAL statement_timeout = 0")
            written += work(conn, part)
            settle(conn, consumer, part.upto)
    return written


def note(conn: psycopg.Connection, kind: str, spans: Iterable[tuple[int, int, int]]) -> None:
    """Say what was derived anew, for those who derive from that.

    Args:
        conn: in the transaction that derived it.
        kind: see :class:`Entry`.
        spans: subject, and from when to when, µs UTC, both ends included. Those that begin and end
            on the same days become one entry: what is late must not smear the range of the others.
    """
    groups: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for subject, begin, end in spans:
        groups[begin // DAY_US, end // DAY_US].append((subject, begin, end))
    if not groups:
        return
    mine = list(groups.values())
    subjects = [arrays.ids(sorted({subject for subject, _, _ in group})) for group in mine]
    froms = arrays.times([min(begin for _, begin, _ in group) for group in mine])
    tos = arrays.times([max(end for _, _, end in group) for group in mine])
    conn.execute(_NOTE, [kind, subjects, froms, tos])


def forget(conn: psycopg.Connection, consumer: str) -> None:
    """Drop a consumer's mark: it holds up the purge no longer, and will begin anew."""
    conn.execute("DELETE FROM dirty_mark WHERE consumer = %s", [consumer])


def purge(conn: psycopg.Connection) -> int:
    """Delete what every consumer has settled; return how many entries.

    Without any consumer nothing is deleted. Does nothing while a consumer begins anew.
    """
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [PURGE_LOCK]).fetchone()
        if row is None or not row[0]:
            return 0
        done = "DELETE FROM dirty_log WHERE xid < (SELECT min(xid) FROM dirty_mark)"
        return conn.execute(done).rowcount


def _begin_anew_after_restore(conn: psycopg.Connection) -> None:
    """Transaction numbers of a dump mean nothing on the server it was restored to."""
    row = conn.execute(_FOREIGN).fetchone()
    if row is not None and row[0]:
        conn.execute("DELETE FROM dirty_mark")
        conn.execute(_DROP_FOREIGN)


def _number(conn: psycopg.Connection, query: str, values: list[object] | None = None) -> int | None:
    row = conn.execute(query, values).fetchone()
    return None if row is None else int(row[0])
