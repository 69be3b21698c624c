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
from metering.tree.totals import COUNTED_OF_SCOPES, Figure, bounds, share_as
from storage import arrays

# What counts an account is known by the account, wherever it hangs and whoever it counts for, on
# the days on which the account is somebody's. One behind another of its account is not: when it
# counts for somebody else the account gives it away.
_SCOPES: Final[LiteralString] = """
WITH RECURSIVE counting AS MATERIALIZED (
    SELECT m.meter_id, m.account_id, m.valid * o.valid AS valid
    FROM utility_account_meter m JOIN utility_account_institution o USING (account_id)
    WHERE m.withdrawn_at IS NULL AND o.withdrawn_at IS NULL
        AND m.valid && o.valid AND m.valid * o.valid && daterange(%(month)s, %(next)s)
), upwards (meter_id, account_id, main_id) AS (
    SELECT c.meter_id, c.account_id, c.meter_id FROM counting c
    UNION
    SELECT a.meter_id, a.account_id, l.main_id
    FROM upwards a JOIN meter_main l ON l.meter_id = a.main_id
        AND l.valid && tstzrange(%(begin)s, %(end)s)
), bound AS MATERIALIZED (
    SELECT c.meter_id, range_agg(c.valid) AS days
    FROM counting c
    WHERE (c.meter_id, c.account_id) NOT IN (
        SELECT a.meter_id, a.account_id
        FROM upwards a JOIN counting m ON m.meter_id = a.main_id AND m.account_id = a.account_id
        WHERE a.main_id <> a.meter_id
    )
    GROUP BY c.meter_id
), known AS MATERIALIZED (
    SELECT meter_id, range_agg(valid) AS days FROM counting GROUP BY meter_id
), asked AS NOT MATERIALIZED (
    SELECT meter_id, energy, unit, level, holder_id, sign, role, parts, since, until
    FROM tree_scope
    WHERE level = %(level)s AND divided = %(divided)s AND since < %(next)s AND until > %(month)s
), scopes AS NOT MATERIALIZED (
    SELECT * FROM asked
    WHERE sign < 0 OR NOT meter_id IN (SELECT meter_id FROM bound)
    UNION ALL
    SELECT meter_id, energy, unit, level, holder_id, sign, role, parts, lower(free), upper(free)
    FROM asked JOIN bound USING (meter_id),
    LATERAL unnest(datemultirange(daterange(since, until)) - days) AS free
    WHERE sign > 0 AND lower(free) < %(next)s AND upper(free) > %(month)s
)
"""
# What is taken off belongs to where the main stands. Of two places in a month the last counts. What
# hangs nowhere and counts no account belongs to whom a relation of its own leads to, the first of
# several. What passes from one holder to another has a row of either sign.
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
        ELSE coalesce(main.institution_id, own.institution_id) END AS stands_id
    FROM counted c
    LEFT JOIN stands own ON own.meter_id = c.meter_id
    LEFT JOIN above ON above.meter_id = c.meter_id
    LEFT JOIN stands main ON main.meter_id = above.main_id
), led AS (
    SELECT o.*, coalesce(stands_id, (
        SELECT min(t.holder_id) FROM tree_scope t
        WHERE t.meter_id = o.meter_id AND t.level = o.level AND t.sign = o.sign
            AND t.since <= o.since AND t.until >= o.until AND t.holder_id > 0
            AND NOT coalesce(k.days && daterange(o.since, o.until), false)
    )) AS origin_id
    FROM origin o LEFT JOIN known k USING (meter_id)
)
SELECT meter_id, since::text, sign, origin_id, energy, unit, role, holder_id, parts,
       micro, estimated, partial
FROM led o
WHERE origin_id IS NOT NULL AND (
    sign < 0
    OR role = 'generated'
    OR (origin_id, o.energy) NOT IN (
        SELECT * FROM unnest(%(institutions)s::int[], %(energies)s::text[])
    )
    OR EXISTS (
        SELECT FROM tree_scope t
        WHERE t.meter_id = o.meter_id AND t.level = o.level AND t.sign < 0
            AND t.since < o.until AND t.until > o.since
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
) -> list[Line]:
    """Return what top meters counted for holders, and what passed between holders.

    A meter of a utility account is not added while it is one: its account tells.

    Args:
        conn: may write: the attribution is brought up to date first.
        month: its first day.
        zone: the site's.
        without: (id of an institution, energy) of which the top meters there are left out, but for
            those of what is generated: what they count is known from elsewhere.
    """
    scope.ensure(conn, zone)
    values: dict[str, object] = {
        **bounds(month, zone, Level.INSTITUTION),
        "institutions": arrays.ids(institution for institution, _ in without),
        "energies": [energy for _, energy in without],
    }
    sums: dict[_Key, tuple[Figure, list[int]]] = {}
    for divided in (False, True):
        rows = conn.execute(_SCOPES + COUNTED_OF_SCOPES + _ORIGIN, {**values, "divided": divided})
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
