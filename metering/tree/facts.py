"""What the database says of meters, places and relations, as the tree needs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, LiteralString, TypeVar
from zoneinfo import ZoneInfo

import psycopg

from metering.tree.graph import Node
from metering.tree.holders import OUTSIDERS, Holder, Places, Subject, sole
from metering.tree.timeline import EVER, NEVER, Span, Timeline, days_of, line_up

_METERS: LiteralString = """
SELECT id, code, energy, unit, formula, direction, item, place_id, lower(valid), upper(valid)
FROM meter WHERE NOT isempty(valid) AND (%(only)s::int[] IS NULL OR id = ANY(%(only)s))
ORDER BY id
"""
_ROOMS: LiteralString = """
SELECT place_id, room_id, lower(valid), upper(valid) FROM place_room
WHERE NOT isempty(valid) AND (%(only)s::int[] IS NULL
    OR place_id IN (SELECT place_id FROM meter WHERE id = ANY(%(only)s)))
ORDER BY place_id, lower(valid) NULLS FIRST
"""
_MAINS: LiteralString = """
SELECT meter_id, main_id, lower(valid), upper(valid) FROM meter_main
WHERE NOT isempty(valid) AND (%(only)s::int[] IS NULL OR meter_id = ANY(%(only)s))
ORDER BY meter_id, lower(valid) NULLS FIRST
"""
_RELATIONS: LiteralString = """
SELECT subject_kind, subject_id, lower(valid), upper(valid), kind,
       array_agg(institution_id ORDER BY institution_id) FILTER (WHERE parts IS NOT NULL),
       array_agg(parts ORDER BY institution_id) FILTER (WHERE parts IS NOT NULL)
FROM reporting_relation r LEFT JOIN reporting_share s ON s.relation_id = r.id
WHERE withdrawn_at IS NULL GROUP BY r.id ORDER BY lower(valid) NULLS FIRST
"""
_BUILDINGS: LiteralString = """
SELECT id, building_id FROM room WHERE %(only)s::int[] IS NULL OR id = ANY(%(only)s)
"""
_INSTITUTIONS: LiteralString = """
SELECT id, institution_id FROM building WHERE %(only)s::int[] IS NULL OR id = ANY(%(only)s)
"""

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Meter:
    """A row of ``meter``.

    Attributes:
        node: what formulas need of it.
        direction: ``in``, ``out`` or ``generated``.
        item: its sub-item code; empty: none.
        place: where it hangs; None: virtual.
        begin: first day on which it counts.
        end: the day behind the last.
    """

    node: Node
    direction: str
    item: str
    place: int | None
    begin: date
    end: date


@dataclass(frozen=True, slots=True)
class Facts:
    """All that attribution rests on.

    Attributes:
        meters: by id.
        rooms: where each place was.
        mains: the main meter of each.
        relations: to whom each subject counts.
        places: what stands in what.
    """

    meters: Mapping[int, Meter]
    rooms: Mapping[int, Timeline[int]]
    mains: Mapping[int, Timeline[int]]
    relations: Mapping[Subject, Timeline[Holder]]
    places: Places


def load(
    conn: psycopg.Connection[Any], zone: ZoneInfo, only: Collection[int] | None = None
) -> Facts:
    """Read everything, with days cut in a zone.

    Args:
        conn: any.
        zone: whose days.
        only: ids of the meters concerned; None: all.
    """
    found = _meters(conn.execute(_METERS, _chosen(only), prepare=False), zone)
    hung = rooms(conn, zone, only)
    used = {span.value for line in hung.values() for span in line}
    above = mains(conn, zone, only)
    return Facts(found, hung, above, relations(conn), places(conn, used))


def hanging(conn: psycopg.Connection[Any], zone: ZoneInfo, only: Collection[int]) -> Facts:
    """Read how some meters hang below each other, and nothing else; ``only``: their ids."""
    found = _meters(conn.execute(_METERS, _chosen(only), prepare=False), zone)
    return Facts(found, {}, mains(conn, zone, only), {}, Places({}, {}))


def rooms(
    conn: psycopg.Connection[Any], zone: ZoneInfo, only: Collection[int] | None = None
) -> dict[int, Timeline[int]]:
    """Read in which room each place was; ``only``: those of some meters."""
    return _dated(conn.execute(_ROOMS, _chosen(only), prepare=False), zone)


def mains(
    conn: psycopg.Connection[Any], zone: ZoneInfo, only: Collection[int] | None = None
) -> dict[int, Timeline[int]]:
    """Read the main meter of each that has one; ``only``: of some meters."""
    return _dated(conn.execute(_MAINS, _chosen(only), prepare=False), zone)


def places(conn: psycopg.Connection[Any], only: Collection[int] | None = None) -> Places:
    """Read what stands in what; ``only``: some rooms, and the buildings of these."""
    buildings = _pairs(conn.execute(_BUILDINGS, _chosen(only), prepare=False))
    houses = None if only is None else set(buildings.values())
    return Places(buildings, _pairs(conn.execute(_INSTITUTIONS, _chosen(houses), prepare=False)))


def _chosen(only: Collection[int] | None) -> dict[str, list[int] | None]:
    return {"only": None if only is None else list(only)}


def relations(conn: psycopg.Connection[Any]) -> dict[Subject, Timeline[Holder]]:
    """Read the reporting relations in force."""
    found: dict[Subject, list[Span[Holder]]] = defaultdict(list)
    for kind, subject, since, until, how, holders, parts in conn.execute(_RELATIONS):
        holder = _holder(how, subject, dict(zip(holders or (), parts or (), strict=True)))
        found[kind, subject].append(Span(since or EVER, until or NEVER, holder))
    return _lined_up(found)


def _holder(how: str, subject: int, parts: Mapping[int, int]) -> Holder:
    if how == "excluded":
        return OUTSIDERS
    whole = sum(parts.values())
    if not whole:  # an institution's `own`
        return sole(subject)
    return tuple((target, Fraction(part, whole)) for target, part in sorted(parts.items()))


def _meters(rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> dict[int, Meter]:
    found = {}
    for id_, code, energy, unit, formula, *rest in rows:
        direction, item, place, since, until = rest
        days = days_of(since, until, zone)
        if days is not None:
            node = Node(id_, code, energy, unit, formula)
            found[id_] = Meter(node, direction, item or "", place, *days)
    return found


def _dated(
    rows: Iterable[tuple[int, int, datetime | None, datetime | None]], zone: ZoneInfo
) -> dict[int, Timeline[int]]:
    found: dict[int, list[Span[int]]] = defaultdict(list)
    for subject, target, since, until in rows:
        days = days_of(since, until, zone)
        if days is not None:
            found[subject].append(Span(*days, target))
    return _lined_up(found)


def _lined_up(found: Mapping[_K, Iterable[Span[_V]]]) -> dict[_K, Timeline[_V]]:
    return {subject: line_up(spans) for subject, spans in found.items()}


def _pairs(rows: Iterable[tuple[int, int]]) -> dict[int, int]:
    return dict(rows)
