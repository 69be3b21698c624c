"""Episodes and versions of rules in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import numpy as np
import numpy.typing as npt
import psycopg

from rules.derive.evaluate import Found
from rules.kinds.model import Sort
from rules.timeline.overlay import Windows
from rules.timeline.runs import Behind
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import at_us, us_of

# What touches a window, or could be bridged to what lies in it.
_EXTENT: Final[LiteralString] = """
SELECT w.subject, min(since), max(until)
FROM unnest(%(subjects)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (subject, begin_, end_)
JOIN episode ON episode.sort = %(sort)s AND episode.subject_id = w.subject
    AND episode.until >= w.begin_ AND episode.since <= w.end_
GROUP BY w.subject
"""
# All rows in one value: a Python object for each would cost more than the look-up.
_STORED: Final[LiteralString] = """
SELECT string_agg(
    int4send(rule_id) || int4send(subject_id) || timestamptz_send(since)
    || timestamptz_send(confirmed_at) || timestamptz_send(until) || int8send(stood_us)
    || int2send(CASE behind WHEN 'false' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END::int2), ''::bytea)
FROM unnest(%(subjects)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (subject, begin_, end_)
JOIN episode ON episode.sort = %(sort)s AND episode.subject_id = w.subject
    AND episode.until > w.begin_ AND episode.since < w.end_
"""
_DELETE: Final[LiteralString] = """
DELETE FROM episode
USING unnest(%s::int[], %s::int[], %s::timestamptz[]) AS gone (rule, subject, begin_)
WHERE episode.sort = %s AND episode.subject_id = gone.subject AND episode.rule_id = gone.rule
  AND since = gone.begin_
"""
_COPY: Final[LiteralString] = """
COPY episode (rule_id, sort, subject_id, since, confirmed_at, until, stood_us, behind) FROM STDIN
"""
_ROW: Final = np.dtype(
    [
        *(("rule", ">i4"), ("subject", ">i4"), ("since", ">i8"), ("confirmed", ">i8")),
        *(("until", ">i8"), ("stood", ">i8"), ("behind", ">i2")),
    ]
)
_BEHIND: Final = {Behind.FALSE: "false", Behind.UNKNOWN: "unknown", Behind.EDGE: "edge"}


@dataclass(frozen=True, slots=True)
class Replaced:
    """What became of episodes.

    Attributes:
        subjects: of which any differs from before.
        written: how many are new, or others than before.
    """

    subjects: frozenset[int]
    written: int


def extents(
    conn: psycopg.Connection[Any], sort: Sort, windows: Windows
) -> Mapping[int, tuple[int, int]]:
    """Return from when to when episodes reach that touch a subject's window, µs UTC."""
    rows = conn.execute(_EXTENT, _values(sort, windows))
    return {subject: (us_of(since), us_of(until)) for subject, since, until in rows}


def replace(
    conn: psycopg.Connection[Any],
    sort: Sort,
    windows: Windows,
    found: Sequence[Found],
    spared: Mapping[int, Collection[int]],
) -> Replaced:
    """Make the episodes of subjects within their windows what was found; what is the same stays.

    Args:
        conn: in the transaction of the claims.
        sort: of the subjects.
        windows: no episode reaches beyond them.
        found: what there is.
        spared: of a version, by its id, the subjects of which nobody knows what it would find: what
            was found there stays.
    """
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(_STORED, _values(sort, windows), prepare=False).fetchone()
    stored = _single(bytes(row[0]) if row and row[0] else b"")
    wanted = _single(b"".join(_packed(one) for one in found))
    gone, new = (_without(_rows(rows), spared) for rows in (stored - wanted, wanted - stored))
    if len(gone):
        conn.execute(
            _DELETE,
            [
                arrays.ids(gone["rule"].tolist()),
                arrays.ids(gone["subject"].tolist()),
                arrays.times((gone["since"] + PG_EPOCH_US).tolist()),
                sort.value,
            ],
        )
    _insert(conn, sort, new)
    subjects = frozenset([*gone["subject"].tolist(), *new["subject"].tolist()])
    return Replaced(subjects, len(new))


def _packed(found: Found) -> bytes:
    """Runs in the form in which the database hands rows out."""
    runs = found.runs
    rows = np.empty(len(runs), _ROW)
    rows["rule"], rows["subject"] = found.version.id, runs.subject
    rows["since"] = runs.since - PG_EPOCH_US
    rows["confirmed"] = runs.confirmed - PG_EPOCH_US
    rows["until"] = runs.until - PG_EPOCH_US
    rows["stood"], rows["behind"] = runs.true_us, runs.behind
    return rows.tobytes()


def _single(rows: bytes) -> set[bytes]:
    return {rows[at : at + _ROW.itemsize] for at in range(0, len(rows), _ROW.itemsize)}


def _rows(rows: set[bytes]) -> npt.NDArray[np.void]:
    return np.frombuffer(b"".join(sorted(rows)), _ROW)


def _without(
    rows: npt.NDArray[np.void], spared: Mapping[int, Collection[int]]
) -> npt.NDArray[np.void]:
    for rule, subjects in spared.items():
        rows = rows[(rows["rule"] != rule) | ~np.isin(rows["subject"], list(subjects))]
    return rows


def _insert(conn: psycopg.Connection[Any], sort: Sort, rows: npt.NDArray[np.void]) -> None:
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for rule, subject, since, confirmed, until, stood, behind in rows.tolist():
            moments = (at_us(at + PG_EPOCH_US) for at in (since, confirmed, until))
            copy.write_row((rule, sort.value, subject, *moments, stood, _BEHIND[Behind(behind)]))


def _values(sort: Sort, windows: Windows) -> dict[str, object]:
    return {
        "sort": sort.value,
        "subjects": arrays.ids(windows.subject.tolist()),
        "begins": arrays.times(windows.begin.tolist()),
        "ends": arrays.times(windows.end.tolist()),
    }
