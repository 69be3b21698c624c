"""The sums behind tank, room and litres, to the millilitre; kilometres from dashboards alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from fleet.joining.bills import bills
from fleet.joining.fuel_tank import most_burnt
from fleet.joining.model import Filling, Records, Vehicle
from fleet.joining.rates import Rate
from fleet.joining.rules import DAY_US, Rules
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from fleet.joining.ways import Driven
from tests.unit.fleet.joining.scene import (
    APRIL,
    KM,
    RULES,
    Car,
    filling,
    in_may,
    judged,
    subject,
)

FOUR = replace(RULES, legs_least=4, slack_pct=14)
"""Runs of four legs: sums by hand stay what they are whatever is believed by default."""

LAST = 12
DAY = in_may(12)
EARLIER = in_may(10)


def of_dashboards(
    check: Check, papers: Sequence[Filling], number: int, rules: Rules = RULES
) -> Verdict:
    return judged(Records({"v": Vehicle("v", fillings=tuple(papers))}), check, number, rules)


def figures(one: Verdict) -> dict[str, Any]:
    return {figure.name: figure.value for figure in one.figures}


def books(more_ml: int, **of_eighth: Any) -> list[Filling]:  # noqa: ANN401
    """40 L every 400 km and fourth day; of the last four fillings so much."""
    found = [
        filling(
            number,
            APRIL + timedelta(days=4 * number),
            "09:27",
            ml=40_000 if number <= 8 else more_ml,
            odometer_hm=100_000 + 4_000 * number,
        )
        for number in range(LAST + 1)
    ]
    found[8] = replace(found[8], **of_eighth)
    return found


def changed(papers: list[Filling], number: int, **more: Any) -> list[Filling]:  # noqa: ANN401
    papers[number] = replace(papers[number], **more)
    return papers


@pytest.mark.parametrize(
    ("full", "ml", "over"),
    [(False, 52_725, 0), (False, 52_726, 4), (True, 47_215, 0), (True, 47_216, 4)],
)
def test_litres_may_exceed_the_way_by_slack_and_by_what_the_tank_had_room_for(
    full: bool, ml: int, over: int
) -> None:
    # 160 L by 10 L/100 km, and 14 %. Room: 66 L, less the 40 in it (62.04 when full), and 2.5 L.
    one = of_dashboards(Check.LITRES, books(ml, full=full), LAST, FOUR)
    told = figures(one)
    assert (told["since_number"], told["legs"], told["expected_ml"]) == (8, 4, 160_000)
    assert told["room_ml"] == (6_460 if full else 28_500)
    assert told["over_ml"] == over
    assert (one.doubt is Doubt.PADDED_LITRES) == (over > 0)


def test_one_filling_alone_is_no_run() -> None:
    papers = changed(books(40_000), LAST, ml=80_000)
    assert of_dashboards(Check.LITRES, papers, LAST, FOUR).finding is Finding.AGREES


@pytest.mark.parametrize("more", [{"base_legs": 9}, {"base_mm": 3_201 * KM}])
def test_a_consumption_is_learned_from_enough_fillings_and_enough_way(more: dict[str, int]) -> None:
    # Before the run that begins at filling 8: eight fillings, and 3,200 km.
    assert of_dashboards(Check.LITRES, books(52_800), LAST, FOUR).doubt is Doubt.PADDED_LITRES
    one = of_dashboards(Check.LITRES, books(52_800), LAST, replace(FOUR, **more))
    assert one.why is Why.HISTORY_SHORT


def test_a_run_holds_no_other_tank_no_missed_filling_and_no_other_season() -> None:
    other_tank = [replace(one, tank_ml=70_000) if one.number <= 8 else one for one in books(52_800)]
    missed = changed(books(52_800), 10, missed=True)
    long_ago = [
        replace(one, at_us=one.at_us - 120 * DAY_US) if one.number <= 8 else one
        for one in books(52_800)
    ]
    for papers in (other_tank, missed, long_ago):
        assert of_dashboards(Check.LITRES, papers, LAST, FOUR).why is Why.HISTORY_SHORT


def test_where_no_time_is_known_the_way_of_the_day_may_be_on_either_side() -> None:
    rules = replace(RULES, base_mm=30 * KM, base_legs=3)

    def driven(timed: bool) -> int:
        papers = [
            filling(n, APRIL + timedelta(days=4 * n), "12:00", ml=4_400, timed=timed or n < 14)
            for n in range(15)
        ]
        records = subject(Car("v", {}), *papers, others=False)
        return int(figures(judged(records, Check.LITRES, 14, rules))["driven_mm"])

    assert driven(timed=False) - driven(timed=True) > 8 * KM


def test_the_most_that_is_burnt_on_a_way() -> None:
    way = Driven("odometer", 99 * KM, 100 * KM, 0, 0, 0)
    assert most_burnt(way, None, RULES) == 30_000 + 2_500  # 25 L/100 km and 20 %, and 2.5 L
    assert most_burnt(way, Rate(80_000, 1_000 * KM, 0, 0, 10), RULES) == 9_600 + 2_500


def pair(first: dict[str, Any], second: dict[str, Any], day: date = EARLIER) -> list[Filling]:
    return [
        filling(1, day, "09:27", odometer_hm=100_000, **first),
        filling(2, DAY, "09:27", odometer_hm=100_100, **second),
    ]


def test_what_must_still_be_in_the_tank() -> None:
    papers = pair({"ml": 50_000, "full": True}, {"ml": 9_760})
    told = figures(of_dashboards(Check.ROOM, papers, 2))
    # 10 km and one for the dashboard's digit: 11 km at 25 L/100 km and 20 %, and 2.5 L.
    assert (told["driven_mm"], told["burnt_ml"]) == (11 * KM, 5_800)
    assert (told["left_ml"], told["room_ml"]) == (62_040 - 5_800, 9_760)
    assert of_dashboards(Check.ROOM, papers, 2).finding is Finding.AGREES
    more = pair({"ml": 50_000, "full": True}, {"ml": 9_761})
    assert of_dashboards(Check.ROOM, more, 2).doubt is Doubt.OVERFILL


@pytest.mark.parametrize(
    ("first", "day"),
    [
        ({"ml": None, "full": True}, in_may(10)),
        ({"ml": 50_000, "full": True}, DAY - timedelta(days=181)),
    ],
)
def test_what_is_left_of_a_filling_without_litres_or_long_ago_is_not_known(
    first: dict[str, Any], day: date
) -> None:
    one = of_dashboards(Check.ROOM, pair(first, {"ml": 30_000}, day), 2)
    assert one.why is Why.DISTANCE_UNKNOWN


def test_what_is_left_is_counted_from_a_few_fillings_back() -> None:
    papers = [
        filling(n, in_may(n), "09:27", ml=15_000, full=n == 1, odometer_hm=100_000 + 10 * n)
        for n in range(1, 5)
    ]
    near = figures(of_dashboards(Check.ROOM, papers, 4, replace(RULES, back=2)))
    assert (near["since_number"], near["between"]) == (2, "3")
    all_of_them = [replace(one, ml=1_000) if one.number > 1 else one for one in papers]
    assert figures(of_dashboards(Check.ROOM, all_of_them, 4))["since_number"] == 1


def test_of_two_fillings_of_a_day_without_times_nobody_knows_which_came_first() -> None:
    first = filling(1, DAY, "", "第一加油站", timed=False, ml=50_000, full=True, odometer_hm=10)
    other = filling(2, DAY, "", "第二加油站", timed=False, ml=40_000, odometer_hm=20)
    assert of_dashboards(Check.ROOM, [first, other], 2).why is Why.DISTANCE_UNKNOWN
    same = replace(other, merchant="第一加油站")
    one = of_dashboards(Check.TANK, [first, same], 2)
    assert (one.finding, figures(one)["filled_ml"]) == (Finding.AGREES, 40_000)


def test_what_a_bill_of_several_payments_says() -> None:
    first = filling(1, DAY, "09:27", ml=20_000, odometer_hm=500, missed=True)
    late = filling(2, DAY, "11:20", ml=10_000, full=True)
    (whole,) = bills([first, late], RULES).fillings
    assert (whole.ml, whole.full, whole.missed, whole.odometer_hm) == (30_000, True, True, 500)
    assert len(bills([first, replace(late, at_us=first.at_us + RULES.apart_us + 1)], RULES).of) == 2
    untimed = replace(late, timed=False)
    (mixed,) = bills([first, untimed], RULES).fillings
    assert not mixed.timed
    assert bills([first, replace(untimed, merchant="第二加油站")], RULES).payments == (1, 1)
    assert bills([first, replace(late, missed=True)], RULES).fillings[0].missed
