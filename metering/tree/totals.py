"""Month totals of rooms, buildings and institutions, and their sums: nothing counts twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import itemgetter
from typing import Any, Final, LiteralString, TypeVar
from zoneinfo import ZoneInfo

import psycopg

from metering.derive.times import next_month
from metering.tree import scope
from metering.tree.attribution import Role
from metering.tree.items import wider
from metering.tree.levels import Level
from metering.tree.shares import largest_remainder
from storage.times import midnight

_K = TypeVar("_K", bound=Hashable)
_Key = tuple[int, str, str, str]
"""The fields of a :class:`Line` between its begin and its figure."""

# A scope that holds all month long takes the month's row, another one its days. Neither looks at
# hours or quarters. One month at a time: the index by month is found for a value only. What is not
# known all month long may be known for all the time that there is the meter.
_SCOPES: Final[LiteralString] = """
WITH scopes AS NOT MATERIALIZED (
    SELECT * FROM tree_scope
    WHERE level = %(level)s AND divided = %(divided)s AND since < %(next)s AND until > %(month)s
)
"""
COUNTED_OF_SCOPES: Final[LiteralString] = """
, counted AS (
    SELECT s.*, c.micro, c.estimated,
           CASE WHEN c.covered_s >= extract(epoch FROM %(end)s::timestamptz - %(begin)s) THEN false
           ELSE c.covered_s < (
               SELECT extract(epoch FROM least(upper(m.valid), %(end)s::timestamptz)
                   - greatest(lower(m.valid), %(begin)s))
               FROM meter m WHERE m.id = s.meter_id
           ) END AS partial
    FROM scopes s
    LEFT JOIN consumption_month c ON c.meter_id = s.meter_id AND c.month = %(month)s
    WHERE since <= %(month)s AND until >= %(next)s
    UNION ALL
    SELECT s.*, c.micro, c.estimated, c.covered_s < (
        SELECT extract(epoch FROM
            least(upper(m.valid), behind::timestamp AT TIME ZONE %(zone)s)
            - greatest(lower(m.valid), first::timestamp AT TIME ZONE %(zone)s))
        FROM meter m WHERE m.id = s.meter_id
    )
    FROM scopes s,
    LATERAL (SELECT greatest(since, %(month)s) AS first, least(until, %(next)s) AS behind) AS cut,
    LATERAL (
        SELECT sum(micro)::int8 AS micro, sum(estimated)::int8 AS estimated,
               sum(covered_s) AS covered_s
        FROM consumption_day d WHERE d.meter_id = s.meter_id AND day >= first AND day < behind
    ) AS c
    WHERE NOT (since <= %(month)s AND until >= %(next)s)
)
"""
COUNTED: Final[LiteralString] = _SCOPES + COUNTED_OF_SCOPES
UNDIVIDED: Final[LiteralString] = (
    COUNTED
    + """
SELECT holder_id, item, energy, unit,
       coalesce(sum(micro) FILTER (WHERE role = 'in'), 0)::int8,
       coalesce(sum(micro) FILTER (WHERE role = 'generated'), 0)::int8,
       coalesce(sum(micro) FILTER (WHERE role = 'supplied'), 0)::int8,
       coalesce(sum(abs(estimated)), 0)::int8,
       count(*), count(*) - count(micro), count(*) FILTER (WHERE partial)
FROM counted GROUP BY holder_id, item, energy, unit
"""
)
DIVIDED: Final[LiteralString] = (
    COUNTED
    + """
SELECT meter_id, since::text, sign, energy, unit, role, holder_id, item, parts,
       micro, estimated, partial
