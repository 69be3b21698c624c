"""Taking places out of what is stored: of vehicles that have become sensitive.

Raw data is never edited but here. What is stored takes the very way that a new row takes
(:mod:`storage.withhold`), so both end as the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from storage import slow_path, withhold
from storage.engine import EngineKind, decompress_freely, probe
from storage.records import COLUMNS, COPY_HEADER, COPY_TRAILER, Kind, split
from storage.withhold import Span

_PIECE: Final = timedelta(days=1)
"""So much of a terminal is taken at a time: some ten thousand rows."""

_NEXT: Final[LiteralString] = """
SELECT min(fix_time) FROM position
WHERE terminal_id = %s AND fix_time >= %s AND fix_time < %s AND lat IS NOT NULL
"""
_PLACED: Final[LiteralString] = """
FROM position
WHERE terminal_id = {} AND fix_time >= {} AND fix_time < {} AND lat IS NOT NULL
"""
_NAMED: Final[LiteralString] = """
FROM driver_card WHERE terminal_id = {} AND at >= {} AND at < {} AND NOT withheld
"""
_SUSPECT: Final[LiteralString] = """
FROM quarantine WHERE payload <> '' AND (
    source = 'drain' OR strpos(lower(origin), {}) > 0 OR source = 'jt808' AND {}
)
"""
_LATEST: Final[LiteralString] = """
UPDATE latest_position
SET lat = NULL, lon = NULL, speed_kmh = NULL, course_deg = NULL, flags = flags & %s | %s
WHERE terminal_id = %s AND fix_time >= %s AND fix_time < %s AND lat IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Withheld:
    """What was taken out.

    Attributes:
        positions: rows that lost their place.
        cards: drivers' cards that lost their person.
        refusals: refused messages that lost their bytes.
    """

    positions: int
    cards: int
    refusals: int


def withhold_stored(conn: psycopg.Connection[Any], spans: Sequence[Span]) -> Withheld:
    """Take the places of some spans out of everything raw.

    Args:
        conn: in a transaction that began behind :func:`storage.withhold.barrier`.
        spans: of one vehicle.
    """
    if probe(conn).kind is EngineKind.TIMESCALE_COMMUNITY:
        decompress_freely(conn, local=True)
    for span in spans:
        flags = [withhold.KEPT_FLAGS, withhold.WITHHELD]
        conn.execute(_LATEST, [*flags, span.terminal_id, span.begin, span.end])
    return Withheld(
        sum(_positions(conn, span) for span in spans),
        sum(_cards(conn, span) for span in spans),
        sum(_refusals(conn, spans, span) for span in spans),
    )


def _positions(conn: psycopg.Connection[Any], span: Span) -> int:
    """Take the places out piece by piece; return of how many rows."""
    done, begin, end = 0, span.begin, span.end
    while True:
        row = conn.execute(_NEXT, [span.terminal_id, begin, end], prepare=False).fetchone()
        if row is None or row[0] is None:
            return done
        begin = row[0]
        until = min(begin + _PIECE, end)
        where = sql.SQL(_PLACED).format(span.terminal_id, begin, until)
        rows = [withhold.position(one) for one in _taken(conn, Kind.POSITION, where)]
        _put(conn, Kind.POSITION, rows)
        done += len(rows)
        begin = until


def _cards(conn: psycopg.Connection[Any], span: Span) -> int:
    """Take the persons out of the few cards of a span; return of how many."""
    where = sql.SQL(_NAMED).format(span.terminal_id, span.begin, span.end)
    rows = [withhold.driver_card(one) for one in _taken(conn, Kind.DRIVER_CARD, where)]
    _put(conn, Kind.DRIVER_CARD, rows)
    return len(rows)


def _refusals(conn: psycopg.Connection[Any], spans: Sequence[Span], span: Span) -> int:
    inside = (
        sql.SQL("position({} IN payload) > 0").format(span.digits)
        if span.digits
        else sql.SQL("false")
    )
    where = sql.SQL(_SUSPECT).format(span.number, inside)
    before = _read(conn, where)
    changed = [(row, withhold.refusal(row, spans)) for row in before]
    changed = [(row, kept) for row, kept in changed if kept is not row]
    for row, _ in changed:
        digest = list(withhold.fields(row))[COLUMNS[Kind.QUARANTINE].index("digest")]
        conn.execute("DELETE FROM quarantine WHERE digest = %s", [digest])
    _put(conn, Kind.QUARANTINE, [kept for _, kept in changed])
    return len(changed)


def _taken(conn: psycopg.Connection[Any], kind: Kind, where: sql.Composed) -> list[bytes]:
    """Delete rows, and return what they were: in one statement, so that none is missed."""
    query = sql.SQL("DELETE {} RETURNING {}").format(where, _columns(kind))
    return _copied(conn, query)


def _read(conn: psycopg.Connection[Any], where: sql.Composed) -> list[bytes]:
    return _copied(conn, sql.SQL("SELECT {} {}").format(_columns(Kind.QUARANTINE), where))


def _columns(kind: Kind) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, COLUMNS[kind]))


def _copied(conn: psycopg.Connection[Any], query: sql.Composed) -> list[bytes]:
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        body = b"".join(bytes(part) for part in copy)
    return list(split(body[len(COPY_HEADER) : -len(COPY_TRAILER)]))


def _put(conn: psycopg.Connection[Any], kind: Kind, rows: Sequence[bytes]) -> None:
    """Write rows as the writer does, dirty log included; what is there already stays."""
    if not rows:
        return
    with conn.cursor() as cursor:
        cursor.execute(slow_path.STAGE[kind])
        cursor.execute(f"TRUNCATE incoming_{kind}")
        columns = ", ".join(COLUMNS[kind])
        with cursor.copy(f"COPY incoming_{kind} ({columns}) FROM STDIN (FORMAT binary)") as copy:
            copy.write(b"".join((COPY_HEADER, *rows, COPY_TRAILER)))
        slow_path.move(cursor, kind, len(rows))
