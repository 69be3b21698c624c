"""Episodes and versions of rules in the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg

from rules.derive.evaluate import Found
from rules.timeline.overlay import Windows
from rules.timeline.runs import Behind
from storage import arrays
from storage.times import at_us, us_of

# What touches a window, or could be bridged to what lies in it.
_EXTENT: Final[LiteralString] = """
SELECT w.place, min(since), max(until)
FROM unnest(%(places)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (place, begin_, end_)
JOIN episode ON episode.place_id = w.place
    AND episode.until >= w.begin_ AND episode.since <= w.end_
GROUP BY w.place
"""
_DELETE: Final[LiteralString] = """
DELETE FROM episode
USING unnest(%(places)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (place, begin_, end_)
WHERE episode.place_id = w.place AND episode.until > w.begin_ AND episode.since < w.end_
"""
_COPY: Final[LiteralString] = """
COPY episode (rule_id, place_id, since, confirmed_at, until, stood, behind) FROM STDIN
"""
_BEHIND: Final = {Behind.FALSE: "false", Behind.UNKNOWN: "unknown", Behind.EDGE: "edge"}


def extents(conn: psycopg.Connection[Any], windows: Windows) -> Mapping[int, tuple[int, int]]:
    """Return from when to when episodes reach that touch a place's window, µs UTC."""
    rows = conn.execute(_EXTENT, _values(windows))
    return {place: (us_of(since), us_of(until)) for place, since, until in rows}


def replace(conn: psycopg.Connection[Any], windows: Windows, found: Sequence[Found]) -> int:
    """Replace the episodes of places within their windows; return how many there are now.

    Args:
        conn: in the transaction of the claims.
        windows: no episode reaches beyond them.
        found: what there is.
    """
    conn.execute(_DELETE, _values(windows))
    written = 0
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for one in found:
            for row in _rows(one):
                copy.write_row(row)
                written += 1
    return written


def _rows(found: Found) -> Iterable[tuple[object, ...]]:
    runs = found.runs
    for place, since, confirmed, until, true_us, behind in zip(
        runs.subject.tolist(),
        runs.since.tolist(),
        runs.confirmed.tolist(),
        runs.until.tolist(),
        runs.true_us.tolist(),
        runs.behind.tolist(),
        strict=True,
    ):
        yield (
            found.version.id,
            place,
            at_us(since),
            at_us(confirmed),
            at_us(until),
            timedelta(microseconds=true_us),
            _BEHIND[Behind(behind)],
        )


def _values(windows: Windows) -> dict[str, object]:
    return {
        "places": arrays.ids(windows.subject.tolist()),
        "begins": arrays.times(windows.begin.tolist()),
        "ends": arrays.times(windows.end.tolist()),
    }
