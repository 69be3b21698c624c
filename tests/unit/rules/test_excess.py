"""What was more than usual is counted once."""

from __future__ import annotations

import pytest

from rules.cases.excess import Over, Spans, apart, without

STEP, NIGHT = "consumption.step", "electricity.base_load"


@pytest.mark.parametrize(
    ("spent", "left"),
    [
        ([], [(10, 20)]),
        ([(0, 10), (20, 30)], [(10, 20)]),
        ([(5, 12), (14, 15)], [(12, 14), (15, 20)]),
        ([(0, 30)], []),
    ],
)
def test_what_is_spent_is_taken_off(spent: Spans, left: Spans) -> None:
    assert without((10, 20), spent) == left


def test_of_two_doubts_of_a_meter_the_first_counts_and_the_other_what_is_left() -> None:
    found = [Over(NIGHT, 1, 5, 20), Over(STEP, 1, 0, 10)]
    assert list(apart(found, {})) == [Over(STEP, 1, 0, 10), Over(NIGHT, 1, 10, 20)]


def test_what_a_main_counted_is_not_counted_behind_it_however_early_that_began() -> None:
    found = [Over(NIGHT, 2, 0, 20), Over(NIGHT, 1, 5, 10), Over(NIGHT, 3, 0, 20)]
    assert set(apart(found, {2: [1]})) == {
        Over(NIGHT, 1, 5, 10),
        Over(NIGHT, 2, 0, 5),
        Over(NIGHT, 2, 10, 20),
        Over(NIGHT, 3, 0, 20),
    }
