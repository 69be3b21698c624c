"""What the meters of utility accounts counted day by day, read as arrays: a city has a million."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import psycopg

from metering.bills.share import MeterDays, days_between, spans_of
from metering.tree.account_mains import Standing, standing
from metering.tree.timeline import NEVER
from storage import arrays
from storage.times import midnight

# On which days a meter counts for an account: not while it stands behind another of the account.
_PIECES: Final[LiteralString] = """
    WITH bound AS (
        SELECT b.account_id, b.meter_id, b.valid * daterange(%(first)s, %(end)s) AS valid
        FROM utility_account_meter b JOIN meter m ON m.id = b.meter_id
        WHERE b.withdrawn_at IS NULL AND b.account_id = ANY(%(accounts)s) AND m.direction = 'in'
            AND b.valid && daterange(%(first)s, %(end)s)
    ), inside AS (
        SELECT account_id, meter_id, range_agg(daterange(since, until)) AS days
        FROM unnest(%(inside_accounts)s::int[], %(inside_meters)s::int[],
                    %(inside_sinces)s::date[], %(inside_untils)s::date[])
            AS i (account_id, meter_id, since, until)
        GROUP BY account_id, meter_id
    )
    SELECT account_id, meter_id, lower(piece), upper(piece)
    FROM bound b LEFT JOIN inside USING (account_id, meter_id),
        unnest(datemultirange(b.valid) - coalesce(inside.days, '{}')) AS piece
    ORDER BY account_id, meter_id, 3
"""
# Whole columns, each as one array: row by row they would take longer to fetch than to add up.
_DAYS: Final[LiteralString] = """
    SELECT array_agg(p.place), array_agg(c.day - %(first)s::date), array_agg(c.micro * p.sign),
        array_agg(c.estimated), array_agg(c.covered_s)
    FROM unnest(%(places)s::int[], %(meters)s::int[], %(firsts)s::int[], %(ends)s::int[],
                %(signs)s::int[])
        AS p (place, meter_id, first, until, sign)
    JOIN consumption_day c ON c.meter_id = p.meter_id
        AND c.day >= %(first)s::date + p.first AND c.day < %(first)s::date + p.until
"""
_KINDS: Final = (">i4", ">i4", ">i8", ">i8", ">i4")
_HEADER_BYTES: Final = 20
"""Of a one-dimensional array in PostgreSQL's binary format."""

_Days = tuple[date, date]
"""First day, the day after the last."""
_Row = tuple[int, int | None]
"""(id of an account; id of one of its meters, or None for all of them)."""
_Column = npt.NDArray[np.int64]
_Table = npt.NDArray[np.int64]
"""A column for each day."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A meter counts for an account on the days ``[first, end)``.

    Attributes:
        sign: -1: it is another account's, and taken off.
        at: whose part it changes: itself, or the account's meter that it is taken off from; None:
            that is several.
    """

    account_id: int
    meter_id: int
    first: date
    end: date
    sign: int
    at: int | None


@dataclass(frozen=True, slots=True)
class Counted:
    """What an account's meters counted.

    Attributes:
        days: together, day by day.
        pieces: which of them on which days.
        each: id of a meter → what it counted, where that is asked for.
    """

    days: MeterDays
    pieces: Sequence[Piece]
    each: Mapping[int, MeterDays]

    def meters_on(self, days: Sequence[date]) -> tuple[int, ...]:
        """Return the ids of the meters on some days, those that are taken off too."""
        return tuple(piece.meter_id for piece in self._on(days))

    def counting_on(self, days: Sequence[date]) -> tuple[int, ...]:
        """Return the ids of the account's own meters that count on some days, which ascend."""
        return tuple(piece.meter_id for piece in self._on(days) if piece.sign > 0)

    def _on(self, days: Sequence[date]) -> Iterator[Piece]:
        spans = spans_of(days)
        for piece in self.pieces:
            if any(piece.first < end and first < piece.end for first, end in spans):
                yield piece


def by_account(
    conn: psycopg.Connection[Any],
    stretches: Mapping[int, _Days],
    zone: ZoneInfo,
    apart: Collection[int] = (),
) -> dict[int, Counted]:
    """Return what was counted for accounts; one without meters is absent.

    Args:
        conn: in any state.
        stretches: id of an account → the days that are wanted.
        zone: whose days; a day counts as whole when it is covered from midnight to midnight.
        apart: ids of accounts whose meters are wanted one by one too.
    """
    if not stretches:
        return {}
    first = min(begin for begin, _ in stretches.values())
    end = max(end for _, end in stretches.values())
    behind = standing(conn, zone)
    pieces = _pieces(conn, stretches, (first, end), behind)
    if not pieces:
        return {}
    # A row of the tables for each account, and one for each meter that is wanted by itself.
    placed: dict[_Row, list[Piece]] = {(account, None): every for account, every in pieces.items()}
    for piece in (piece for account in apart for piece in pieces.get(account, ())):
        if piece.at is not None:
            placed.setdefault((piece.account_id, piece.at), []).append(piece)
    rows = _rows(conn, placed.values(), first)
    sums = _running_sums(rows, placed.values(), (first, end), (zone, behind))
    days = {
        row: MeterDays(first, *(table[place] for table in sums)) for place, row in enumerate(placed)
    }
    return {
        account: Counted(
            days[account, None],
            every,
            {piece.at: days[account, piece.at] for piece in every if piece.at is not None}
            if account in apart
            else {},
        )
        for account, every in pieces.items()
    }


