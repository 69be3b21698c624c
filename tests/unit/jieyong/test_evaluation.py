"""The measurement of joining: how it counts, and that it holds on a seed nobody looked at."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fleet.joining.rules import Rules
from fleet.joining.verdict import Check, Doubt, Figure, Finding, Kind, Verdict, Why
from jieyong.commands.fleet_check_tables import curves_as_json
from jieyong.evaluation.run import evaluate
from jieyong.evaluation.score import ENOUGH_PER_MILLE, TOLD_PER_MILLE, Score, floor, score, together
from simulators.receipts.tamper import KINDS, Case

HELD_OUT = 6_003
FLOORS = {
    "borrowed_card": 500,
    "station_elsewhere": 500,
    "without_travel": 90,
    "overfill:tank": 10,
    "overfill:since": 20,
    "two_fills": 60,
    "wrong_fuel": 5,
    "garage_never_visited": 500,
}
"""As docs/joining.md publishes them."""
WITHOUT_FLOOR = {"padded_litres": (120, 900)}
"""From which size on it is measured all the same, and what it must keep: no 98 % on every seed."""


def verdict(
    number: int,
    doubt: Doubt | None = None,
    *,
    why: Why | None = None,
    vehicle: str = "v",
    check: Check = Check.PLACE,
    figures: tuple[Figure, ...] = (),
) -> Verdict:
    finding = Finding.DOUBT if doubt else Finding.CANNOT_TELL if why else Finding.AGREES
    return Verdict(Kind.FILLING, number, vehicle, 0, check, finding, doubt, why, figures, 0, 0)


def counted(untrue: dict[int, int], *found: Verdict, runs: bool = False) -> Score:
    case = Case((), (), untrue, frozenset({99}))
    return score(5, case, found, found[0].doubt or Doubt.BORROWED_CARD, runs=runs)


def test_what_cannot_be_told_is_neither_found_nor_missed_but_stands_beside() -> None:
    made = counted(
        {1: 0, 2: 1, 3: 2},
        verdict(1, Doubt.BORROWED_CARD),
        verdict(2),
        verdict(3, why=Why.NO_TRACK),
        verdict(4, Doubt.BORROWED_CARD),
        verdict(5),
        verdict(99, Doubt.BORROWED_CARD),
    )
    assert (made.made, made.told, made.found, made.false, made.papers) == (3, 2, 1, 1, 2)
    assert (made.recall, made.precision, made.told_share) == (500, 500, 666)


def test_another_kind_of_doubt_is_a_miss() -> None:
    made = counted({2: 0}, verdict(1, Doubt.WRONG_FUEL), verdict(2, Doubt.PADDED_LITRES))
    assert (made.told, made.found, made.false) == (1, 0, 1)


def test_of_the_kinds_that_look_alike_each_is_found_and_false_as_the_other() -> None:
    made = counted(
        {1: 0, 2: 1},
        verdict(1, Doubt.BORROWED_CARD),
        verdict(2, Doubt.STATION_ELSEWHERE),
        verdict(3, Doubt.STATION_ELSEWHERE),
    )
    assert (made.told, made.found, made.otherwise, made.false) == (2, 2, 1, 1)


def test_a_pair_is_found_by_either_of_its_papers() -> None:
    names = (Figure("before_number", 7),)
    made = counted({7: 0}, verdict(8, Doubt.TWO_FILLS, check=Check.PAIR, figures=names))
    assert (made.found, made.false) == (1, 0)


def test_a_run_counts_once_and_what_it_leaves_behind_not_at_all() -> None:
    found = [verdict(number, Doubt.PADDED_LITRES) for number in range(1, 6)]
    other = [verdict(number, Doubt.PADDED_LITRES, vehicle="w") for number in (20, 21)]
    made = counted({1: 0, 2: 0, 3: 0}, *found, *other, runs=True)
    assert (made.made, made.found, made.false) == (1, 1, 1)


def test_the_floor_is_where_everything_larger_is_enough_too() -> None:
    good, bad = Score(0, 100, 100, 99, 0, 1_000), Score(0, 100, 100, 97, 0, 1_000)
    quiet, loud = Score(0, 100, 40, 40, 0, 1_000), Score(0, 100, 100, 100, 3, 1_000)

    def at(*scores: Score) -> int | None:
        return floor(
            [
                Score(size, one.made, one.told, one.found, one.false, one.papers)
                for size, one in enumerate(scores, 1)
            ]
        )

    assert at(good, bad, good, good) == 3
    assert at(bad, good) == 2
    assert at(good, bad) is None
    assert at(good, quiet) is None
    assert at(good, loud) is None
    assert at(good, good) == 1


def test_fleets_are_summed() -> None:
    parts = [Score(5, 10, 9, 8, 1, 100, 2), Score(5, 20, 19, 18, 0, 200, 1)]
    assert together(parts) == Score(5, 30, 28, 26, 1, 300, 3)


@pytest.mark.timeout(900)
def test_above_its_floor_every_kind_is_found_on_a_seed_that_nobody_looked_at() -> None:
    bounds = {name: (size, ENOUGH_PER_MILLE) for name, size in FLOORS.items()} | WITHOUT_FLOOR
    kinds = [
        replace(kind, sizes=tuple(size for size in kind.sizes if size >= bounds[kind.name][0]))
        for kind in KINDS
    ]
    curves = evaluate(HELD_OUT, Rules(), fleets=2, kinds=kinds)
    assert [one.kind.name for one in curves] == [kind.name for kind in KINDS]
    for one in curves:
        sums = together(one.scores)
        assert sums.told >= 20, one
        assert sums.told * 1_000 >= sums.made * TOLD_PER_MILLE, one
        enough = bounds[one.kind.name][1]
        assert (sums.recall or 0) >= enough, one
        assert (sums.precision or 0) >= enough, one
    shown = json.loads(curves_as_json(HELD_OUT, 2, curves))
    assert [one["kind"] for one in shown["kinds"]] == [kind.name for kind in KINDS]
