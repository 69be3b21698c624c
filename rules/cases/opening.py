"""Keeps doubts in step with episodes: opens them, moves their times, withdraws them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, LiteralString

import psycopg

from rules.cases.life import STEPS, State, Step
from rules.cases.matching import Changes, Doubt, Episode, matched
from rules.derive.due import QUEUE
from rules.derive.span import Look
from storage import arrays
from storage.times import MICROSECOND, at_us, us_of

PROGRAM: Final = "jieyong"
"""Who acts where nobody does."""
LOCK: Final = 0x6A69_6579_6F6E_670A

_LOOKED_AT: Final[LiteralString] = """
unnest(%(places)s::int[], %(begins)s::timestamptz[], %(ends)s::timestamptz[])
    AS w (place, begin_, end_)
"""
_DOUBTS: Final[LiteralString] = f"""
SELECT DISTINCT doubt.place_id, doubt.rule_code, doubt.since, doubt.until, doubt.id, doubt.state
FROM {_LOOKED_AT}
JOIN doubt ON doubt.place_id = w.place AND doubt.until > w.begin_ AND doubt.since < w.end_
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own text
# All that overlap a doubt, too: it spans them.
_EPISODES: Final[LiteralString] = f"""
WITH near AS (
    SELECT place, begin_, end_ FROM {_LOOKED_AT}
    UNION ALL
    SELECT doubt.place_id, doubt.since, doubt.until FROM {_LOOKED_AT}
    JOIN doubt ON doubt.place_id = w.place AND doubt.until > w.begin_ AND doubt.since < w.end_
)
SELECT DISTINCT episode.place_id, rule.code, episode.since, episode.until
FROM near
JOIN episode ON episode.place_id = near.place
    AND episode.until >= near.begin_ AND episode.since <= near.end_
    AND episode.confirmed_at <= %(now)s
JOIN rule ON rule.id = episode.rule_id
ORDER BY 1, 2, 3
"""  # noqa: S608 - our own text
_MOVE: Final[LiteralString] = """
UPDATE doubt SET since = %s, until = %s WHERE id = %s
"""
_OPEN: Final[LiteralString] = """
INSERT INTO doubt (rule_code, place_id, since, until, opened_at, state, changed_at)
VALUES (%(rule)s, %(place)s, %(since)s, %(until)s, %(now)s, %(state)s, %(now)s)
RETURNING id
"""
_STATE: Final[LiteralString] = "UPDATE doubt SET state = %s, changed_at = %s WHERE id = %s"
_DEED: Final[LiteralString] = """
INSERT INTO doubt_deed (doubt_id, at, principal, step, words) VALUES (%s, %s, %s, %s, %s)
"""
_CONFIRMED: Final[LiteralString] = """
SELECT place_id, min(since), max(until), min(confirmed_at) FROM episode
WHERE confirmed_at > %s AND confirmed_at <= %s GROUP BY place_id
"""
_SET_MARK: Final[LiteralString] = """
INSERT INTO doubt_mark (at) VALUES (%s) ON CONFLICT (one) DO UPDATE SET at = excluded.at
"""


@dataclass(slots=True)
class _Known:
    doubts: list[Doubt] = field(default_factory=list)
    episodes: list[Episode] = field(default_factory=list)


def keep(conn: psycopg.Connection[Any], looks: Sequence[Look], now: datetime) -> list[int]:
    """Keep the doubts of places in step with their episodes.

    Args:
        conn: in a transaction that holds the places.
        looks: where episodes may be others than before.
        now: episodes that have not stood long enough by then are none yet.

    Returns:
        The numbers of the doubts that were opened.
    """
    if not looks:
        return []
    opened: list[int] = []
    for (place, rule), known in _known(conn, looks, now).items():
        changes = matched(known.doubts, known.episodes)
        _write(conn, changes, now)
        opened += _open(conn, rule, place, changes.opened, now)
    return opened


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
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK]).fetchone()
        if row is None or not row[0]:
            return 0
        mark = conn.execute("SELECT at FROM doubt_mark").fetchone()
        since = "-infinity" if mark is None else mark[0]
        found = conn.execute(_CONFIRMED, [since, now]).fetchall()
        if not found and mark is not None:
            return 0
        held = QUEUE.hold(conn, [place for place, *_ in found])
        # A worker has the others in hand: their turn comes with the next look.
        left = [confirmed for place, *_, confirmed in found if place not in held]
        conn.execute(_SET_MARK, [min(left) - MICROSECOND if left else now])
        looks = [Look(p, us_of(begin), us_of(end)) for p, begin, end, _ in found if p in held]
        opened = keep(conn, looks, now)
        tell(conn, opened)
        return len(opened)


def _known(
    conn: psycopg.Connection[Any], looks: Sequence[Look], now: datetime
) -> dict[tuple[int, str], _Known]:
    values: dict[str, object] = {
        "places": arrays.ids(one.place for one in looks),
        "begins": arrays.times([one.begin for one in looks]),
        "ends": arrays.times([one.end for one in looks]),
        "now": now,
    }
    known: dict[tuple[int, str], _Known] = defaultdict(_Known)
    for place, rule, since, until, id_, state in conn.execute(_DOUBTS, values):
        known[place, rule].doubts.append(Doubt(id_, us_of(since), us_of(until), State(state)))
    for place, rule, since, until in conn.execute(_EPISODES, values):
        _add(known[place, rule].episodes, Episode(us_of(since), us_of(until)))
    return known


def _add(episodes: list[Episode], one: Episode) -> None:
    """Add an episode; where another version of the rule goes on with the last, the two are one."""
    if episodes and episodes[-1].until == one.since:
        one = Episode(episodes.pop().since, one.until)
    episodes.append(one)


def _write(conn: psycopg.Connection[Any], changes: Changes, now: datetime) -> None:
    for doubt in changes.moved:
        conn.execute(_MOVE, [at_us(doubt.since), at_us(doubt.until), doubt.id])
    for step, state, doubts in (
        (Step.WITHDRAW, State.WITHDRAWN, changes.withdrawn),
        (Step.FIND_AGAIN, State.ASKED, changes.found_again),
    ):
        for doubt in doubts:
            conn.execute(_STATE, [state.value, now, doubt.id])
            conn.execute(_DEED, [doubt.id, now, PROGRAM, step.value, STEPS[step]])


def _open(
    conn: psycopg.Connection[Any], rule: str, place: int, episodes: Sequence[Episode], now: datetime
) -> list[int]:
    opened: list[int] = []
    for one in episodes:
        values = {
            "rule": rule,
            "place": place,
            "since": at_us(one.since),
            "until": at_us(one.until),
            "now": now,
            "state": State.ASKED.value,
        }
        opened += [number for (number,) in conn.execute(_OPEN, values)]
    return opened
