"""What units of a simulated city enter, and what of it is really late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from simulators.city.ledgers import MONTHS, City, Ledger, live
from simulators.city.model import Case
from simulators.city.plan import MISSING, By, Plan, Wanted
from simulators.city.spans import length

DAY_S = 86_400
QUARTER, YEAR = MISSING["quarter"], MISSING["year"]


def plan(*wanted: Wanted, **harmless: int) -> Plan:
    whole = read_plan(known()["data"].read_text("utf-8"), "data")
    return replace(whole, institutions=1, ledgers=12, wanted=wanted, ledger_harmless=harmless)


def lived(*wanted: Wanted, **harmless: int) -> list[Ledger]:
    return live(plan(*wanted, **harmless), 5)(0)


def cases(those: list[Ledger]) -> list[Case]:
    return [case for one in those for case in one.cases]


def true(those: list[Ledger]) -> list[tuple[str, tuple[int, int]]]:
    """Of quarters and years; months are only entered at their end by those who do so by quarter."""
    return [
        (kind, span)
        for one in those
        for kind, spans in one.true.items()
        if kind != MISSING["month"]
        for span in spans
    ]


def begin_s(month: int) -> int:
    return City(plan(), 0, 2026).begin_s(month)


def test_who_enters_all_in_time_is_no_case_and_heat_of_summer_is_not_missing() -> None:
    those = lived()
    assert cases(those) == [one for one in cases(those) if one.kind == MISSING["month"]]
    assert true(those) == []
    heated = [one.figures["heat"] for one in those if "heat" in one.figures]
    assert heated
    for its in heated:
        assert its[30].used == 0
        assert its[30].account
        assert its[30].known == ()
        assert its[24].used > 0
    assert any("gas" not in one.figures for one in those)


@pytest.mark.parametrize(("kind", "due_d", "asked_d"), [(QUARTER, 15, 10), (YEAR, 90, 75)])
@pytest.mark.parametrize("size", [1.0, 30.0])
def test_what_is_late_is_missing_from_the_reminder_on_until_it_is_there(
    kind: str, due_d: int, asked_d: int, size: float
) -> None:
    those = lived(Wanted(kind, By.LATE, (size,), 6))
    found = [one for one in cases(those) if one.kind == kind]
    assert len(found) == 6
    ends = {begin_s(month) for month in range(MONTHS + 1)}
    for one in found:
        assert one.since_s - asked_d * DAY_S in ends
        late_s = one.until_s - (one.since_s - asked_d * DAY_S + due_d * DAY_S)
        assert one.size[By.LATE] == pytest.approx(late_s / DAY_S)
        assert size <= one.size[By.LATE] <= size * 1.05


def test_what_never_comes_is_missing_until_the_next_quarter_is_over() -> None:
    those = lived(Wanted(QUARTER, By.LATE, (75.0,), 4))
    ends = {begin_s(month) for month in range(MONTHS + 1)}
    found = [one for one in cases(those) if one.kind == QUARTER]
    assert len(found) == 4
    assert all(one.until_s in ends for one in found)


def test_what_comes_on_the_last_day_is_no_case_and_what_comes_before_not_even_missing() -> None:
    last, before = lived(last_day=6), lived(day_before=6)
    assert {case.kind for case in cases(last)} <= {MISSING["month"]}
    assert len([kind for kind, _ in true(last) if kind == QUARTER]) == 6
    assert all(4 * DAY_S < span[1] - span[0] < 5 * DAY_S for _, span in true(last))
    assert true(before) == []


def test_a_correction_leaves_no_gap_and_what_is_taken_back_one_of_minutes() -> None:
    assert true(lived(corrected=8)) == []
    spans = [span for kind, span in true(lived(taken_back=8)) if kind == QUARTER]
    assert 0 < len(spans) <= 8
    assert all(180 <= length([span]) <= 1_800 for span in spans)
    assert not [one for one in cases(lived(taken_back=8)) if one.kind == QUARTER]


def test_nothing_is_due_of_an_account_that_was_handed_over_or_not_yet_taken_over() -> None:
    those = lived(closed=6, opened=6)
    assert true(those) == []
    moved = [
        tuple(figure.account for figure in its)
        for one in those
        for its in one.figures.values()
        if any(figure.account for figure in its) and not all(figure.account for figure in its)
    ]
    assert moved
    for one in those:
        for energy, its in one.figures.items():
            there = [bool(figure.used) for figure in its if energy != "heat"]
            # Used from one month on, up to another: never again, and never with a hole.
            assert "".join("x" if used else "." for used in there).strip(".").count(".") == 0
