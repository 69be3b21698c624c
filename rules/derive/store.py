"""Episodes and versions of rules in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

import numpy as np
import numpy.typing as npt
import psycopg

from rules.derive.evaluate import Found
from rules.derive.settled import Matters, Spans
from rules.kinds.model import Sort
from rules.ruleset.model import Version
from rules.timeline.overlay import Windows
from rules.timeline.runs import Behind, Runs
from storage import arrays
from storage.records import PG_EPOCH_US
from storage.times import at_us

# What touches a window, and as far as that which touches what changed in it reaches. All rows in
# one value: a Python object for each would cost more than the look-up. What is asked for is mostly
# new, so the end of an episode finds it: by its begin, all that ever was would be looked through;
# `coalesce` keeps the planner from that.
_STORED: Final[LiteralString] = """
SELECT string_agg(
    int4send(rule_id) || int4send(subject_id) || timestamptz_send(since)
    || timestamptz_send(confirmed_at) || timestamptz_send(until) || int8send(stood_us)
    || int2send(CASE behind WHEN 'false' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END::int2), ''::bytea)
FROM unnest(%(subjects)s::int[], %(froms)s::timestamptz[], %(tos)s::timestamptz[],
            %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (subject, from_, to_, begin_, end_)
CROSS JOIN LATERAL (
    SELECT least(begin_, min(since) - %(room)s) AS begin_,
           greatest(end_, max(until) + %(room)s) AS end_
    FROM episode
    WHERE sort = %(sort)s AND subject_id = w.subject
        AND until >= from_ AND coalesce(since, to_) <= to_
) AS seen
CROSS JOIN LATERAL (
    SELECT * FROM episode
    WHERE sort = %(sort)s AND subject_id = w.subject
        AND until >= seen.begin_ AND coalesce(since, seen.end_) <= seen.end_
    OFFSET 0
) AS episode
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
Rows = npt.NDArray[np.void]
"""Episodes, in the form in which the database hands them out."""
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


def stored(
    conn: psycopg.Connection[Any], sort: Sort, changed: Windows, seen: Windows, room_us: int
) -> Rows:
    """Return the episodes of subjects that touch their windows.

    Args:
        conn: any connection.
        sort: of the subjects.
        changed: where what rules look at changed.
        seen: of the same subjects; widened over the episodes that touch what changed.
        room_us: by so much more.
    """
    values = {
        "sort": sort.value,
        "subjects": arrays.ids(seen.subject.tolist()),
        "froms": arrays.times(changed.begin.tolist()),
        "tos": arrays.times(changed.end.tolist()),
        "begins": arrays.times(seen.begin.tolist()),
        "ends": arrays.times(seen.end.tolist()),
        "room": timedelta(microseconds=room_us),
    }
    with conn.cursor(binary=True) as cursor:
        row = cursor.execute(_STORED, values, prepare=False).fetchone()
    return _rows(bytes(row[0]) if row and row[0] else b"")


def replace(
    conn: psycopg.Connection[Any],
    sort: Sort,
    stored: Rows,
    found: Sequence[Found],
    spared: Mapping[int, Collection[int]],
) -> Replaced:
    """Make episodes of subjects what was found; what is the same stays.

    Args:
        conn: in the transaction of the claims.
        sort: of the subjects.
        stored: what there was.
        found: what there is.
        spared: of a version, by its id, the subjects of which nobody knows what it would find: what
            was found there stays.
    """
    before = _single(stored.tobytes())
    wanted = _single(b"".join(_packed(one) for one in found))
    gone, new = (
        _without(_rows(b"".join(sorted(rows))), spared)
        for rows in (before - wanted, wanted - before)
    )
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
    if len(new):
        _insert(conn, sort, new)
    subjects = frozenset([*gone["subject"].tolist(), *new["subject"].tolist()])
    return Replaced(subjects, len(new))


def spans(rows: Rows, matters: Matters) -> Spans:
    """Return when episodes stood."""
    subject, rule = (rows[name].astype(np.int64) for name in ("subject", "rule"))
    since, until = (rows[name].astype(np.int64) + PG_EPOCH_US for name in ("since", "until"))
    return Spans.found(subject, matters.numbers(rule), since, until)


def runs(rows: Rows, version: Version, subject: int) -> Runs:
    """Return what a version of a rule had found at a subject."""
    mine = np.sort(rows[(rows["rule"] == version.id) & (rows["subject"] == subject)], order="since")
    since, confirmed, until = (
        mine[name].astype(np.int64) + PG_EPOCH_US for name in ("since", "confirmed", "until")
    )
    whose, stood = (mine[name].astype(np.int64) for name in ("subject", "stood"))
    return Runs(whose, since, confirmed, until, stood, mine["behind"].astype(np.int8))


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


def _rows(rows: bytes) -> Rows:
    return np.frombuffer(rows, _ROW)


def _without(rows: Rows, spared: Mapping[int, Collection[int]]) -> Rows:
    for rule, subjects in spared.items():
        rows = rows[(rows["rule"] != rule) | ~np.isin(rows["subject"], list(subjects))]
    return rows


def _insert(conn: psycopg.Connection[Any], sort: Sort, rows: Rows) -> None:
    with conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for rule, subject, since, confirmed, until, stood, behind in rows.tolist():
            moments = (at_us(at + PG_EPOCH_US) for at in (since, confirmed, until))
            copy.write_row((rule, sort.value, subject, *moments, stood, _BEHIND[Behind(behind)]))
