"""What main meters, their sub-meters and the sources of these measured, period by period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, Final, LiteralString

import psycopg

from metering.tree.periods import Grain, Period


class As(IntEnum):
    """As what a meter belongs to a balance."""

    MAIN = 0
    GENERATED = 1  # behind the main
    SUB = 2
    ASIDE = 3  # a virtual sub-meter that is left out meanwhile


@dataclass(frozen=True, slots=True)
class Row:
    """A meter belongs to a balance, for a period or for whole quarters of it.

    Attributes:
        main: id of the main meter.
        period: where it stands in the list of periods.
        part: as what.
        meter: its id.
        code: of the meter.
        micro: what it measured; None: nothing is known.
        complete: known for all the time that it belongs to the balance.
        ratio: CT × PT in force when it came.
        since: first quarter that belongs to it.
        until: end of the last.
    """

    main: int
    period: int
    part: As
    meter: int
    code: str
    micro: int | None
    complete: bool
    ratio: Decimal
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Measured:
    """What a meter measured in a period or in whole quarters of it; see :class:`Row`."""

    code: str
    micro: int | None
    complete: bool


Asked = tuple[int, Period, datetime, datetime]
"""Id of a meter, the period, and its quarters concerned: begin of the first, end of the last."""

# A whole period stands in its rollup; less is summed from quarters.
_MEASURED: Final[LiteralString] = """
LEFT JOIN LATERAL (
    SELECT micro, covered_s FROM consumption_{grain}
    WHERE whole AND meter_id = b.meter_id AND {column} = key
    UNION ALL
    SELECT sum(micro)::int8, sum(covered_s) FROM consumption
    WHERE NOT whole AND meter_id = b.meter_id AND slot >= from_ AND slot < to_
    HAVING NOT whole
) AS c ON true
"""
# A virtual sub-meter stands aside while one of the meters it adds hangs below the same main itself,
# however deep: it would count a second time. Whoever comes and goes between the begins of two
# quarters has none of them.
_PARTS: Final[LiteralString] = """
WITH RECURSIVE periods AS (
    SELECT n, key, begin_, end_ FROM unnest(
        %(keys)s::{key}[], %(begins)s::timestamptz[], %(ends)s::timestamptz[]
    ) WITH ORDINALITY AS given (key, begin_, end_, n)
), added AS (
    SELECT * FROM unnest(%(virtual)s::int[], %(added)s::int[]) AS given (virtual_id, meter_id)
), below AS (
    SELECT main_id, meter_id, valid FROM meter_main
    WHERE main_id = ANY(%(mains)s) AND main_id IN (
        SELECT l.main_id FROM meter_main l JOIN added ON virtual_id = l.meter_id
    )
    UNION
    SELECT b.main_id, l.meter_id, b.valid * l.valid
    FROM below b JOIN meter_main l ON l.main_id = b.meter_id AND l.valid && b.valid
), aside AS (
    SELECT b.main_id, a.virtual_id AS meter_id, range_agg(b.valid * m.valid) AS spans
    FROM below b JOIN added a USING (meter_id) JOIN meter m ON m.id = b.meter_id
    GROUP BY 1, 2
), hung AS (
    SELECT l.main_id, l.meter_id, CASE WHEN m.direction = 'generated' THEN 1 ELSE 2 END AS part,
           tstzmultirange(l.valid * m.valid * main.valid) AS held, coalesce(spans, '{{}}') AS spans
    FROM meter_main l JOIN meter m ON m.id = l.meter_id JOIN meter main ON main.id = l.main_id
    LEFT JOIN aside ON (aside.main_id, aside.meter_id) = (l.main_id, l.meter_id)
    WHERE l.main_id = ANY(%(mains)s) AND (m.energy, m.unit) = (main.energy, main.unit)
), members AS (
    SELECT id AS main_id, id AS meter_id, 0 AS part, valid FROM meter WHERE id = ANY(%(mains)s)
    UNION ALL
    SELECT main_id, meter_id, part, unnest(held - spans) FROM hung
    UNION ALL
    SELECT main_id, meter_id, 3, unnest(held * spans) FROM hung
), belonging AS (
    SELECT n, key, main_id, meter_id, part, lower(span) AS since,
           key IS NOT NULL AND span = tstzrange(begin_, end_) AS whole,
           date_bin('15 minutes', lower(span) + interval '899.999999 s', 'epoch') AS from_,
           date_bin('15 minutes', upper(span) + interval '899.999999 s', 'epoch') AS to_
    FROM periods JOIN members ON valid && tstzrange(begin_, end_),
    LATERAL (SELECT valid * tstzrange(begin_, end_) AS span) AS cut
)
SELECT main_id, n, part, b.meter_id, meter.code, c.micro,
       coalesce(c.covered_s, 0) >= extract(epoch FROM to_ - from_),
       coalesce((SELECT ct * pt FROM meter_ratio r
                 WHERE r.meter_id = b.meter_id AND withdrawn_at IS NULL AND r.valid @> since), 1),
       from_, to_
