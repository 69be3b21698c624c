"""How many doubts wait for an explanation."""

from __future__ import annotations

import itertools

from rules.cases.life import Step
from rules.subjects.respondents import waiting
from rules.subjects.respondents.waiting import ANSWER_US, Turns, laid, unanswered
from storage.times import OPEN_US

DAY = 86_400_000_000


def told(turns: Turns, begin: int = 0, end: int = 100 * DAY) -> list[tuple[float, float]]:
    """From which day on how many wait."""
    rows = unanswered(turns, begin, end)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(rows))
    assert (rows[0][0], rows[-1][1]) == (begin, min(end, OPEN_US))
    return [(since / DAY, value) for since, _, value in rows]


def turned(*changes: tuple[int, int], answers: tuple[int, ...] = ()) -> Turns:
    return Turns([(day * DAY, more) for day, more in changes], [day * DAY for day in answers])


def test_they_add_up_and_go_on_without_an_end() -> None:
    assert told(turned((3, 2), (1, 1)), end=OPEN_US + DAY) == [(0, 0), (1, 1), (3, 3)]


def test_what_waits_already_counts_from_the_beginning() -> None:
    assert told(turned((1, 2), (3, 1)), begin=2 * DAY) == [(2, 2), (3, 3)]


def test_an_answer_parts_what_waits_before_it_from_what_waits_behind() -> None:
    minute = ANSWER_US / DAY
    rows = told(turned((1, 1), (2, 1), (3, 1), (10, -1), answers=(10,)))
    assert rows == [(0, 0), (1, 1), (2, 2), (3, 3), (10, 0), (10 + minute, 2)]


def test_what_is_settled_otherwise_waits_no_more_and_is_no_answer() -> None:
    assert told(turned((1, 1), (2, 1), (10, -1))) == [(0, 0), (1, 1), (2, 2), (10, 1)]


def test_another_window_tells_the_same_of_the_same_time() -> None:
    turns = turned((1, 1), (4, 1), (5, 1), (10, -1), (20, -1), (30, 1), answers=(10, 20))
    whole = unanswered(turns, 0, 40 * DAY)
    for begin, end in itertools.combinations(range(0, 40, 3), 2):
        part = unanswered(turns, begin * DAY, end * DAY)
        cut = [
            (max(since, begin * DAY), min(until, end * DAY), value)
            for since, until, value in whole
            if since < end * DAY and until > begin * DAY
        ]
        assert part == cut


def test_nothing_is_told_beyond_what_is_known_of_the_future() -> None:
    assert unanswered(turned((1, 1)), OPEN_US + DAY, OPEN_US + 2 * DAY) == []


def test_what_is_done_with_a_doubt_says_whether_it_waits() -> None:
    steps = [(3, Step.ESCALATE), (5, Step.EXPLAIN), (7, Step.CHECK), (9, Step.RETURN)]
    found = waiting.turned([(DAY, [(day * DAY, step) for day, step in steps]), (2 * DAY, [])])
    minute = ANSWER_US / DAY
    assert found.answers == [5 * DAY]
    assert told(found) == [(0, 0), (1, 1), (2, 2), (5, 0), (5 + minute, 1), (9, 2)]


def test_what_was_never_asked_is_laid_as_nothing_that_waits() -> None:
    (held,) = laid({1: waiting.turned([(2 * DAY, [])])}, [(7, 0, 9 * DAY), (8, 0, 9 * DAY)])[
        "unanswered"
    ]
    rows = zip(held.subject, held.since, held.until, held.value, strict=True)
    assert [tuple(map(int, row)) for row in rows] == [
        (7, 0, 9 * DAY, 0),
        (8, 0, 2 * DAY, 0),
        (8, 2 * DAY, 9 * DAY, 1),
    ]
