"""The database counts what waits as one would by hand, whatever was done, in whatever window."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from rules.cases.life import Step
from rules.subjects.respondents.read import named, turns
from rules.subjects.respondents.waiting import ANSWER_US, Turns, turned, unanswered
from storage.times import us_of
from tests.integration.rules.world import Conn, Room, add_room, at

HOUR = 60.0
_DOUBT = """
INSERT INTO doubt (rule_code, sort, subject_id, since, until, opened_at, state, changed_at)
VALUES ('lamp', 'place', %s, %s, %s, %s, %s, %s) RETURNING id
"""
_DEED = """
INSERT INTO doubt_deed (doubt_id, at, principal, step, words) VALUES (%s, %s, '张三', %s, 'x')
"""
_AGAIN = [Step.RETURN, Step.REOPEN, Step.FIND_AGAIN]
_SETTLED = [Step.EXPLAIN, Step.WITHDRAW, Step.SHELVE, Step.EXEMPT, Step.CHECK, Step.CONCLUDE]

Asked = tuple[int, int, list[tuple[int, Step]]]
"""A doubt by hand: number, when (hours), what was done."""


def put(conn: Conn, room: Room, opened: int, steps: list[tuple[int, Step]]) -> Asked:
    told = [step for _, step in steps if step is not Step.ESCALATE]
    state = "asked" if not told or told[-1] in _AGAIN else "shelved"
    changed = max([opened, *(hour for hour, step in steps if step is not Step.ESCALATE)])
    since = at(-opened * 24 * HOUR)
    row = conn.execute(
        _DOUBT,
        [
            room.lamp,
            since,
            since + timedelta(hours=1),
            at(opened * HOUR),
            state,
            at(changed * HOUR),
        ],
    ).fetchone()
    assert row is not None
    for hour, step in steps:
        conn.execute(_DEED, [row[0], at(hour * HOUR), str(step)])
    return row[0], opened, steps


def waits(doubt: Asked, hour: int) -> bool:
    _, opened, steps = doubt
    if hour < opened:
        return False
    done = [step for when, step in steps if when <= hour and step is not Step.ESCALATE]
    return not done or done[-1] in _AGAIN


def us(hour: float) -> int:
    return us_of(at(hour * HOUR))


def counted(conn: Conn, begin: int, end: int) -> list[float]:
    """How many wait in the middle of each hour of a window."""
    found = turns(conn, [(1, us(begin), us(end))]).get(0, Turns())
    rows = unanswered(found, us(begin), us(end))
    return [
        next(value for since, until, value in rows if since <= us(hour + 0.5) < until)
        for hour in range(begin, end)
    ]


@pytest.mark.parametrize("seed", range(12))
def test_it_is_counted_as_one_would_by_hand(conn: Conn, seed: int) -> None:
    random = Random(seed)
    room = add_room(conn)
    doubts = []
    for opened in random.sample(range(60), 8):
        hours = sorted(random.sample(range(opened, 100), random.randrange(5)))
        steps = [(hour, random.choice([*_AGAIN, *_SETTLED, Step.ESCALATE])) for hour in hours]
        doubts.append(put(conn, room, opened, steps))
    for _ in range(6):
        begin, end = sorted(random.sample(range(100), 2))
        by_hand = [sum(waits(one, hour) for one in doubts) for hour in range(begin, end)]
        assert counted(conn, begin, end) == by_hand, (seed, begin, end)
        at_once = turned(
            (us(opened), [(us(hour), step) for hour, step in steps]) for _, opened, steps in doubts
        )
        window = us(begin), us(end)
        stored = turns(conn, [(1, *window)]).get(0, Turns())
        assert unanswered(at_once, *window) == unanswered(stored, *window), (seed, begin, end)
        told = named(conn, (1, us(begin), us(end)))
        assert told.waiting == [one[0] for one in doubts if waits(one, end - 1)]
        assert told.explained == sum(
            step is Step.EXPLAIN and begin <= hour < end for one in doubts for hour, step in one[2]
        )


def test_an_answer_just_before_the_window_is_heard_in_it(conn: Conn) -> None:
    put(conn, add_room(conn), 1, [(3, Step.EXPLAIN)])
    begin = us(3) + ANSWER_US // 2
    found = turns(conn, [(1, begin, us(9))])[0]
    assert found.answers == [us(3)]


def test_each_window_has_its_own(conn: Conn) -> None:
    put(conn, add_room(conn), 5, [])
    found = turns(conn, [(1, us(0), us(4)), (1, us(0), us(9)), (1, us(7), us(9))])
    assert sorted(found) == [1, 2]
