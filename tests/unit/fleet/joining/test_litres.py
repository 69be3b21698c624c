"""Litres against tank, room and way; pairs; products."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.joining.model import Filling, Records, Track, Vehicle
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from tests.unit.fleet.joining.scene import (
    APRIL,
    KM,
    RULES,
    Car,
    filling,
    in_may,
    judged,
    subject,
    us,
)

DAY = in_may(12)
USED_ML_DAY = 1_100
"""About what a car of the scene uses on a usual day, at 10 L/100 km."""
RULES_OF_A_SHORT_BOOK = replace(RULES, base_mm=30 * KM, base_legs=3)


def compared(check: Check, *papers: Filling, number: int = 1, car: Car | None = None) -> Verdict:
    return judged(subject(car or Car("v", {}), *papers, others=False), check, number)


def figures(one: Verdict) -> dict[str, Any]:
    return {figure.name: figure.value for figure in one.figures}


@pytest.mark.parametrize(("ml", "doubt"), [(66_000, None), (66_001, Doubt.OVERFILL)])
def test_more_than_the_tank_holds_is_a_doubt(ml: int, doubt: Doubt | None) -> None:
    one = compared(Check.TANK, filling(1, DAY, "09:27", ml=ml))
    assert one.doubt is doubt
    assert figures(one)["holds_ml"] == 66_000


def test_two_payments_of_one_bill_are_held_against_the_tank_together() -> None:
    papers = filling(1, DAY, "09:27", ml=40_000), filling(2, DAY, "09:30", ml=40_000)
    assert compared(Check.TANK, *papers).doubt is Doubt.OVERFILL
    assert figures(compared(Check.TANK, *papers, number=2))["payments"] == 2
    few = filling(1, DAY, "09:27", ml=40_000), filling(2, DAY, "09:30", ml=20_000)
    assert compared(Check.TANK, *few).finding is Finding.AGREES


@pytest.mark.parametrize(
    ("more", "why"),
    [({"ml": None}, Why.LITRES_UNKNOWN), ({"tank_ml": None}, Why.TANK_UNKNOWN)],
)
@pytest.mark.parametrize("check", [Check.TANK, Check.ROOM, Check.LITRES])
def test_without_litres_or_tank_nobody_can_tell(
    check: Check, more: dict[str, Any], why: Why
) -> None:
    assert compared(check, filling(1, DAY, "09:27", **more)).why is why


def test_more_than_there_is_room_for_since_the_tank_was_full_is_a_doubt() -> None:
    full = filling(1, in_may(10), "09:27", ml=50_000, full=True)
    one = compared(Check.ROOM, full, filling(2, DAY, "09:27", ml=30_000), number=2)
    assert one.doubt is Doubt.OVERFILL
    told = figures(one)
    assert told["since_number"] == 1
    assert 10_000_000 < told["driven_mm"] < 60_000_000
    assert told["over_ml"] == 30_000 - told["room_ml"]
    few = compared(Check.ROOM, full, filling(2, DAY, "09:27", ml=10_000), number=2)
    assert few.finding is Finding.AGREES


def test_a_partial_filling_leaves_at_least_itself() -> None:
    first = filling(1, in_may(10), "09:27", ml=38_000)
    one = compared(Check.ROOM, first, filling(2, DAY, "09:27", ml=50_000), number=2)
    assert one.doubt is Doubt.OVERFILL


@pytest.mark.parametrize("more", [{"missed": True}, {"tank_ml": 55_000}])
def test_a_missed_filling_or_another_tank_begins_anew(more: dict[str, Any]) -> None:
    full = filling(1, in_may(10), "09:27", ml=50_000, full=True)
    one = compared(Check.ROOM, full, filling(2, DAY, "09:27", ml=30_000, **more), number=2)
    assert one.why is Why.DISTANCE_UNKNOWN


def test_without_a_track_the_dashboard_tells_the_way() -> None:
    papers = (
        filling(1, in_may(10), "09:27", ml=50_000, full=True, odometer_hm=100_000),
        filling(2, DAY, "09:27", ml=30_000, odometer_hm=100_300),
    )
    one = judged(Records({"v": Vehicle("v", fillings=papers, track=Track())}), Check.ROOM, 2)
    assert one.doubt is Doubt.OVERFILL
    assert figures(one)["driven_mm"] == 31_000_000


def test_a_filling_that_itself_was_too_much_says_nothing_of_what_is_left() -> None:
    wrong = filling(1, in_may(10), "09:27", ml=90_000)
    one = compared(Check.ROOM, wrong, filling(2, DAY, "09:27", ml=30_000), number=2)
    assert one.why is Why.DISTANCE_UNKNOWN


@pytest.mark.parametrize(
    ("clock", "merchant", "finding"),
    [
        ("11:27", "第二加油站", Finding.DOUBT),
        ("11:28", "第二加油站", Finding.CANNOT_TELL),
        ("15:37", "第二加油站", Finding.CANNOT_TELL),
        ("15:38", "第二加油站", Finding.AGREES),
        ("10:20", "第一加油站", Finding.DOUBT),
        ("09:30", "第二加油站", Finding.DOUBT),
        ("09:30", "第一加油站", Finding.AGREES),
    ],
)
def test_two_fillings_within_two_hours(clock: str, merchant: str, finding: Finding) -> None:
    first = filling(2, DAY, "09:27", ml=30_000)
    one = compared(Check.PAIR, first, filling(1, DAY, clock, merchant, ml=20_000))
    assert one.finding is finding
    assert (one.doubt is Doubt.TWO_FILLS) == (finding is Finding.DOUBT)


def test_published_case_58_and_39_litres_at_one_station_within_minutes() -> None:
    first = filling(2, DAY, "09:27", ml=58_000)
    one = compared(Check.PAIR, first, filling(1, DAY, "09:35", ml=39_000))
    assert one.doubt is Doubt.TWO_FILLS
    assert figures(one)["apart_s"] == 480


def test_of_one_day_without_times_nobody_can_tell() -> None:
    first = filling(2, DAY, "", timed=False)
    assert compared(Check.PAIR, first, filling(1, DAY, "13:00")).why is Why.TIME_UNKNOWN
    later = filling(1, in_may(13), "", timed=False)
    assert compared(Check.PAIR, first, later).finding is Finding.AGREES


def books(padded_ml: int, since: int) -> list[Filling]:
    """A filling every fourth day for two months; from one of them on, padded."""
    return [
        filling(
            number,
            APRIL + timedelta(days=4 * number),
            "09:27",
            ml=4 * USED_ML_DAY + (padded_ml if number >= since else 0),
        )
        for number in range(15)
    ]


def test_litres_that_exceed_the_way_for_longer_than_the_tank_explains_are_a_doubt() -> None:
    # No track of the scene is long enough for the usual least of 1500 km.
    rules = RULES_OF_A_SHORT_BOOK
    honest = subject(Car("v", {}), *books(0, 99), others=False)
    assert {judged(honest, Check.LITRES, n, rules).finding for n in range(11, 15)} == {
        Finding.AGREES
    }
    padded = subject(Car("v", {}), *books(12_000, 9), others=False)
    one = judged(padded, Check.LITRES, 14, rules)
    assert one.doubt is Doubt.PADDED_LITRES
    told = figures(one)
    assert told["legs"] >= rules.legs_least
    assert told["over_ml"] > 0
    assert told["base_ml"] > 0


def test_what_is_doubted_does_not_enter_the_consumption_it_is_held_against() -> None:
    rules = RULES_OF_A_SHORT_BOOK
    padded = subject(Car("v", {}), *books(12_000, 9), others=False)
    one = judged(padded, Check.LITRES, 14, rules)
    told = figures(one)
    assert told["base_ml"] * 1_000_000 // told["base_mm"] == pytest.approx(
        USED_ML_DAY * 1_000_000 * 36 // told["base_mm"], rel=0.15
    )


def test_with_little_history_nobody_can_tell() -> None:
    records = subject(Car("v", {}), *books(0, 99), others=False)
    assert judged(records, Check.LITRES, 5).why is Why.HISTORY_SHORT
    assert judged(records, Check.LITRES, 0).why is Why.DISTANCE_UNKNOWN


@pytest.mark.parametrize(
    ("product", "energy", "finding"),
    [
        ("petrol", "petrol", Finding.AGREES),
        ("petrol", "hybrid", Finding.AGREES),
        ("petrol", "plug_in_hybrid", Finding.AGREES),
        ("diesel", "diesel", Finding.AGREES),
        ("cng", "gas", Finding.AGREES),
        ("diesel", "petrol", Finding.DOUBT),
        ("petrol", "diesel", Finding.DOUBT),
        ("petrol", "electric", Finding.DOUBT),
        ("cng", "petrol", Finding.DOUBT),
        ("petrol", "gas", Finding.CANNOT_TELL),
        ("petrol", None, Finding.CANNOT_TELL),
        ("", "petrol", Finding.CANNOT_TELL),
    ],
)
def test_the_product_is_held_against_what_the_vehicle_runs_on(
    product: str, energy: str | None, finding: Finding
) -> None:
    one = compared(Check.FUEL, filling(1, DAY, "09:27", product=product, energy=energy))
    assert one.finding is finding
    assert (one.doubt is Doubt.WRONG_FUEL) == (finding is Finding.DOUBT)


def test_two_fillings_of_one_day_without_times_were_never_in_the_tank_together() -> None:
    papers = (
        filling(1, in_may(10), "", ml=30_000, timed=False),
        filling(2, in_may(10), "23:00", ml=30_000),
        filling(3, in_may(11), "09:27", ml=25_000),
    )
    assert compared(Check.ROOM, *papers, number=3).why is Why.DISTANCE_UNKNOWN


def test_a_vehicle_whose_ways_have_holes_uses_no_more_than_what_was_seen_of_them_says() -> None:
    silent = tuple((us(in_may(day), "00:30"), us(in_may(day), "06:00")) for day in range(1, 12))
    car = Car("v", {}, silent=silent)
    used = [filling(9 + day, in_may(day), "09:27", ml=USED_ML_DAY) for day in range(1, 11)]
    last = filling(1, in_may(12), "09:27", ml=30_000)
    full = filling(2, in_may(11), "09:27", ml=4_000, full=True)
    rules = replace(RULES_OF_A_SHORT_BOOK, waiting_ml=0)
    few = judged(subject(car, *used, full, last, others=False), Check.ROOM, 1, rules)
    assert figures(few)["burnt_ml"] < figures(few)["driven_mm"] * 25 // 100_000


def test_a_filling_is_not_held_against_a_consumption_that_it_entered_itself() -> None:
    used = [filling(9 + day, in_may(day), "09:27", ml=USED_ML_DAY) for day in range(1, 11)]
    last = filling(1, in_may(11), "09:27", ml=60_000)
    records = subject(Car("v", {}), *used, last, others=False)
    told = figures(judged(records, Check.ROOM, 1, replace(RULES_OF_A_SHORT_BOOK, waiting_ml=0)))
    assert told["burnt_ml"] < 2 * USED_ML_DAY


def test_dashboards_far_apart_tell_of_all_legs_between() -> None:
    silent = tuple((us(in_may(day), "00:30"), us(in_may(day), "06:00")) for day in range(2, 32))
    car = Car("v", {}, silent=silent)

    def verdict(padded_ml: int, end_hm: int) -> Verdict:
        honest = books(0, 99)[:9]
        last = [
            filling(20 + n, in_may(9 + 2 * n), "09:27", ml=2 * USED_ML_DAY + padded_ml)
            for n in range(8)
        ]
        last[0] = replace(last[0], odometer_hm=100_000)
        last[-1] = replace(last[-1], odometer_hm=end_hm)
        records = subject(car, *honest, *last, others=False)
        return judged(records, Check.LITRES, 27, RULES_OF_A_SHORT_BOOK)

    driven_hm = 14 * 95  # seven legs of two days of 9.5 km
    assert verdict(0, 100_000 + driven_hm).finding is Finding.AGREES
    assert verdict(12_000, 100_000 + driven_hm).doubt is Doubt.PADDED_LITRES
    misread = verdict(12_000, 100_000 + driven_hm // 2)
    assert misread.why is Why.DISTANCE_UNKNOWN
