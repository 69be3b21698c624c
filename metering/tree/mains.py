"""Balances of main meters by hour, day and month, as the database has them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from operator import itemgetter
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import psycopg

from metering.derive.times import midnight, next_month
from metering.tree.remainder import Balance, NegativeRemainder, Part, Tolerance, judge
from metering.tree.virtual import virtual_meters

_HOUR: Final = timedelta(hours=1)


class Grain(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"  # of the zone
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a balance.

    Attributes:
        key: as the rollup has it: an hour's begin, a day, a month's first day.
        begin: aware.
        end: exclusive.
    """

    key: datetime | date
    begin: datetime
    end: datetime


# Who belongs to a balance for all of a period has a row in its rollup; who comes or goes within it
# is summed from quarters. A virtual sub-meter stands aside while one of the meters it adds hangs
# below the same main itself, however deep: it would count a second time.
_PARTS: Final[LiteralString] = """
WITH RECURSIVE periods AS (
    SELECT key, begin_, end_ FROM unnest(
        %(keys)s::{key}[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]
    ) AS given (key, begin_, end_)
), added AS (
    SELECT * FROM unnest(%(virtual)s::int[], %(added)s::int[]) AS given (virtual_id, meter_id)
), below AS (
    SELECT main_id, meter_id, valid FROM meter_main WHERE main_id = ANY(%(mains)s)
    UNION
    SELECT b.main_id, l.meter_id, b.valid * l.valid
    FROM below b JOIN meter_main l ON l.main_id = b.meter_id AND l.valid && b.valid
), members AS (
    SELECT id AS main_id, id AS meter_id, 0 AS part, valid FROM meter WHERE id = ANY(%(mains)s)
    UNION ALL
    SELECT l.main_id, l.meter_id, CASE WHEN m.direction = 'generated' THEN 1 ELSE 2 END,
           unnest(tstzmultirange(l.valid * m.valid * main.valid) - coalesce((
               SELECT range_agg(b.valid * other.valid)
               FROM added a
               JOIN below b ON b.meter_id = a.meter_id AND b.main_id = l.main_id
               JOIN meter other ON other.id = a.meter_id
               WHERE a.virtual_id = m.id
           ), '{{}}'))
    FROM meter_main l JOIN meter m ON m.id = l.meter_id JOIN meter main ON main.id = l.main_id
    WHERE l.main_id = ANY(%(mains)s) AND (m.energy, m.unit) = (main.energy, main.unit)
), belonging AS (
    SELECT key, begin_, main_id, meter_id, part, lower(span) AS since,
           span = tstzrange(begin_, end_) AS whole,
           date_bin('15 minutes', lower(span) + interval '899.999999 s', 'epoch') AS from_,
           date_bin('15 minutes', upper(span) + interval '899.999999 s', 'epoch') AS to_
    FROM periods JOIN members ON valid && tstzrange(begin_, end_),
    LATERAL (SELECT valid * tstzrange(begin_, end_) AS span) AS cut
)
SELECT main_id, begin_, part, meter.code, c.micro,
       coalesce(c.covered_s, 0) >= extract(epoch FROM to_ - from_),
       coalesce((SELECT ct * pt FROM meter_ratio r
                 WHERE r.meter_id = b.meter_id AND withdrawn_at IS NULL AND r.valid @> since), 1)
FROM belonging b JOIN meter ON meter.id = b.meter_id
LEFT JOIN LATERAL (
    SELECT micro, covered_s FROM consumption_{grain}
    WHERE whole AND meter_id = b.meter_id AND {column} = key
    UNION ALL
    SELECT sum(micro)::int8, sum(covered_s) FROM consumption
    WHERE NOT whole AND meter_id = b.meter_id AND slot >= from_ AND slot < to_
    HAVING NOT whole
) AS c ON true
ORDER BY main_id, begin_, part, meter.code, since
"""
_KEYS: Final[dict[Grain, tuple[LiteralString, LiteralString]]] = {
    Grain.HOUR: ("timestamptz", "slot"),
    Grain.DAY: ("date", "day"),
    Grain.MONTH: ("date", "month"),
}
_MAINS: Final[LiteralString] = """
SELECT DISTINCT main_id FROM meter_main WHERE valid && tstzrange(%s, %s) ORDER BY main_id
"""


