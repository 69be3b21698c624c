"""Learns again what has changed of what is learned of all vehicles, and follows it.

What a paper of one vehicle changes of others (the season, what is normal of a class, where a
station is, what fuel costs) shows in what is kept of its months. Once that is learned again, those
months are looked at of everybody to whom it says something else; where it says the same, of nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final, LiteralString

from fleet.ledger.window import later
from rules.kinds.model import Sort
from rules.subjects.model import Basis, Conn
from rules.subjects.vehicles import kept
from rules.subjects.vehicles.kept import Body, Part
from storage.times import midnight

_AROUND: Final = timedelta(days=3)
"""A filling is held against those of the days before it, which may be of another month."""
# A month is told as one piece: to look at a moment of it is to look at all of it. Of the month that
# goes on it is one that each day's ways are looked at about anyway.
_TOUCHED: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT %(kind)s, vehicle_id, its.at, its.at, 'what is usual changed'
FROM fuel_consumer, (
    SELECT greatest(%(begin)s, least(now() - interval '2 days',
                                     %(end)s::timestamptz - interval '1 second')) AS at
) AS its
WHERE code = ANY(%(codes)s) AND vehicle_id IS NOT NULL AND withdrawn_at IS NULL
"""
_MOVED: Final[LiteralString] = """
INSERT INTO rules_due (kind, subject, ts_from, ts_to, why)
SELECT %(kind)s, id, %(begin)s, %(end)s, 'a station or garage is elsewhere' FROM vehicle
"""


def settle(conn: Conn, basis_of: Callable[[], Basis]) -> int:
    """Learn again what is stale, and make due whom it concerns.

    Args:
        conn: an autocommit connection; nobody else looks at vehicles meanwhile.
        basis_of: what evaluation rests on; asked for when something is stale.

    Returns:
        How many due rows were written.

    Raises:
        psycopg.Error: nothing is lost: the next call does it.
    """
    stale = kept.stale(conn)
    if not stale:
        return 0
    basis = basis_of()
    told = kept.told(basis)
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [kept.LOCK])
        kept.forget(conn, basis)
        return sum(
            _settled(
                conn,
                part,
                basis,
                {one.month: one.body for one in stale if one.part is part and one.told == told},
            )
            for part in Part
        )


def _settled(conn: Conn, part: Part, basis: Basis, before: Body) -> int:
    written = 0
    for bodies in kept.learn(conn, part, sorted(before), basis):
        for month, body in bodies.items():
            if body != before[month]:
                written += _FOLLOWS[part](conn, month, basis, before[month], body)
        kept.keep(conn, part, bodies, basis)
    return written


def _papers(conn: Conn, month: date, basis: Basis, before: bytes, body: bytes) -> int:
    was, now = kept.papers_of(before), kept.papers_of(body)
    written = 0
    if was.places != now.places:
        begin, end = _span(month, basis)
        values = {"kind": Sort.VEHICLE, "begin": begin - _AROUND, "end": end + _AROUND}
        written += conn.execute(_MOVED, values).rowcount
    if was.used != now.used:
        uses = (one.used for one in (was, now))
        codes = {
            its.code
            for used in uses
            for by_length in (used.rate, used.cost)
            for stood in by_length.values()
            for its in stood
        }
        written += _touched(conn, month, basis, codes)
    return written


def _upkeep(conn: Conn, month: date, basis: Basis, before: bytes, body: bytes) -> int:
    its = (*kept.upkeep_of(before), *kept.upkeep_of(body))
    return _touched(conn, month, basis, {one.code for one in its})


_FOLLOWS: Final = {Part.PAPERS: _papers, Part.UPKEEP: _upkeep}


def _touched(conn: Conn, month: date, basis: Basis, codes: Iterable[str]) -> int:
    begin, end = _span(month, basis)
    values = {"kind": Sort.VEHICLE, "codes": sorted(codes), "begin": begin, "end": end}
    return conn.execute(_TOUCHED, values).rowcount


def _span(month: date, basis: Basis) -> tuple[datetime, datetime]:
    return midnight(month, basis.zone), midnight(later(month, 1), basis.zone)
