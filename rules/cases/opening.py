"""Keeps doubts in step with episodes: opens them, moves their times, withdraws them."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from rules.cases.life import STEPS, State, Step
from rules.cases.matching import Changes, Doubt, Episode, matched
from rules.derive.span import Look
from rules.kinds.model import Sort
from rules.subjects.catalogue import SUBJECTS
from storage import arrays
from storage.times import MICROSECOND, at_us, us_of

PROGRAM: Final = "jieyong"
"""Who acts where nobody does."""
LOCK: Final = 0x6A69_6579_6F6E_670A
KEEPING: Final = 0x6A69_7210
"""Class of the locks of those who keep doubts; each names the second since which it does."""
AT_ONCE: Final = 1_000
"""Subjects held in one transaction: each is a lock, and a server has but some thousand of them."""
_EPOCH_S: Final = 1_577_836_800
"""2020-01-01: so counted, seconds fit into a lock until 2088."""

_LOOKED_AT: Final[LiteralString] = """
unnest(%(subjects)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (subject, begin_, end_)
"""
# With those that touch what is looked at, as episodes below: they are none the less theirs.
_DOUBTS: Final[LiteralString] = f"""
SELECT DISTINCT doubt.subject_id, doubt.rule_code, doubt.since, doubt.until, doubt.id, doubt.state
FROM {_LOOKED_AT}
JOIN doubt ON doubt.sort = %(sort)s AND doubt.subject_id = w.subject
    AND doubt.until >= w.begin_ AND doubt.since <= w.end_
WHERE NOT EXISTS (SELECT FROM inspection WHERE doubt_id = doubt.id)
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own text
# All of its rule that overlap a doubt, too: it spans them. By their end, see rules/derive/store.py.
_EPISODES: Final[LiteralString] = f"""
WITH near AS (
    SELECT subject, NULL AS rule_code, begin_, end_ FROM {_LOOKED_AT}
    UNION ALL
    SELECT doubt.subject_id, doubt.rule_code, doubt.since, doubt.until FROM {_LOOKED_AT}
    JOIN doubt ON doubt.sort = %(sort)s AND doubt.subject_id = w.subject
    AND doubt.until >= w.begin_ AND doubt.since <= w.end_
)
SELECT DISTINCT episode.subject_id, rule.code, episode.since, episode.until
FROM near
CROSS JOIN LATERAL (
    SELECT * FROM episode
    WHERE sort = %(sort)s AND subject_id = near.subject
        AND until >= near.begin_ AND coalesce(since, near.end_) <= near.end_
    OFFSET 0
) AS episode
JOIN rule ON rule.id = episode.rule_id AND rule.code = coalesce(near.rule_code, rule.code)
WHERE episode.confirmed_at <= %(now)s
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own text
_MOVED: Final[LiteralString] = """
unnest(%(ids)s::int[], %(sinces)s::timestamptz[], %(untils)s::timestamptz[])
    AS moved (id, since, until)
WHERE doubt.id = moved.id
"""
# Two doubts of a rule and a subject never overlap, not even while rows are moved, in any order:
# so each first gives up what others may take.
_SHRINK: Final[LiteralString] = f"""
UPDATE doubt SET since = greatest(doubt.since, moved.since), until = least(doubt.until, moved.until)
FROM {_MOVED} AND (moved.since > doubt.since OR moved.until < doubt.until)
"""  # noqa: S608 - our own text
_MOVE: Final[LiteralString] = f"""
UPDATE doubt SET since = moved.since, until = moved.until
FROM {_MOVED} AND (moved.since < doubt.since OR moved.until > doubt.until)
"""  # noqa: S608 - our own text
_OPEN: Final[LiteralString] = """
INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state, changed_at)
SELECT rule, %(sort)s, subject, since, until, %(now)s, %(state)s, %(now)s
FROM unnest(%(rules)s::text[], %(subjects)s::int[], %(sinces)s::timestamptz[],
            %(untils)s::timestamptz[]) AS opened (rule, subject, since, until)
RETURNING id
"""
_STATE: Final[LiteralString] = """
UPDATE doubt SET state = %(state)s, changed_at = %(now)s WHERE id = ANY(%(ids)s::int[])
"""
_DEED: Final[LiteralString] = """
INSERT INTO doubt_deed (doubt_id, at, principal, step, words)
SELECT id, %(now)s, %(by)s, %(step)s, %(words)s FROM unnest(%(ids)s::int[]) AS id
"""
_CONFIRMED: Final[LiteralString] = """
SELECT sort, subject_id, min(since), max(until), min(confirmed_at) FROM episode
WHERE confirmed_at > %s AND confirmed_at <= %s GROUP BY sort, subject_id
"""
_KEEPING: Final[LiteralString] = """
SELECT min(objid::int8) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 2 AND classid = %s
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SET_MARK: Final[LiteralString] = """
INSERT INTO doubt_mark (at) VALUES (%s) ON CONFLICT (one) DO UPDATE SET at = excluded.at
"""


