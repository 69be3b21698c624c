"""Readings around a change, of many counters in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.pq import ExecStatus

from metering.counter.model import Int64s
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import at_us

Floats = npt.NDArray[np.float64]

# Per counter: the last rows before the change, all in it, the first ones behind it. Three index
# descents, however long the history is: with a bound on both sides the planner thinks that few rows
# qualify, and sorts all of them, so what a binding does not hold is dropped afterwards. The outer
# bounds are constants, so that TimescaleDB leaves out chunks once and not for each counter.
AROUND: Final = """
SELECT near.ts, near.value
FROM unnest(
    %(points)s::int[], %(befores)s::timestamptz[], %(froms)s::timestamptz[],
    %(tos)s::timestamptz[], %(aheads)s::timestamptz[]
) WITH ORDINALITY AS wanted (point, before_, from_, to_, ahead_, n)
CROSS JOIN LATERAL (
    SELECT array_agg(ts) AS ts, array_agg(value) AS value FROM (
        (SELECT ts, value FROM reading
         WHERE point_id = point AND ts < before_ AND ts < %(newest)s AND value IS NOT NULL
         ORDER BY ts DESC LIMIT %(most)s)
        UNION ALL
        (SELECT ts, value FROM reading
         WHERE point_id = point AND ts >= from_ AND ts <= to_
           AND ts >= %(oldest)s AND ts <= %(newest)s AND value IS NOT NULL)
        UNION ALL
        (SELECT ts, value FROM reading
         WHERE point_id = point AND ts >= ahead_ AND ts > %(oldest)s AND value IS NOT NULL
         ORDER BY ts LIMIT %(most)s)
    ) AS rows
) AS near
ORDER BY n
"""

_HEADER_BYTES: Final = 20  # of a one-dimensional array in PostgreSQL's binary format
_TIMES: Final = np.dtype([("size", ">i4"), ("item", ">i8")])
_VALUES: Final = np.dtype([("size", ">i4"), ("item", ">f8")])


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which readings of a counter: those of a change, and some on either side of it.

    Attributes:
        point_id: the counter.
        begin_us: none before this.
        end_us: none from this on.
        from_us: begin of the change.
        to_us: end of the change, inclusive.
    """

    point_id: int
    begin_us: int
    end_us: int
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Found:
    """Readings around a change, by time; those without a value are none.

    Attributes:
        ts: µs UTC.
        values: in the unit of the point.
        whole_before: no reading lies before the first.
        whole_after: no reading lies behind the last.
    """

    ts: Int64s
    values: Floats
    whole_before: bool
    whole_after: bool


def around(conn: psycopg.Connection, wanted: Sequence[Wanted], most: int | None) -> Iterator[Found]:
    """Yield for each counter, in their order, what lies in and around its change.

    Args:
        conn: any connection.
        wanted: the counters.
        most: how many readings on either side; None: all there are.
    """
    if not wanted:
        return
    values = {
        "points": arrays.ids([one.point_id for one in wanted]),
        "befores": arrays.times([min(one.from_us, one.end_us) for one in wanted]),
        "froms": arrays.times([max(one.from_us, one.begin_us) for one in wanted]),
        "tos": arrays.times([min(one.to_us, one.end_us - 1) for one in wanted]),
        "aheads": arrays.times([max(one.to_us + 1, one.begin_us) for one in wanted]),
        "oldest": at_us(min(one.from_us for one in wanted)),
        "newest": at_us(max(one.to_us for one in wanted)),
        "most": most,
    }
    with conn.cursor(binary=True) as cursor:
        cursor.execute(AROUND, values, prepare=False)
        result = cursor.pgresult
        if result is None or result.status != ExecStatus.TUPLES_OK:
            raise RuntimeError("the readings' statement returned no rows")
        for row, one in enumerate(wanted):
            ts = _items(result.get_value(row, 0), _TIMES).astype(np.int64) + PG_EPOCH_US
            shown = _items(result.get_value(row, 1), _VALUES).astype(np.float64)
            yield _found(ts, shown, one, most)


def _items(array: bytes | None, layout: np.dtype[np.void]) -> npt.NDArray[Any]:
    body = b"" if array is None else memoryview(array)[_HEADER_BYTES:]
    return np.frombuffer(body, layout)["item"]


def _found(ts: Int64s, values: Floats, one: Wanted, most: int | None) -> Found:
    order = np.argsort(ts, kind="stable")
    ts, values = ts[order], values[order]
    start, stop = np.searchsorted(ts, (one.begin_us, one.end_us)).tolist()
    ts, values = ts[start:stop], values[start:stop]
    before = int(np.searchsorted(ts, one.from_us, side="left"))
    behind = len(ts) - int(np.searchsorted(ts, one.to_us, side="right"))
    # Fewer than asked for, or some beyond the binding, which are dropped: the others are all.
    return Found(
        ts,
        values,
        whole_before=most is None or before < most,
        whole_after=most is None or behind < most,
    )
