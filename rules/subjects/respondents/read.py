"""What the database knows of what institutions were asked: it counts, for thousands wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from rules.subjects.model import Conn
from rules.subjects.respondents.waiting import ASKS, Looked, Turns
from storage import arrays
from storage.times import ALWAYS_US, us_of

# One whose state has not changed since before a time, and that does not wait, did not wait in it;
# what was explained since is among them.
_TURNS: Final[LiteralString] = """
WITH asked AS (
    SELECT n, begin_, end_, doubt.id, doubt.opened_at
    FROM unnest(%(institutions)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
        WITH ORDINALITY AS w (institution, begin_, end_, n)
    JOIN doubt_respondent AS mine ON mine.institution_id = w.institution
    JOIN doubt ON doubt.id = mine.doubt_id AND doubt.opened_at < end_
        AND (doubt.state = 'asked' OR doubt.changed_at >= begin_ - interval '1 minute')
), deed AS (
    SELECT n, begin_, end_, asked.id AS doubt_id, doubt_deed.id, at, step = 'explain' AS answers,
           (step = ANY(%(asks)s))::int AS waits
    FROM asked JOIN doubt_deed ON doubt_deed.doubt_id = asked.id AND step <> 'escalate'
), turn AS (
    SELECT n, begin_, end_, id, opened_at AS at, 1 AS more, false AS answers FROM asked
    UNION ALL
    SELECT n, begin_, end_, doubt_id, at,
           waits - lag(waits, 1, 1) OVER (PARTITION BY n, doubt_id ORDER BY id), answers
    FROM deed
)
"""
_COUNTED: Final[LiteralString] = f"""{_TURNS}
SELECT n, greatest(at, begin_ - interval '1 minute') AS at, sum(more), bool_or(answers)
FROM turn WHERE at < end_ GROUP BY 1, 2
"""  # noqa: S608 - our own text
_NAMED: Final[LiteralString] = f"""{_TURNS}
SELECT id, sum(more) > 0, count(*) FILTER (WHERE answers AND at >= begin_)
FROM turn WHERE at < end_ GROUP BY id ORDER BY id
"""  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class Named:
    """What an institution was asked in a time.

    Attributes:
        waiting: numbers of doubts that wait when it ends, ascending.
        explained: how many explanations it gave.
    """

    waiting: Sequence[int]
    explained: int


def turns(conn: Conn, looked: Sequence[Looked]) -> Mapping[int, Turns]:
    """Return what began and ceased to wait, by the place of the window in the list."""
    found: dict[int, Turns] = defaultdict(Turns)
    for n, at, more, answered in conn.execute(_COUNTED, _values(looked)):
        one = found[n - 1]
        one.changes.append((us_of(at), more))
        if answered:
            one.answers.append(us_of(at))
    return found


def named(conn: Conn, looked: Looked) -> Named:
    """Return which doubts wait when a window ends, and how many were explained meanwhile."""
    rows = conn.execute(_NAMED, _values([looked])).fetchall()
    return Named([id_ for id_, waits, _ in rows if waits], sum(row[2] for row in rows))


def _values(looked: Sequence[Looked]) -> Mapping[str, object]:
    return {
        "institutions": arrays.ids(subject for subject, _, _ in looked),
        "begins": arrays.times([max(begin, ALWAYS_US) for _, begin, _ in looked]),
        "ends": arrays.times([end for *_, end in looked]),
        "asks": [str(step) for step in sorted(ASKS)],
    }