@dataclass(slots=True)
class _Known:
    doubts: list[Doubt] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


def keep(
    conn: psycopg.Connection[Any], sort: Sort, looks: Sequence[Look], now: datetime
) -> list[int]:
    """Keep the doubts of subjects in step with their episodes.

    Args:
        conn: in a transaction that holds the subjects.
        sort: of the subjects.
        looks: where episodes may be others than before.
        now: episodes that have not stood long enough by then are none yet.

    Returns:
        The numbers of the doubts that were opened.
    """
    changes = _changes(conn, sort, looks, now)
    _move(conn, [one for of in changes.values() for one in of.moved])
    for step, state, doubts in (
        (Step.WITHDRAW, State.WITHDRAWN, [d for of in changes.values() for d in of.withdrawn]),
        (Step.FIND_AGAIN, State.ASKED, [d for of in changes.values() for d in of.found_again]),
    ):
        _step(conn, step, state, doubts, now)
    opened = [(*about, one) for about, of in changes.items() for one in of.opened]
    return _open(conn, sort, opened, now)


def _changes(
    conn: psycopg.Connection[Any], sort: Sort, looks: Sequence[Look], now: datetime
) -> dict[tuple[int, str], Changes]:
    """Match doubts and episodes; wider, where a doubt grows beyond what is seen: onto others."""
    done: dict[tuple[int, str], Changes] = {}
    while looks:
        known = _known(conn, sort, looks, now)
        found = {key: matched(one.doubts, one.episodes) for key, one in known.items()}
        of: dict[int, list[Look]] = defaultdict(list)
        for look in looks:
            of[look.subject].append(look)
        grown = {
            key[0]: span
            for key, changes in found.items()
            for span in _grown(known[key].doubts, changes.moved)
            if not _covered(of[key[0]], span)
        }
        done |= {key: changes for key, changes in found.items() if key[0] not in grown}
        looks = [_whole(of[subject]).over(span) for subject, span in grown.items()]
    return done


def _covered(looks: Sequence[Look], span: tuple[int, int]) -> bool:
    return any(one.begin <= span[0] and span[1] <= one.end for one in looks)


def _whole(looks: Sequence[Look]) -> Look:
    return functools.reduce(lambda a, b: a.over((b.begin, b.end)), looks)


def _grown(doubts: Sequence[Doubt], moved: Sequence[Doubt]) -> Iterator[tuple[int, int]]:
    """What doubts cover now and did not before."""
    before = {one.id: one for one in doubts}
    for one in moved:
        was = before[one.id]
        if one.since < was.since:
            yield one.since, was.since
        if one.until > was.until:
            yield was.until, one.until


