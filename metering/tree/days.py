"""Totals by day: what the days of a month have, the month has, to the last millionth."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.tree import scope
from metering.tree.levels import Level
from metering.tree.shares import largest_remainder
from metering.tree.totals import Figure, Line, share_as

_Key = tuple[date, int, str, str, str]
"""The fields of a :class:`Line` before its figure."""

# The few days of a meter are found by its key, whatever the planner thinks of the join. What is not
# known all day long may be known for all the time that there is the meter.
COUNTED_DAYS: Final[LiteralString] = """
WITH asked AS (
    SELECT day, seconds FROM unnest(%(days)s::date[], %(seconds)s::int8[]) AS a (day, seconds)
), counted AS (
    SELECT s.*, d.day, d.micro, d.estimated, d.partial
    FROM tree_scope s CROSS JOIN LATERAL (
        SELECT a.day, c.micro, c.estimated,
               CASE WHEN c.covered_s >= a.seconds THEN false
               ELSE c.covered_s < (
                   SELECT extract(epoch FROM
                       least(upper(m.valid), (a.day + 1)::timestamp AT TIME ZONE %(zone)s)
                       - greatest(lower(m.valid), a.day::timestamp AT TIME ZONE %(zone)s))
                   FROM meter m WHERE m.id = s.meter_id
               ) END AS partial
        FROM asked a LEFT JOIN (
            SELECT day, micro, estimated, covered_s FROM consumption_day
            WHERE meter_id = s.meter_id AND day >= %(begin)s AND day < %(end)s
            OFFSET 0
        ) AS c USING (day)
        WHERE a.day >= s.since AND a.day < s.until
    ) AS d
    WHERE level = %(level)s AND divided = %(divided)s
        AND s.since < %(end)s AND s.until > %(begin)s
)
"""
UNDIVIDED_DAYS: Final[LiteralString] = (
    COUNTED_DAYS
    + """
SELECT day, holder_id, item, energy, unit,
       coalesce(sum(micro) FILTER (WHERE role = 'in'), 0)::int8,
       coalesce(sum(micro) FILTER (WHERE role = 'generated'), 0)::int8,
       coalesce(sum(micro) FILTER (WHERE role = 'supplied'), 0)::int8,
       coalesce(sum(abs(estimated)), 0)::int8,
       count(*), count(*) - count(micro), count(*) FILTER (WHERE partial)
FROM counted GROUP BY day, holder_id, item, energy, unit
"""
)
DIVIDED_DAYS: Final[LiteralString] = (
    COUNTED_DAYS
    + """
SELECT meter_id, since::text, sign, energy, unit, role, day, holder_id, item, parts,
       micro, estimated, partial
FROM counted ORDER BY meter_id, since, sign, energy, unit, role, day, holder_id, item
"""
)
_ONE: Final = timedelta(days=1)


def day_totals(
    conn: psycopg.Connection[Any],
    begin: date,
    end: date,
    zone: ZoneInfo,
    level: Level = Level.INSTITUTION,
) -> list[Line]:
    """Return what every holder used on the days begin ≤ day < end, by day and energy.

    The same rule as for months. A share of a day is the share of the month up to and with it less
    that up to the day before, so that the days of a month add up to the month; it may therefore be
    off by a millionth or two. Brings the attribution up to date first.

    Args:
        conn: may write, unless :func:`scope.ensure` has just been called.
        begin: first day.
        end: the day behind the last.
        zone: the site's.
        level: of the holders.

    Raises:
        ValueError: there is no day among them.
    """
    if begin >= end:
        raise ValueError(f"{end} is not after {begin}")
    scope.ensure(conn, zone)
    sums: dict[_Key, Figure] = {}
    undivided = bounds_of_days(begin, end, zone, level) | {"divided": False}
    for day, holder, item, energy, unit, *counts in conn.execute(UNDIVIDED_DAYS, undivided):
        sums[day, holder, item, energy, unit] = Figure(*counts)
    # Shares are counted up from the first of the month.
    divided = bounds_of_days(begin.replace(day=1), end, zone, level) | {"divided": True}
    for key, figure in _divided(conn.execute(DIVIDED_DAYS, divided)):
        if key[0] >= begin:
            sums[key] = sums.get(key, Figure()).plus(figure)
    return [Line(*key, sums[key]) for key in sorted(sums)]


def bounds_of_days(begin: date, end: date, zone: ZoneInfo, level: Level) -> dict[str, object]:
    """Return what the statements want to know, but for ``divided``."""
    days = [begin + n * _ONE for n in range((end - begin).days)]
    return {
        "begin": begin,
        "end": end,
        "days": days,
        "seconds": [_seconds(day, zone) for day in days],
        "level": level.value,
        "zone": zone.key,
    }


def _seconds(day: date, zone: ZoneInfo) -> int:
    first, behind = (datetime.combine(one, time(), zone) for one in (day, day + _ONE))
    return round(behind.timestamp() - first.timestamp())


def _divided(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[_Key, Figure]]:
    """Share out what a meter counted, from month's begin to month's end."""
    for head, group in itertools.groupby(rows, lambda row: (*row[:6], row[6].replace(day=1))):
        *_, energy, unit, role, _ = head
        shares = _Shares()
        for day, holders in itertools.groupby(group, itemgetter(6)):
            for holder, item, figure in shares.of_day(role, list(holders)):
                yield (day, holder, item, energy, unit), figure


class _Shares:
    """What was given away of a meter's month so far."""

    def __init__(self) -> None:
        self._totals = (0, 0)
        self._given: tuple[list[int], list[int]] = ([], [])

    def of_day(
        self, role: str, holders: Sequence[Sequence[Any]]
    ) -> Iterator[tuple[int, str, Figure]]:
        """Yield the share of each holder, with its item."""
        micro, estimated, partial = holders[0][10:]
        parts = [row[9] for row in holders]
        before = self._given if self._given[0] else ([0] * len(parts), [0] * len(parts))
        self._totals = (self._totals[0] + (micro or 0), self._totals[1] + (estimated or 0))
        self._given = (
            largest_remainder(self._totals[0], parts),
            largest_remainder(abs(self._totals[1]), parts),
        )
        state = Figure(meters=1, unknown=int(micro is None), partial=int(bool(partial)))
        steps = zip(*self._given, *before, strict=True)
        for row, (used, doubt, used_before, doubt_before) in zip(holders, steps, strict=True):
            # What is shared of an estimate may go back by a millionth; it is never below nothing.
            figure = share_as(role, used - used_before, max(doubt - doubt_before, 0))
            yield row[7], row[8], figure.plus(state)
