"""The measurement of joining: how it counts."""

from __future__ import annotations

from dataclasses import replace

from fleet.joining.verdict import Check, Doubt, Figure, Finding, Kind, Verdict, Why
from jieyong.evaluation.score import Score, floor, floor_of_told, score, together
from jieyong.evaluation.trips import numbered
from simulators.receipts.case import Case


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


def test_trips_have_numbers_of_their_own_and_belong_to_the_drive_they_are_in() -> None:
    def trip(vehicle: str, at_s: int) -> Verdict:
        one = verdict(at_s * 1_000_000, Doubt.TRIP_WITHOUT_ORDER, vehicle=vehicle)
        return replace(one, kind=Kind.TRIP, check=Check.TRIP, at_us=at_s * 1_000_000)

    hour = 3_600
    driven = {("v", hour, 2 * hour): 0, ("w", hour, 2 * hour): 1, ("w", 9 * hour, 10 * hour): 2}
    found = [trip("v", hour + 5), trip("v", hour + 900), trip("w", hour + 5), trip("v", 5 * hour)]
    case, numbered_so = numbered(Case((), (), {}, driven=driven), found)
    assert [one.number for one in numbered_so] == [0, 1, 2, 3]
    assert case.untrue == {0: 0, 1: 0, 2: 1, -3: 2}
    made = score(5, case, numbered_so, Doubt.TRIP_WITHOUT_ORDER, runs=False)
    assert (made.made, made.told, made.found, made.false) == (3, 2, 2, 1)


def test_a_trip_whose_begin_is_a_guess_belongs_to_the_drive_in_which_it_ends() -> None:
    hour = 3_600

    def trip(begin_s: int, end_s: int) -> Verdict:
        ended = Figure("ended_us", end_s * 1_000_000)
        one = verdict(begin_s, Doubt.TRIP_WITHOUT_ORDER, check=Check.TRIP, figures=(ended,))
        return replace(one, kind=Kind.TRIP, at_us=begin_s * 1_000_000)

    found = [trip(hour, 2 * hour + 30), trip(hour, 2 * hour + 300), trip(4 * hour, 5 * hour)]
    case, _ = numbered(Case((), (), {}, driven={("v", 2 * hour, 3 * hour): 0}), found)
    assert case.untrue == {1: 0}


def test_a_floor_of_what_can_be_told_asks_for_enough_of_it() -> None:
    few, many = Score(1, 100, 19, 19, 0, 100), Score(2, 100, 20, 20, 0, 100)
    assert floor([few, many]) is None
    assert floor_of_told([few, many]) == 2