def periods(grain: Grain, begin: date, end: date, zone: ZoneInfo) -> list[Period]:
    """Return the periods of the days begin ≤ day < end.

    Args:
        grain: how long they are; months begin on a first day.
        begin: first day.
        end: the day behind the last.
        zone: of days and months.

    Raises:
        ValueError: there is no day among them, or a month is cut.
    """
    if begin >= end:
        raise ValueError(f"{end} is not after {begin}")
    if grain is Grain.MONTH and (begin.day, end.day) != (1, 1):
        raise ValueError(f"{begin} to {end} are not whole months")
    if grain is Grain.HOUR:
        return list(_hours(midnight(begin, zone), midnight(end, zone)))
    following = next_month if grain is Grain.MONTH else _next_day
    found = []
    while begin < end:
        after = following(begin)
        found.append(Period(begin, midnight(begin, zone), midnight(after, zone)))
        begin = after
    return found


def mains(conn: psycopg.Connection[Any], begin: datetime, end: datetime) -> list[int]:
    """Return the ids of all meters that were main meters some time between two times, aware."""
    return [id_ for (id_,) in conn.execute(_MAINS, [begin, end])]


def balances(
    conn: psycopg.Connection[Any], main_ids: Sequence[int], grain: Grain, spans: Sequence[Period]
) -> list[tuple[int, Balance]]:
    """Return main meters against their sub-meters.

    A sub-meter that comes or goes within a period is taken for its time alone: from its quarters,
    of which each belongs to whoever holds it at its begin. A virtual one is left out while a meter
    that it adds hangs below the same main.

    Args:
        conn: any.
        main_ids: of which meters.
        grain: of the periods.
        spans: from :func:`periods`.

    Returns:
        (id of the main, balance), by id and time.
    """
    key, column = _KEYS[grain]
    query = _PARTS.format(key=key, column=column, grain=grain.value)
    pairs = list(_added(conn))
    values = {
        "virtual": [virtual for virtual, _ in pairs],
        "added": [meter for _, meter in pairs],
        "mains": list(main_ids),
        "keys": [span.key for span in spans],
        "begins": [span.begin for span in spans],
        "ends": [span.end for span in spans],
    }
    rows = conn.execute(query.encode(), values)
    return list(_balances(rows))


def negative_remainders(
    conn: psycopg.Connection[Any], grain: Grain, spans: Sequence[Period], tolerance: Tolerance
) -> list[NegativeRemainder]:
    """Return where sub-meters measured more than came in, over all main meters.

    Args:
        conn: any.
        grain: of the periods.
        spans: from :func:`periods`; not empty.
        tolerance: how much more is no finding.

    Returns:
        Findings by main and time.
    """
    found = mains(conn, spans[0].begin, spans[-1].end)
    judged = (judge(balance, tolerance) for _, balance in balances(conn, found, grain, spans))
    return [finding for finding in judged if finding is not None]


def _added(conn: psycopg.Connection[Any]) -> Iterator[tuple[int, int]]:
    """Yield virtual meters, each with every meter that it adds, through other virtual ones too."""
    graph = virtual_meters(conn)
    added: dict[int, set[int]] = {}
    for meter in graph.order:
        plus = {other for other, factor in graph.terms[meter].items() if factor > 0}
        added[meter] = plus.union(*(added.get(other, ()) for other in plus))
        yield from ((meter, other) for other in sorted(added[meter]))


def _balances(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, Balance]]:
    for (main, begin), group in itertools.groupby(rows, itemgetter(0, 1)):
        parts: tuple[list[Part], list[Part], list[Part]] = ([], [], [])
        for _, _, part, code, micro, complete, ratio in group:
            parts[part].append(Part(code, micro, complete, ratio))
        own, generated, subs = parts
        if own and (generated or subs):
            yield main, Balance(begin, own[0], tuple(generated), tuple(subs))


def _hours(begin: datetime, end: datetime) -> Iterator[Period]:
    at, last = begin.astimezone(UTC), end.astimezone(UTC)
    while at < last:
        yield Period(at, at, at + _HOUR)
        at += _HOUR


def _next_day(day: date) -> date:
    return day + timedelta(days=1)
