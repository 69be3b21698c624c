"""A month's totals of those who report, told apart by the institution where the meters stand."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import scope
from metering.tree.attribution import Role
from metering.tree.levels import Level
from metering.tree.shares import largest_remainder
from metering.tree.totals import COUNTED, Figure, bounds, share_as
from storage import arrays

# What is taken off belongs to where the main stands. Of two places in a month the last counts.
# What passes from one holder to another has a row of either sign.
_ORIGIN: Final[LiteralString] = """
, stands AS (
    SELECT DISTINCT ON (m.id) m.id AS meter_id, b.institution_id
    FROM meter m
    JOIN place_room p ON p.place_id = m.place_id AND p.valid && tstzrange(%(begin)s, %(end)s)
    JOIN room r ON r.id = p.room_id
    JOIN building b ON b.id = r.building_id
    ORDER BY m.id, lower(p.valid) DESC NULLS LAST
), above AS (
    SELECT DISTINCT ON (meter_id) meter_id, main_id FROM meter_main
    WHERE valid && tstzrange(%(begin)s, %(end)s)
    ORDER BY meter_id, lower(valid) DESC NULLS LAST
), origin AS (
    SELECT c.*, CASE WHEN sign > 0 THEN coalesce(own.institution_id, main.institution_id)
        ELSE coalesce(main.institution_id, own.institution_id) END AS origin_id
    FROM counted c
    LEFT JOIN stands own ON own.meter_id = c.meter_id
    LEFT JOIN above ON above.meter_id = c.meter_id
    LEFT JOIN stands main ON main.meter_id = above.main_id
)
SELECT meter_id, since::text, sign, origin_id, energy, unit, role, holder_id, parts,
       micro, estimated, partial
FROM origin o
WHERE origin_id IS NOT NULL AND (
    sign < 0
    OR NOT meter_id = ANY(%(meters)s) AND (
        role = 'generated'
        OR (origin_id, o.energy) NOT IN (
            SELECT * FROM unnest(%(institutions)s::int[], %(energies)s::text[])
        )
        OR EXISTS (
            SELECT FROM tree_scope t
            WHERE t.meter_id = o.meter_id AND t.level = o.level AND t.sign < 0
                AND t.since < o.until AND t.until > o.since
        )
    )
)
ORDER BY meter_id, since, sign, holder_id
"""


_Key = tuple[int, int, str, str, bool]
"""The fields of a :class:`Line` before its figure."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a holder's meters at an institution counted in a month.

    What is generated stands apart from the rest: bills do not tell of it.

    Attributes:
        holder: id of who reports it; ``holders.OUTSIDE`` for what is excluded.
        origin: id of the institution where the meters stand.
        energy: its kind.
        unit: of the figure.
        generated: it is what was generated there.
        figure: what was counted.
        meters: ids of the meters.
    """

    holder: int
    origin: int
    energy: str
    unit: str
    generated: bool
    figure: Figure
    meters: tuple[int, ...]


def lines_by_origin(
    conn: psycopg.Connection[Any],
    month: date,
    zone: ZoneInfo,
    without: Sequence[tuple[int, str]],
    meters: Sequence[int],
) -> list[Line]:
    """Return what top meters counted for holders, and what passed between holders.

    Args:
        conn: may write: the attribution is brought up to date first.
        month: its first day.
        zone: the site's.
        without: (id of an institution, energy) of which the top meters there are left out, but for
            those of what is generated: what they count is known from elsewhere.
        meters: ids of meters that are never added, for the same reason.
    """
    scope.ensure(conn, zone)
    values: dict[str, object] = {
        **bounds(month, zone, Level.INSTITUTION),
        "institutions": arrays.ids(institution for institution, _ in without),
        "energies": [energy for _, energy in without],
        "meters": arrays.ids(meters),
    }
    sums: dict[_Key, tuple[Figure, list[int]]] = {}
    for divided in (False, True):
        rows = conn.execute(COUNTED + _ORIGIN, {**values, "divided": divided})
        for key, figure, meter in _figures(rows):
            before, seen = sums.get(key, (Figure(), []))
            sums[key] = before.plus(figure), [*seen, meter]
    return [
        Line(*key, figure, tuple(sorted(set(seen)))) for key, (figure, seen) in sorted(sums.items())
    ]


def _figures(
    rows: Iterable[Sequence[Any]],
) -> Iterator[tuple[_Key, Figure, int]]:
    """Give what a meter counted to its holders; the shares add up to it exactly."""
    for head, group in itertools.groupby(rows, itemgetter(slice(7))):
        meter, _, _, origin, energy, unit, role = head
        holders = list(group)
        micro, estimated, partial = holders[0][9:]
        parts = [row[8] for row in holders]
        micros = largest_remainder(micro or 0, parts)
        doubts = largest_remainder(abs(estimated or 0), parts)
        state = Figure(meters=1, unknown=int(micro is None), partial=int(bool(partial)))
        for row, share, doubt in zip(holders, micros, doubts, strict=True):
            key = (row[7], origin, energy, unit, role == Role.GENERATED)
            yield key, share_as(role, share, doubt).plus(state), meter
