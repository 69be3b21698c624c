"""How far a change in the tree reaches: whose attribution can differ from what it was.

The attribution of a meter rests on what it reaches upwards: its main meters, what virtual ones are
made of, the rooms, buildings and institutions of all these, and the relations of those. If it
differs, something that the meter reaches, or reached, has changed. Of the way there the part before
the first link that changed has not; so the meter still reaches the lower end of that link, or the
changed subject itself, and these are noted (``tree_change``). So it is enough to go from what is
noted downwards, as things stand now.

Formulas name codes: one that names a code which no meter has may have lost its meter just now, and
is always among the reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg

from metering.tree.formula import FormulaError, parse

AT_LEAST: Final = 1_000
"""So many meters are worth a part of the work, whatever the size of the city."""
_AT_MOST: Final = 4
"""More than every fourth meter: all is built anew."""

_RELATED: Final[LiteralString] = """
SELECT subject_kind, subject_id, institution_id
FROM reporting_relation r JOIN reporting_share s ON s.relation_id = r.id WHERE withdrawn_at IS NULL
"""
_INSIDE: Final[LiteralString] = """
WITH buildings AS (
    SELECT unnest(%(building)s::int[]) AS id
    UNION SELECT id FROM building WHERE institution_id = ANY(%(institution)s::int[])
), rooms AS (
    SELECT unnest(%(room)s::int[]) AS id
    UNION SELECT id FROM room WHERE building_id IN (SELECT id FROM buildings)
), places AS (
    SELECT unnest(%(place)s::int[]) AS id
    UNION SELECT place_id FROM place_room WHERE room_id IN (SELECT id FROM rooms)
)
SELECT unnest(%(meter)s::int[])
UNION SELECT id FROM meter WHERE place_id IN (SELECT id FROM places)
"""
_BELOW: Final[LiteralString] = "SELECT meter_id FROM meter_main WHERE main_id = ANY(%s)"
_ABOVE: Final[LiteralString] = "SELECT main_id FROM meter_main WHERE meter_id = ANY(%s)"
_FORMULAS: Final[LiteralString] = "SELECT id, formula FROM meter WHERE formula IS NOT NULL"
_CODES: Final[LiteralString] = "SELECT code, id FROM meter WHERE code = ANY(%s)"

Change = tuple[str | None, Collection[int] | None]
"""A subject and its ids, as ``tree_change`` has them; None: anything."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a change reaches.

    Attributes:
        changed: ids of the meters, gone ones included, that must be attributed anew.
        needed: of all meters that those rest on, themselves included.
    """

    changed: frozenset[int]
    needed: frozenset[int]


def reach(conn: psycopg.Connection[Any], changes: Iterable[Change]) -> Reach | None:
    """Return how far changes reach; None: so far that all is better built anew."""
    subjects: dict[str, set[int]] = {kind: set() for kind in _KINDS}
    for kind, ids in changes:
        if kind is None or ids is None:
            return None
        subjects[kind].update(ids)
    _follow_relations(conn, subjects)
    inside = conn.execute(_INSIDE, {k: list(ids) for k, ids in subjects.items()}, prepare=False)
    made, broken = _formulas(conn)
    changed = {id_ for (id_,) in inside}
    if changed:
        changed |= broken
    users: dict[int, set[int]] = defaultdict(set)
    for virtual, sources in made.items():
        for source in sources:
            users[source].add(virtual)
    changed = _closed(conn, changed, _BELOW, users)
    if len(changed) > max(AT_LEAST, _count(conn) // _AT_MOST):
        return None
    return Reach(frozenset(changed), frozenset(_closed(conn, changed, _ABOVE, made)))


def resting_on(conn: psycopg.Connection[Any], meters: Collection[int]) -> frozenset[int]:
    """Return meters, and all that they rest on: their mains, and what virtual ones are made of."""
    return frozenset(_closed(conn, meters, _ABOVE, _formulas(conn)[0]))


_KINDS: Final = ("meter", "place", "room", "building", "institution")


def _follow_relations(conn: psycopg.Connection[Any], subjects: Mapping[str, set[int]]) -> None:
    """Add whoever counts for a changed institution, directly or through others."""
    related: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for kind, subject, target in conn.execute(_RELATED):
        related[target].append((kind, subject))
    waiting = list(subjects["institution"])
    while waiting:
        for kind, subject in related.pop(waiting.pop(), ()):
            subjects[kind].add(subject)
            if kind == "institution":
                waiting.append(subject)


def _formulas(conn: psycopg.Connection[Any]) -> tuple[dict[int, set[int]], set[int]]:
    """Return what virtual meters are made of, and those that name a code which no meter has."""
    named: dict[int, Collection[str]] = {}
    for id_, formula in conn.execute(_FORMULAS):
        try:
            named[id_] = parse(formula)
        except FormulaError:
            named[id_] = ()
    codes = {code for those in named.values() for code in those}
    ids = dict(conn.execute(_CODES, [list(codes)]).fetchall())
    made = {id_: {ids[code] for code in those if code in ids} for id_, those in named.items()}
    return made, {id_ for id_, those in named.items() if any(code not in ids for code in those)}


def _closed(
    conn: psycopg.Connection[Any],
    start: Collection[int],
    query: LiteralString,
    links: Mapping[int, Collection[int]],
) -> set[int]:
    """Return what is reached through mains and through formulas, the start included."""
    found, front = set(start), set(start)
    while front:
        onward = {id_ for (id_,) in conn.execute(query, [list(front)], prepare=False)}
        for id_ in front:
            onward.update(links.get(id_, ()))
        front = onward - found
        found |= front
    return found


def _count(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("SELECT count(*) FROM meter").fetchone()
    return int(row[0]) if row is not None else 0
