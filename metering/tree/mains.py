"""Balances of main meters by hour, day and month, as the database has them."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from operator import attrgetter
from typing import Any, Final, LiteralString

import psycopg

from metering.tree.measured import As, Measured, Row, measured, parts
from metering.tree.periods import Grain, Period
from metering.tree.remainder import Balance, Part, Shared
from metering.tree.shared import Stay, Within, half_away, overlaps, twice
from metering.tree.virtual import virtual_meters

_MAINS: Final[LiteralString] = """
SELECT DISTINCT main_id FROM meter_main WHERE valid && tstzrange(%s, %s) ORDER BY main_id
"""


def mains(conn: psycopg.Connection[Any], begin: datetime, end: datetime) -> list[int]:
    """Return the ids of all meters that were main meters some time between two times, aware."""
    return [id_ for (id_,) in conn.execute(_MAINS, [begin, end])]


def balances(
    conn: psycopg.Connection[Any], main_ids: Sequence[int], grain: Grain, spans: Sequence[Period]
) -> list[tuple[int, Balance]]:
    """Return main meters against their sub-meters.

    A sub-meter that comes or goes within a period is taken for its time alone: from its quarters,
    of which each belongs to whoever holds it at its begin. A virtual one is left out while a meter
    that it adds hangs below the same main; what several of them add is taken off again.

    Args:
        conn: any.
        main_ids: of which meters.
        grain: of the periods.
        spans: from :func:`periods.periods`.

    Returns:
        (id of the main, balance), by id and time.
    """
    contents = virtual_meters(conn).contents()
    rows = parts(conn, main_ids, grain, spans, contents)
    groups = [
        group
        for key, those in itertools.groupby(rows, attrgetter("main", "period"))
        if (group := _group(key, spans, those)).own and (group.generated or group.subs)
    ]
    shared = _shared(conn, grain, groups, contents)
    return [(group.main, _balance(group, shared.get(at, ()))) for at, group in enumerate(groups)]


@dataclass(frozen=True, slots=True)
class _Group:
    """A main meter and all that belongs to its balance in a period."""

    main: int
    period: Period
    own: list[Row]
    generated: list[Row]
    subs: list[Row]
    aside: list[Row]


def _group(key: tuple[int, int], spans: Sequence[Period], rows: Iterable[Row]) -> _Group:
    main, period = key
    by_part: tuple[list[Row], ...] = tuple([] for _ in As)
    for row in rows:
        by_part[row.part].append(row)
    return _Group(main, spans[period], *by_part)


def _balance(group: _Group, shared: Sequence[Shared]) -> Balance:
    own, generated, subs = (
        tuple(Part(row.code, row.micro, row.complete, row.ratio) for row in rows)
        for rows in (group.own, group.generated, group.subs)
    )
    aside = tuple(dict.fromkeys(row.code for row in group.aside))
    return Balance(group.period.begin, own[0], generated, subs, tuple(shared), aside)


def _shared(
    conn: psycopg.Connection[Any],
    grain: Grain,
    groups: Sequence[_Group],
    contents: Mapping[int, Mapping[int, Fraction]],
) -> dict[int, list[Shared]]:
    """Return what counts twice in each group, by its place in the list."""
    found = [
        (at, generated, overlap)
        for at, group in enumerate(groups)
        for generated, rows in ((True, group.generated), (False, group.subs))
        for overlap in overlaps(_stays(rows, contents), contents)
    ]
    asked = [(o.source, groups[at].period, o.begin, o.end) for at, _, o in found]
    sums: dict[tuple[int, bool, str, Within], list[Measured]] = defaultdict(list)
    for (at, generated, overlap), known in zip(found, measured(conn, grain, asked), strict=True):
        sums[at, generated, known.code, overlap.within].append(known)
    shared: dict[int, list[Shared]] = defaultdict(list)
    for (at, generated, source, within), those in sums.items():
        taken = _taken_off(those, twice(factor for _, factor in within))
        complete = all(one.complete for one in those)
        shared[at].append(Shared(source, within, taken, complete, generated))
    return shared


def _stays(rows: Iterable[Row], contents: Container[int]) -> list[Stay]:
    """Return when virtual meters are there; one alone shares with nobody."""
    virtual = [row for row in rows if row.meter in contents]
    if len(virtual) < 2:
        return []
    # In UTC: in the zone of the session an hour may come twice, and look the same.
    return [
        Stay(row.meter, row.code, row.since.astimezone(UTC), row.until.astimezone(UTC))
        for row in virtual
    ]


def _taken_off(those: Iterable[Measured], factor: Fraction) -> int | None:
    micros = [one.micro for one in those]
    known = [micro for micro in micros if micro is not None]
    return half_away(factor * sum(known)) if len(known) == len(micros) else None
