"""How many doubts wait for an explanation."""

from __future__ import annotations

import itertools

import pytest

from rules.cases.life import Step
from rules.subjects.respondents.waiting import ANSWER_US, Asked, unanswered
from storage.times import OPEN_US

DAY = 86_400_000_000


def told(asked: list[Asked], begin: int = 0, end: int = 100 * DAY) -> list[tuple[float, float]]:
    """From which day on how many wait."""
    rows = unanswered(asked, begin, end)
    assert all(a[1] == b[0] for a, b in itertools.pairwise(rows))
    assert (rows[0][0], rows[-1][1]) == (begin, min(end, OPEN_US))
    return [(since / DAY, value) for since, _, value in rows]


def asked(day: int, *steps: tuple[int, Step]) -> Asked:
    return Asked(day, day * DAY, [(at * DAY, step) for at, step in steps])


def test_they_add_up_and_go_on_without_an_end() -> None:
    assert told([asked(1), asked(3), asked(3)], end=OPEN_US + DAY) == [(0, 0), (1, 1), (3, 3)]


def test_an_answer_parts_what_waits_before_it_from_what_waits_behind() -> None:
    doubts = [asked(1), asked(2), asked(3, (10, Step.EXPLAIN))]
    minute = ANSWER_US / DAY
    assert told(doubts) == [(0, 0), (1, 1), (2, 2), (3, 3), (10, 0), (10 + minute, 2)]


@pytest.mark.parametrize("step", [Step.WITHDRAW, Step.SHELVE, Step.EXEMPT])
def test_what_is_settled_otherwise_waits_no_more_and_is_no_answer(step: Step) -> None:
    assert told([asked(1), asked(2, (10, step))]) == [(0, 0), (1, 1), (2, 2), (10, 1)]


def test_being_told_higher_up_is_no_answer() -> None:
    assert told([asked(1, (4, Step.ESCALATE))]) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("step", [Step.RETURN, Step.REOPEN, Step.FIND_AGAIN])
def test_what_is_asked_again_waits_again(step: Step) -> None:
    before = {Step.RETURN: Step.EXPLAIN, Step.REOPEN: Step.SHELVE, Step.FIND_AGAIN: Step.WITHDRAW}
    rows = told([asked(1, (2, before[step]), (5, step))])
    assert (rows[1], rows[-1]) == ((1, 1), (5, 1))
    assert asked(1, (2, before[step]), (5, step)).waits_at(3 * DAY) is False


def test_another_window_tells_the_same_of_the_same_time() -> None:
    doubts = [asked(1, (10, Step.EXPLAIN)), asked(4, (20, Step.SHELVE)), asked(5)]
    whole = unanswered(doubts, 0, 40 * DAY)
    for begin, end in itertools.combinations(range(0, 40, 3), 2):
        part = unanswered(doubts, begin * DAY, end * DAY)
        cut = [
            (max(since, begin * DAY), min(until, end * DAY), value)
            for since, until, value in whole
            if since < end * DAY and until > begin * DAY
        ]
        assert part == cut


def test_nothing_is_told_beyond_what_is_known_of_the_future() -> None:
    assert unanswered([asked(1)], OPEN_US + DAY, OPEN_US + 2 * DAY) == []