FROM counted ORDER BY meter_id, since, sign, holder_id, item
"""
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What was counted; millionths of the unit.

    Attributes:
        taken_in: by top meters and from others.
        generated: on the premises.
        supplied: passed on to others and to outsiders.
        estimated: how much of the three was allotted over gaps.
        meters: how often a meter was added or taken off.
        unknown: how many of them nothing is known of.
        partial: how many are known for a part of the time only.
    """

    taken_in: int = 0
    generated: int = 0
    supplied: int = 0
    estimated: int = 0
    meters: int = 0
    unknown: int = 0
    partial: int = 0

    @property
    def micro(self) -> int | None:
        """Own use of what is known: in + generated − supplied; None when nothing is known."""
        if self.unknown == self.meters:
            return None
        return self.taken_in + self.generated - self.supplied

    @property
    def complete(self) -> bool:
        """Every meter is known for all the time."""
        return not self.unknown and not self.partial

    def plus(self, other: Figure) -> Figure:
        """Return the sum of both."""
        return Figure(
            self.taken_in + other.taken_in,
            self.generated + other.generated,
            self.supplied + other.supplied,
            self.estimated + other.estimated,
            self.meters + other.meters,
            self.unknown + other.unknown,
            self.partial + other.partial,
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What a holder used of an energy in a month or on a day.

    Attributes:
        begin: the month's first day, or the day.
        holder: id of the institution, building or room; ``holders.NOBODY`` for meters that hang
            nowhere, ``holders.OUTSIDE`` for what is excluded or supplied to outsiders.
        item: on the level of items its code, empty for what has none; empty on the others.
        energy: its kind.
        unit: of the figure.
        figure: what was counted.
    """

    begin: date
    holder: int
    item: str
    energy: str
    unit: str
    figure: Figure


def month_totals(
    conn: psycopg.Connection[Any],
    months: Sequence[date],
    zone: ZoneInfo,
    level: Level = Level.INSTITUTION,
) -> list[Line]:
    """Return what every holder used, by month and energy.

    Over all holders, ``NOBODY`` and ``OUTSIDE`` included, it adds up to what the top meters took
    in and what was generated. Brings the attribution up to date first.

    Args:
        conn: may write, unless :func:`scope.ensure` has just been called.
        months: first days.
        zone: the site's.
        level: of the holders.

    Raises:
        ValueError: a month is not its first day.
    """
    wrong = [month for month in months if month.day != 1]
    if wrong:
        raise ValueError(f"{wrong[0]} is not the first day of a month")
    scope.ensure(conn, zone)
    return [line for month in months for line in _lines(conn, month, zone, level)]


def bounds(month: date, zone: ZoneInfo, level: Level) -> dict[str, object]:
    """Return what the statements want to know of a month, but for ``divided``."""
    behind = next_month(month)
    return {
        "month": month,
        "next": behind,
        "begin": midnight(month, zone),
        "end": midnight(behind, zone),
        "zone": zone.key,
        "level": level.value,
    }


def _lines(
    conn: psycopg.Connection[Any], month: date, zone: ZoneInfo, level: Level
) -> Iterator[Line]:
    values = bounds(month, zone, level)
    undivided = conn.execute(UNDIVIDED, {**values, "divided": False})
    sums: dict[_Key, Figure] = {
        (holder, item, energy, unit): Figure(*counts)
        for holder, item, energy, unit, *counts in undivided
    }
    for key, figure in _divided(conn.execute(DIVIDED, {**values, "divided": True})):
        sums[key] = sums.get(key, Figure()).plus(figure)
    for key in sorted(sums):
        yield Line(month, *key, sums[key])


def sum_by(
    lines: Iterable[Line], key: Callable[[Line], _K]
) -> dict[tuple[_K, date, str, str], Figure]:
    """Add lines up, for example by district.

    What members of one group pass on to each other stands both in ``taken_in`` and in
    ``supplied``; ``micro`` is free of it.

    Args:
        lines: of one level.
        key: the group a line belongs to.

    Returns:
        Figures by (group, begin, energy, unit).
    """
    sums: dict[tuple[_K, date, str, str], Figure] = {}
    for line in lines:
        at = (key(line), line.begin, line.energy, line.unit)
        sums[at] = sums.get(at, Figure()).plus(line.figure)
    return sums


def widened(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield each line of an item once for every item that contains it, itself included.

    Summed by holder and item (:func:`sum_by`), an item then holds all that is below it:
    ``01A00`` what is entered for ``01A10``.
    """
    for line in lines:
        for item in wider(line.item):
            yield replace(line, item=item)


def _divided(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[_Key, Figure]]:
    """Share out what a meter counted; the shares add up to it exactly."""
    for head, group in itertools.groupby(rows, itemgetter(slice(6))):
        *_, energy, unit, role = head
        holders = list(group)
        micro, estimated, partial = holders[0][9:]
        parts = [row[8] for row in holders]
        micros = largest_remainder(micro or 0, parts)
        doubts = largest_remainder(abs(estimated or 0), parts)
        state = Figure(meters=1, unknown=int(micro is None), partial=int(bool(partial)))
        for row, share, doubt in zip(holders, micros, doubts, strict=True):
            yield (row[6], row[7], energy, unit), share_as(role, share, doubt).plus(state)


def share_as(role: str, micro: int, estimated: int) -> Figure:
    """Return what a share of a meter is to its holder; see :class:`Role`."""
    if role == Role.IN:
        return Figure(taken_in=micro, estimated=estimated)
    if role == Role.GENERATED:
        return Figure(generated=micro, estimated=estimated)
    return Figure(supplied=micro, estimated=estimated)
