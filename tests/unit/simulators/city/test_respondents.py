"""What units of a simulated city are asked, and who really answers nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from simulators.city.life import span
from simulators.city.plan import UNANSWERED, By, Plan, Wanted
from simulators.city.respondents import Put, Respondent, live, unanswered

DAY_S = 86_400
BOUNDS = (0, 100)


def plan(*wanted: Wanted, **harmless: int) -> Plan:
    whole = read_plan(known()["data"].read_text("utf-8"), "data")
    return replace(
        whole, institutions=1, respondents=8, wanted=wanted, respondent_harmless=harmless
    )


def lived(*wanted: Wanted, **harmless: int) -> list[Respondent]:
    return live(plan(*wanted, **harmless), 5)(0)


@pytest.mark.parametrize(
    ("doubts", "expected"),
    [
        ([Put(1, ()), Put(2, ())], []),
        ([Put(1, ()), Put(2, ()), Put(5, ())], [(5, 100)]),
        ([Put(1, ()), Put(2, ()), Put(5, ((9, "withdrawn"),))], [(5, 9)]),
        ([Put(1, ()), Put(2, ()), Put(5, ((9, "exempted"),)), Put(7, ())], [(5, 100)]),
        ([Put(1, ()), Put(2, ()), Put(5, ()), Put(6, ((9, "explained"),))], [(5, 9), (9, 100)]),
        (
            [Put(1, ()), Put(2, ()), Put(5, ((9, "explained"), (20, "returned")))],
            [(5, 9), (20, 100)],
        ),
        ([Put(n, ((n + 2, "withdrawn"),)) for n in range(0, 90, 3)], []),
    ],
    ids=["two", "three", "withdrawn", "one more", "an answer", "returned", "one after another"],
)
def test_several_wait_and_nobody_answers_any(
    doubts: list[Put], expected: list[tuple[int, int]]
) -> None:
    assert [*unanswered(doubts, BOUNDS)] == expected


@pytest.mark.parametrize("days", [20.0, 45.0])
def test_who_ceases_to_answer_is_a_case_of_as_many_days(days: float) -> None:
    those = lived(Wanted(UNANSWERED, By.DAYS, (days,), 6))
    sizes = [max(case.size[By.DAYS] for case in one.cases) for one in those if one.cases]
    assert sum(days <= size <= days * 1.05 + 10 for size in sizes) >= 6
    for one in those:
        for case in one.cases:
            assert (case.since_s, case.until_s) in one.true[UNANSWERED]
            assert case.size[By.DAYS] == (case.until_s - case.since_s) / DAY_S


def test_who_is_asked_once_or_whose_doubts_are_settled_answers_nothing_and_is_no_case() -> None:
    once = lived(once=8)
    assert all(len(one.doubts) <= 2 and one.true[UNANSWERED] == [] for one in once)
    assert all(put.deeds == () for one in once for put in one.doubts)
    settled = [put for one in lived(settled=8) for put in one.doubts]
    assert {what for put in settled for _, what in put.deeds} == {"withdrawn", "exempted"}


def test_who_answers_now_and_then_lets_most_of_it_wait_for_weeks() -> None:
    slow, quick = (
        [
            max((at for at, _ in put.deeds), default=put.opened_s + 99 * DAY_S) - put.opened_s
            for one in those
            for put in one.doubts
            if put.opened_s < span(plan())[1] - 30 * DAY_S
        ]
        for those in (lived(now_and_then=8), lived())
    )
    assert sorted(slow)[len(slow) // 2] > 14 * DAY_S > sorted(quick)[len(quick) // 2]
    answered = [
        {what for put in one.doubts for _, what in put.deeds} for one in lived(now_and_then=8)
    ]
    assert sum("explained" in one for one in answered) >= 6
