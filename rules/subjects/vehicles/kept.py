"""What is learned of all vehicles as it is kept, by month: see storage/migrations/0037.

Two parts: ``papers`` is what papers and ways of all tell (where stations and garages are, what
vehicles use), ``upkeep`` what they were mended for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final, LiteralString

import msgspec

from fleet.norms.many import Learned, learned
from fleet.norms.upkeep import Kept, kept
from rules.subjects.model import Basis, Conn

LOCK: Final = 0x6A69_6579_6F6E_6732
"""Whoever learns holds it, and whoever says that something is stale: so what changes while it is
learned is stale behind that."""
FEW: Final = 200
"""Of so many vehicles everything is learned in seconds."""
_AGAIN: Final = timedelta(days=1)
"""Of more it is learned so often at most: every trip changes a little of it."""
_FORM: Final = 2
"""Of what is kept; another one when it means something else."""
_MONTHS_AT_ONCE: Final = 12
"""What is learned of a month lies in memory until it is known."""
_RECALL: Final[LiteralString] = """
    SELECT month, body FROM rules_vehicle_learned
    WHERE part = %s AND month = ANY(%s) AND basis = %s
"""
_STALE: Final[LiteralString] = """
    SELECT part, month, basis, body FROM rules_vehicle_learned
    WHERE stale AND (
        learned_at <= now() - %(again)s::interval OR (SELECT count(*) FROM vehicle) <= %(few)s
    )
"""
_FORGET: Final[LiteralString] = """
    DELETE FROM rules_vehicle_learned WHERE stale AND basis <> %s
"""
_KEEP: Final[LiteralString] = """
    INSERT INTO rules_vehicle_learned (part, month, basis, body) VALUES (%s, %s, %s, %s)
    ON CONFLICT (part, month) DO UPDATE
    SET basis = excluded.basis, body = excluded.body, stale = false, learned_at = now()
"""
Body = Mapping[date, bytes]
"""As it is kept, by the first day of each month."""


class Part(StrEnum):
    """What is learned together."""

    PAPERS = "papers"
    UPKEEP = "upkeep"


@dataclass(frozen=True, slots=True)
class Stale:
    """A month that has changed since it was learned, as it is kept; ``told``: by what basis."""

    part: Part
    month: date
    told: str
    body: bytes


def papers_of(body: bytes) -> Learned:
    """Return what a month of :attr:`Part.PAPERS` says."""
    return msgspec.json.decode(body, type=Learned)


def upkeep_of(body: bytes) -> list[Kept]:
    """Return what a month of :attr:`Part.UPKEEP` says."""
    return msgspec.json.decode(body, type=list[Kept])


def recall(conn: Conn, part: Part, months: Sequence[date], basis: Basis) -> Body:
    """Return months that are kept, stale or not."""
    return dict(conn.execute(_RECALL, [part, list(months), told(basis)]).fetchall())


def stale(conn: Conn) -> list[Stale]:
    """Return what is to be learned again."""
    rows = conn.execute(_STALE, {"again": _AGAIN, "few": FEW})
    return [Stale(Part(part), *rest) for part, *rest in rows]


def forget(conn: Conn, basis: Basis) -> None:
    """Throw away what is stale and was learned by other thresholds: nobody asks for it."""
    conn.execute(_FORGET, [told(basis)])


def learn(conn: Conn, part: Part, months: Sequence[date], basis: Basis) -> Iterable[Body]:
    """Learn months from all vehicles, and yield them, some at a time.

    Args:
        conn: in a transaction, at READ COMMITTED.
        part: what of them.
        months: first days, ascending.
        basis: what evaluation rests on.
    """
    for first in range(0, len(months), _MONTHS_AT_ONCE):
        some = months[first : first + _MONTHS_AT_ONCE]
        yield {month: msgspec.json.encode(it) for month, it in _learn(conn, part, some, basis)}


def keep(conn: Conn, part: Part, bodies: Body, basis: Basis) -> None:
    """Keep months as they were learned in this transaction, which holds :data:`LOCK`."""
    for month in sorted(bodies):
        conn.execute(_KEEP, [part, month, told(basis), bodies[month]])


def _learn(
    conn: Conn, part: Part, months: Sequence[date], basis: Basis
) -> Iterable[tuple[date, Any]]:
    if part is Part.UPKEEP:
        return kept(conn, months, basis.zone).items()
    found = learned(conn, months[0], months[-1], basis.zone, basis.believed.joining)
    return ((month, found[month]) for month in months)


def told(basis: Basis) -> str:
    """Name what is believed: by other thresholds, or days, other things are learned."""
    said = f"{_FORM} {basis.zone.key} {basis.believed.joining}"
    return hashlib.sha256(said.encode()).hexdigest()