def _pieces(
    conn: psycopg.Connection[Any],
    stretches: Mapping[int, _Days],
    days: _Days,
    behind: Standing,
) -> dict[int, list[Piece]]:
    values = {
        "accounts": arrays.ids(stretches),
        "first": days[0],
        "end": days[1],
        **behind.days_inside(),
    }
    found: dict[int, list[Piece]] = defaultdict(list)
    for account, meter, begin, until in conn.execute(_PIECES, values):
        wanted = stretches[account]
        first, end = max(begin, wanted[0]), min(until, wanted[1])
        if first < end:
            found[account].append(Piece(account, meter, first, end, 1, meter))
    for one in behind.taken:
        wanted = stretches.get(one.account_id, (NEVER, NEVER))
        first, end = max(one.first, wanted[0]), min(one.end, wanted[1])
        if first < end:
            piece = Piece(one.account_id, one.meter_id, first, end, -1, one.at)
            found[one.account_id].append(piece)
    return found


def _rows(
    conn: psycopg.Connection[Any],
    placed: Iterable[Sequence[Piece]],
    first: date,
) -> tuple[_Column, ...]:
    """Return place, number of the day, millionths, estimated ones, and seconds of each row."""
    pieces = [(place, piece) for place, several in enumerate(placed) for piece in several]
    values = {
        "first": first,
        "places": arrays.ids([place for place, _ in pieces]),
        "meters": arrays.ids([piece.meter_id for _, piece in pieces]),
        "firsts": arrays.ids([(piece.first - first).days for _, piece in pieces]),
        "ends": arrays.ids([(piece.end - first).days for _, piece in pieces]),
        "signs": arrays.ids([piece.sign for _, piece in pieces]),
    }
    with conn.cursor(binary=True) as cursor:
        cursor.execute(_DAYS, values)
        result = cursor.pgresult
        if result is None or result.ntuples != 1:
            raise RuntimeError("the days' statement returned no row")
        return tuple(_items(result.get_value(0, n), kind) for n, kind in enumerate(_KINDS))


def _items(array: bytes | None, kind: str) -> _Column:
    body = b"" if array is None else memoryview(array)[_HEADER_BYTES:]
    items = np.frombuffer(body, np.dtype([("size", ">i4"), ("item", kind)]))["item"]
    return items.astype(np.int64)


def _running_sums(
    rows: tuple[_Column, ...],
    placed: Collection[Sequence[Piece]],
    days: _Days,
    by: tuple[ZoneInfo, Standing],
) -> list[_Table]:
    """Return running sums in the order of the attributes of :class:`MeterDays`."""
    zone, behind = by
    shape = len(placed), (days[1] - days[0]).days
    place, day, micros, estimates, seconds = rows
    lengths = np.asarray(_seconds(days, zone))
    whole = (seconds >= lengths[day]).astype(np.int64)
    micro, estimated, seen, covered = (
        _added(shape, (place, day), values)
        for values in (micros, estimates, np.ones(len(day), np.int64), whole)
    )
    wanted = _meters(shape, placed, days[0])
    complete = (wanted > 0) & (covered == wanted)
    for row, since, until in _doubts(placed, behind, days):
        complete[row, since:until] = False
    return [
        np.pad(np.cumsum(table, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
        for table in (micro, estimated, seen > 0, complete, micro < 0)
    ]


def _doubts(
    placed: Iterable[Sequence[Piece]], behind: Standing, days: _Days
) -> Iterator[tuple[int, int, int]]:
    """Yield rows and days, from the first to the one after the last, that may count twice."""
    spans: dict[int, list[_Days]] = defaultdict(list)
    for (account, _), line in behind.doubts.items():
        spans[account] += [(max(s.begin, days[0]), min(s.end, days[1])) for s in line]
    for row, several in enumerate(placed if spans else ()):
        for since, until in spans.get(several[0].account_id, ()):
            if since < until:
                yield row, (since - days[0]).days, (until - days[0]).days


def _added(shape: tuple[int, int], at: tuple[_Column, _Column], values: _Column) -> _Table:
    table = np.zeros(shape, np.int64)
    np.add.at(table, at, values)
    return table


def _meters(shape: tuple[int, int], placed: Iterable[Sequence[Piece]], first: date) -> _Table:
    """Return how many meters each row has on each day."""
    changes = np.zeros((shape[0], shape[1] + 1), np.int64)
    for place, several in enumerate(placed):
        for piece in several:
            changes[place, (piece.first - first).days] += 1
            changes[place, (piece.end - first).days] -= 1
    return np.cumsum(changes, axis=1)[:, :-1]


def _seconds(days: _Days, zone: ZoneInfo) -> list[int]:
    """Return how long each day is: the clock may change."""
    bounds = [midnight(day, zone).timestamp() for day in (*days_between(*days), days[1])]
    return [int(end - begin) for begin, end in pairwise(bounds)]