def confirm(
    conn: psycopg.Connection[Any],
    now: datetime,
    tell: Callable[[psycopg.Connection[Any], Sequence[int]], object],
) -> int:
    """Open doubts for episodes that have stood long enough since the last look.

    Any number of programs may call it: one does it, the others return at once.

    Args:
        conn: an autocommit connection.
        now: the time, aware.
        tell: given the numbers of the doubts, in the transaction that opens them.

    Returns:
        How many doubts were opened.
    """
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if row is None or not row[0]:
        return 0
    try:
        return _confirm(conn, now, tell)
    finally:
        if not conn.closed:
            conn.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def begin_keeping(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Say that doubts will be kept by this transaction, as they stand later than ``now``.

    What stands long enough between that time and the commit, nobody else can see: as long as this
    goes on, :func:`confirm` comes back to it. Whoever keeps doubts asks for the time after this.
    """
    conn.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [KEEPING, _second(now)])


def _second(moment: datetime) -> int:
    return us_of(moment) // 1_000_000 - _EPOCH_S


def _confirm(
    conn: psycopg.Connection[Any],
    now: datetime,
    tell: Callable[[psycopg.Connection[Any], Sequence[int]], object],
) -> int:
    mark = conn.execute("SELECT at FROM doubt_mark").fetchone()
    since = "-infinity" if mark is None else mark[0]
    # Before what has stood long enough is looked up: who begins later looks at a later time.
    upto = _upto(conn, now)
    found = conn.execute(_CONFIRMED, [since, now]).fetchall()
    if not found and mark is not None:
        return 0
    count = 0
    for first in range(0, len(found), AT_ONCE):
        with conn.transaction():
            part = found[first : first + AT_ONCE]
            held = _hold(conn, [(sort, subject) for sort, subject, *_ in part])
            # A worker has the others in hand: their turn comes with the next look.
            left = (moment for sort, subject, *_, moment in part if (sort, subject) not in held)
            upto = min([upto, *(moment - MICROSECOND for moment in left)])
            opened = _opened(conn, [row for row in part if row[:2] in held], now)
            tell(conn, opened)
            count += len(opened)
    conn.execute(_SET_MARK, [upto])
    return count


def _upto(conn: psycopg.Connection[Any], now: datetime) -> datetime:
    """Up to when everybody's episodes can be seen."""
    row = conn.execute(_KEEPING, [KEEPING]).fetchone()
    if row is None or row[0] is None:
        return now
    return min(now, at_us((row[0] + _EPOCH_S) * 1_000_000 - 1))


def _opened(
    conn: psycopg.Connection[Any], found: Sequence[tuple[Any, ...]], now: datetime
) -> list[int]:
    opened: list[int] = []
    for sort in SUBJECTS:
        mine = (row for row in found if row[0] == sort)
        looks = [Look(subject, us_of(a), us_of(b)) for _, subject, a, b, _ in mine]
        opened += keep(conn, sort, looks, now)
    return opened


def _hold(
    conn: psycopg.Connection[Any], subjects: Sequence[tuple[str, int]]
) -> set[tuple[str, int]]:
    """Lock those of some subjects that no worker holds."""
    held: set[tuple[str, int]] = set()
    for sort, one in SUBJECTS.items():
        mine = [subject for of, subject in subjects if of == sort]
        held |= {(sort.value, subject) for subject in one.queue.hold(conn, mine)}
    return held


def _known(
    conn: psycopg.Connection[Any], sort: Sort, looks: Sequence[Look], now: datetime
) -> dict[tuple[int, str], _Known]:
    values: dict[str, object] = {
        "sort": sort.value,
        "subjects": arrays.ids(one.subject for one in looks),
        "begins": arrays.times([one.begin for one in looks]),
        "ends": arrays.times([one.end for one in looks]),
        "now": now,
    }
    known: dict[tuple[int, str], _Known] = defaultdict(_Known)
    for subject, rule, since, until, id_, state in conn.execute(_DOUBTS, values):
        known[subject, rule].doubts.append(Doubt(id_, us_of(since), us_of(until), State(state)))
    for subject, rule, since, until in conn.execute(_EPISODES, values):
        _add(known[subject, rule].episodes, Episode(us_of(since), us_of(until)))
    return known


def _add(episodes: list[Episode], one: Episode) -> None:
    """Add an episode; where another version of the rule goes on with the last, the two are one."""
    if episodes and episodes[-1].until == one.since:
        one = Episode(episodes.pop().since, one.until)
    episodes.append(one)


def _move(conn: psycopg.Connection[Any], moved: Sequence[Doubt]) -> None:
    if not moved:
        return
    values = {
        "ids": arrays.ids(one.id for one in moved),
        "sinces": arrays.times([one.since for one in moved]),
        "untils": arrays.times([one.until for one in moved]),
    }
    conn.execute(_SHRINK, values)
    conn.execute(_MOVE, values)


def _step(
    conn: psycopg.Connection[Any], step: Step, state: State, doubts: Sequence[Doubt], now: datetime
) -> None:
    if not doubts:
        return
    ids = arrays.ids(one.id for one in doubts)
    conn.execute(_STATE, {"ids": ids, "state": state.value, "now": now})
    told = {"ids": ids, "now": now, "by": PROGRAM, "step": step.value, "words": STEPS[step]}
    conn.execute(_DEED, told)


def _open(
    conn: psycopg.Connection[Any],
    sort: Sort,
    opened: Sequence[tuple[int, str, Episode]],
    now: datetime,
) -> list[int]:
    """Open a doubt for each episode of a subject and a rule."""
    if not opened:
        return []
    values = {
        "sort": sort.value,
        "rules": [rule for _, rule, _ in opened],
        "subjects": arrays.ids(subject for subject, _, _ in opened),
        "sinces": arrays.times([one.since for *_, one in opened]),
        "untils": arrays.times([one.until for *_, one in opened]),
        "now": now,
        "state": State.ASKED.value,
    }
    return [number for (number,) in conn.execute(_OPEN, values)]