FROM belonging b JOIN meter ON meter.id = b.meter_id
{measured}
WHERE from_ < to_
ORDER BY main_id, n, part, meter.code, since
"""
_SOURCES: Final[LiteralString] = """
WITH asked AS (
    SELECT n, meter_id, key, key IS NOT NULL AS whole, from_, to_ FROM unnest(
        %(meters)s::int[], %(keys)s::{key}[], %(froms)s::timestamptz[], %(tos)s::timestamptz[]
    ) WITH ORDINALITY AS given (meter_id, key, from_, to_, n)
)
SELECT meter.code, c.micro, coalesce(c.covered_s, 0) >= extract(epoch FROM to_ - from_)
FROM asked b JOIN meter ON meter.id = b.meter_id
{measured}
ORDER BY n
"""
_KEYS: Final[Mapping[Grain, tuple[LiteralString, LiteralString]]] = {
    Grain.HOUR: ("timestamptz", "slot"),
    Grain.DAY: ("date", "day"),
    Grain.MONTH: ("date", "month"),
}


def parts(
    conn: psycopg.Connection[Any],
    mains: Sequence[int],
    grain: Grain,
    spans: Sequence[Period],
    contents: Mapping[int, Mapping[int, Fraction]],
) -> Iterator[Row]:
    """Yield main meters, what is generated behind them, and their sub-meters.

    Args:
        conn: any.
        mains: ids of the main meters.
        grain: of the periods.
        spans: the periods.
        contents: factors of all that virtual meters are made of.

    Returns:
        By main, period, part, code and time.
    """
    pairs = [(v, m) for v, those in contents.items() for m, factor in those.items() if factor > 0]
    values = {
        "virtual": [virtual for virtual, _ in pairs],
        "added": [meter for _, meter in pairs],
        "mains": list(mains),
        "keys": [span.key for span in spans],
        "begins": [span.begin for span in spans],
        "ends": [span.end for span in spans],
    }
    rows = conn.execute(_of(grain, _PARTS), values)
    return (Row(main, n - 1, As(part), *rest) for main, n, part, *rest in rows)


def measured(conn: psycopg.Connection[Any], grain: Grain, asked: Iterable[Asked]) -> list[Measured]:
    """Return what meters measured in periods or in parts of them, in the order of the questions.

    Args:
        conn: any.
        grain: of the periods.
        asked: whose, and when.
    """
    values: dict[str, list[object]] = {"meters": [], "keys": [], "froms": [], "tos": []}
    for meter, span, since, until in asked:
        whole = (since, until) == (span.begin, span.end)
        row = (meter, span.key if whole else None, since, until)
        for column, value in zip(values.values(), row, strict=True):
            column.append(value)
    if not values["meters"]:
        return []
    return [Measured(*row) for row in conn.execute(_of(grain, _SOURCES), values)]


def _of(grain: Grain, query: LiteralString) -> bytes:
    key, column = _KEYS[grain]
    measured = _MEASURED.format(column=column, grain=grain.value)
    return query.format(key=key, measured=measured).encode()
