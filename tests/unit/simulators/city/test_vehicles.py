"""What is true of simulated vehicles: by hand-made ways, and of a small city."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from jieyong.evaluation.city.reading import known, read_plan
from simulators.city.life import midnight_s
from simulators.city.model import Case
from simulators.city.plan import By, Plan
from simulators.city.spans import Spans
from simulators.city.vehicles import live
from simulators.city.vehicles_law import driven
from simulators.city.vehicles_life import Course
from simulators.city.vehicles_model import Car, Leg, Point, Vehicle

YARD, OTHER, HOME, TOWN = (0.0, 0.0), (4_000.0, 0.0), (0.0, 4_000.0), (9_000.0, 0.0)
HOUR = 3_600
FRIDAY, SATURDAY, HOLIDAY = 4, 5, 6
"""Days of the hand-made week, which begins on a Monday."""
CAR = Car(
    *(1, 0, "sedan", "", "", "petrol", 3, 55, 8.0, (YARD, OTHER), HOME, 0.5, 30.0, 0, (0, 0)),
    *(False, True, True, True, 0),
)


@cache
def plan() -> Plan:
    return read_plan(known()["garages"].read_text("utf-8"), "garages")


def week() -> Plan:
    return replace(plan(), days=7, holidays=frozenset({plan().first + HOLIDAY}), makeup=frozenset())


def at(day: int, hour: float) -> int:
    return midnight_s(plan().first + day) + int(hour * HOUR)


def leg(  # noqa: PLR0917 - a way
    day: int, begin: float, end: float, to: Point, ordered: bool, start: Point = YARD
) -> Leg:
    since = at(day, begin)
    return Leg(since, at(day, end), start, to, 10_000.0, since, ordered)


def outing(day: int, begin: float, end: float, *, ordered: bool = False) -> list[Leg]:
    """Half an hour there, and half an hour back."""
    there = leg(day, begin, begin + 0.5, TOWN, ordered)
    back = leg(day, end - 0.5, end, YARD, ordered, TOWN)
    return [there, replace(back, outing=there.outing)]


def found(legs: list[Leg], car: Car = CAR, duty: Spans | None = None) -> list[Case]:
    return driven(week(), Course(car, YARD, legs, duty=duty or []), [])[1]


def sizes(cases: list[Case], kind: str) -> list[float]:
    return [round(size, 1) for one in cases if one.kind == kind for size in one.size.values()]


@pytest.mark.parametrize(
    ("legs", "minutes"),
    [
        (outing(0, 20, 23), [60]),
        (outing(0, 20, 23, ordered=True), []),
        (outing(0, 9, 11), []),
        (outing(0, 18.75, 20.25), [45]),
        (outing(SATURDAY, 9, 11), [60]),
        (outing(HOLIDAY, 9, 11), [60]),
    ],
    ids=["evening", "ordered", "working hours", "into the evening", "weekend", "holiday"],
)
def test_out_of_hours_counts_what_was_driven_and_nobody_approved(
    legs: list[Leg], minutes: list[float]
) -> None:
    assert sizes(found(legs), "vehicle.out_of_hours") == minutes


def test_duty_and_use_permit_what_orders_do_not() -> None:
    legs = outing(SATURDAY, 9, 11)
    kind = "vehicle.out_of_hours"
    assert sizes(found(legs, duty=[(at(SATURDAY, 8), at(SATURDAY, 12))]), kind) == []
    assert sizes(found(legs, replace(CAR, use="law")), kind) == []
    assert sizes(found(legs, replace(CAR, word="emergency-response")), kind) == []


@pytest.mark.parametrize(
    ("legs", "minutes"),
    [
        ([leg(0, 18, 18.5, HOME, True), leg(1, 7.5, 8, YARD, True, HOME)], [480]),
        ([leg(0, 18, 18.5, HOME, True), leg(0, 22.5, 23, YARD, False, HOME)], [60]),
        ([leg(0, 18, 18.5, OTHER, True), leg(1, 7.5, 8, YARD, True, OTHER)], []),
        (outing(0, 20, 22.25), []),
        (outing(0, 20, 26, ordered=True), []),
        (outing(0, 26, 28), [120]),
    ],
    ids=["at home", "late", "another yard", "on its way home", "ordered", "in the night"],
)
def test_not_in_its_yard(legs: list[Leg], minutes: list[float]) -> None:
    assert sizes(found(legs), "vehicle.not_in_yard") == minutes


def test_a_sealed_day_counts_the_kilometres_on_it() -> None:
    kind, into = "vehicle.sealed_moved", [leg(SATURDAY, 23.5, 24.5, TOWN, False)]
    assert sizes(found(outing(HOLIDAY, 9, 11)), kind) == [20]
    assert sizes(found(outing(HOLIDAY, 9, 11, ordered=True)), kind) == []
    assert sizes(found(into), kind) == [5]
    state = replace(CAR, sealed=(plan().first, plan().first + 2))
    assert sizes(found(outing(1, 9, 11), state), kind) == [20]
    assert sizes(found(outing(2, 9, 11), state), kind) == []


def test_a_plate_rests_on_its_weekday_by_day() -> None:
    kind, wednesday = "vehicle.plate_tail", 2
    assert sizes(found(outing(wednesday, 9, 11)), kind) == [20]
    assert sizes(found(outing(wednesday, 19.5, 22)), kind) == [10]
    assert sizes(found(outing(wednesday, 9, 11, ordered=True)), kind) == []
    assert sizes(found(outing(FRIDAY, 9, 11)), kind) == []
    assert sizes(found(outing(FRIDAY, 9, 11), replace(CAR, tail=0)), kind) == [20]
    assert sizes(found(outing(wednesday, 9, 11), replace(CAR, use="confidential")), kind) == []


def test_what_a_silent_terminal_missed_cannot_be_told() -> None:
    course = Course(CAR, YARD, outing(0, 20, 23))
    for hours, told in ((0.9, True), (1.5, False)):
        (case,) = [
            one
            for one in driven(week(), course, [(at(0, 20), at(0, 20 + hours))])[1]
            if one.kind == "vehicle.out_of_hours"
        ]
        assert case.told == told


@cache
def city(seed: int) -> tuple[Vehicle, ...]:
    made = live(plan(), seed)
    return tuple(one for number in range(plan().institutions) for one in made(number))


def test_all_that_is_wanted_happens_and_is_of_its_size() -> None:
    made = Counter[tuple[str, float]]()
    for one in city(1):
        for case in one.cases:
            made += Counter(
                (want.kind, size)
                for want in plan().wanted
                for size in want.sizes
                if want.kind == case.kind and size <= case.size[want.by] <= size * 1.1 + 2
            )
    for want in plan().wanted:
        if want.kind.startswith("vehicle."):
            assert all(made[want.kind, size] >= want.each for size in want.sizes), want


def test_only_wishes_make_cases_of_parts_and_money() -> None:
    wanted = Counter(
        {
            want.kind: want.each * len(want.sizes)
            for want in plan().wanted
            if want.by is By.SHARE and want.kind.startswith("vehicle.")
        }
    )
    made = Counter(case.kind for one in city(1) for case in one.cases if By.SHARE in case.size)
    assert made == wanted


def test_a_vehicle_is_in_one_place_at_a_time() -> None:
    for one in city(1):
        for before, after in zip(one.legs, one.legs[1:], strict=False):
            assert before.begin_s < before.end_s <= after.begin_s, one.code
            assert before.end == after.start


def test_vehicles_are_the_same_again_and_others_with_another_seed() -> None:
    made = live(plan(), 1)(2)
    again = [one for one in city(1) if one.car.institution == 2]
    assert [(one.cases, one.legs, one.repairs, one.fillings) for one in made] == [
        (one.cases, one.legs, one.repairs, one.fillings) for one in again
    ]
    assert [one.cases for one in live(plan(), 2)(2)] != [one.cases for one in made]


@pytest.mark.parametrize(
    ("few", "said"),
    [
        (replace(plan(), vehicle_uses={"law": 99}), "are wanted for some use"),
        (replace(plan(), vehicle_harmless={"duty": 9_999}), "no vehicle and day is left"),
        (replace(plan(), vehicle_harmless={"guarantee": 99}), "no vehicle is left"),
    ],
)
def test_too_few_vehicles_are_refused(few: Plan, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        live(few, 1)
