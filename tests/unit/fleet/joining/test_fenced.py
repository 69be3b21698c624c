"""Stations and garages that fences say, to the metre."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fleet.fence.shape import circle, polygon
from fleet.joining.fenced import GARAGE, STATION, fenced
from fleet.joining.model import Fence
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from storage.times import DAY_US, NEVER_US
from tests.unit.fleet.joining.scene import (
    AT_A,
    HOME,
    MENDED,
    PLACES,
    Car,
    filling,
    in_may,
    judged,
    repair,
    subject,
    us,
)

DAY = in_may(5)
NEW = "新开加油站"
"""Of which no paper was seen yet: nothing is learned of it."""
A, B = PLACES["A"], PLACES["B"]
NORTH_M, EAST_M = 110_862.5, 95_857.1
"""Of a degree at A, from the ellipsoid: right to a metre in ten kilometres."""


def metres_from(place: tuple[float, float], north: float, east: float = 0.0) -> tuple[float, float]:
    """Return longitude and latitude of a place so many metres off another."""
    return place[1] + east / EAST_M, place[0] + north / NORTH_M


def fence(name: str, middle: tuple[float, float], radius: int, **more: Any) -> Fence:  # noqa: ANN401
    known: dict[str, Any] = {"purpose": "", "since_us": 0, "until_us": NEVER_US, "code": "F1"}
    known |= {"margin_mm": 50_000, **more}
    return Fence(name=name, shape=circle(middle, radius), **known)


def judge(*fences: Fence, merchant: str = NEW, others: bool = False) -> Verdict:
    """The verdict of a filling at 9:27 of a day on which the car stood at A from 9:20 to 9:26."""
    found = subject(Car("v", {DAY: AT_A}), filling(1, DAY, "09:27", merchant), others=others)
    return judged(replace(found, fences=fences), Check.PLACE, 1)


def figures(one: Verdict) -> dict[str, object]:
    return {figure.name: figure.value for figure in one.figures}


def test_without_a_fence_a_station_that_nobody_knows_cannot_be_compared() -> None:
    assert judge().why is Why.PLACE_UNKNOWN


@pytest.mark.parametrize("merchant", [NEW, "新开 加油站", "f1"])
def test_a_station_is_known_by_its_fences_name_or_code(merchant: str) -> None:
    one = judge(fence(NEW, metres_from(A, 0), 60), merchant=merchant)
    assert one.finding is Finding.AGREES
    found = figures(one)
    assert (found["place_fences"], found["radius_mm"], found["nearest_mm"]) == ("F1", 50_000, 0)
    assert "place_matches" not in found


@pytest.mark.parametrize(
    ("north", "margin", "doubt"),
    [(59, 0, None), (61, 0, Doubt.BORROWED_CARD), (109, 50, None), (111, 50, Doubt.BORROWED_CARD)],
)
def test_a_circle_and_its_margin_end_to_the_metre(
    north: int, margin: int, doubt: Doubt | None
) -> None:
    """The car stood at A; the fence lies so many metres north, with a radius of 60 m."""
    one = judge(fence(NEW, metres_from(A, north), 60, margin_mm=margin * 1_000))
    assert one.doubt is doubt
    near = figures(one)["nearest_mm"]
    assert near == pytest.approx(max(0, north - 60) * 1_000, abs=100)


@pytest.mark.parametrize(("south", "doubt"), [(49, None), (51, Doubt.BORROWED_CARD)])
def test_a_polygon_ends_at_its_edge_and_not_at_its_corners(south: int, doubt: Doubt | None) -> None:
    """An L about A: its southern edge lies so many metres north of where the car stood."""
    corners = [(south, -300), (south, 300), (south + 80, 300), (south + 80, 0), (south + 300, 0)]
    ring = [metres_from(A, *corner) for corner in [*corners, (south + 300, -300)]]
    shape = polygon(ring)
    one = judge(replace(fence(NEW, metres_from(A, 0), 60), shape=shape))
    assert one.doubt is doubt
    assert figures(one)["nearest_mm"] == pytest.approx(south * 1_000, abs=100)


@pytest.mark.parametrize(("margin", "doubt"), [(79, Doubt.BORROWED_CARD), (81, None)])
def test_the_notch_of_a_polygon_is_outside(margin: int, doubt: Doubt | None) -> None:
    """A U whose notch holds A: 80 m to each wall. The car went through a wall, and did not stop."""
    corners = [(-200, -200), (-200, 200), (200, 200), (200, 80), (-80, 80), (-80, -80), (200, -80)]
    ring = [metres_from(A, *corner) for corner in [*corners, (200, -200)]]
    one = judge(
        replace(fence(NEW, metres_from(A, 0), 60, margin_mm=margin * 1_000), shape=polygon(ring))
    )
    assert one.doubt is doubt


def test_a_fence_comes_before_what_was_learned() -> None:
    assert judge(merchant="第一加油站", others=True).finding is Finding.AGREES
    elsewhere = fence("第一加油站", metres_from(A, 2_000), 60)
    one = judge(elsewhere, merchant="第一加油站", others=True)
    assert one.doubt is Doubt.BORROWED_CARD
    assert figures(one)["nearest_mm"] == pytest.approx(1_940_000, rel=1e-4)


def test_a_fence_holds_from_its_day_until_its_last() -> None:
    there = fence(NEW, metres_from(A, 0), 60)
    assert judge(replace(there, since_us=us(DAY))).finding is Finding.AGREES
    assert judge(replace(there, since_us=us(DAY) + 1)).why is Why.PLACE_UNKNOWN
    assert judge(replace(there, until_us=us(DAY) + DAY_US)).finding is Finding.AGREES
    assert judge(replace(there, until_us=us(DAY))).why is Why.PLACE_UNKNOWN


def test_several_fences_of_a_name_are_one_chain() -> None:
    far = fence(NEW, metres_from(A, 30_000), 60)
    one = judge(far, replace(fence(NEW, metres_from(A, 0), 60), code="F2"))
    assert (one.finding, figures(one)["place_fences"]) == (Finding.AGREES, "F1、F2")


def test_of_one_name_the_fence_of_the_right_purpose_counts() -> None:
    garage = fence(NEW, metres_from(A, 30_000), 60, purpose=GARAGE)
    plain = fence(NEW, metres_from(A, 20_000), 60, code="F2")
    station = fence(NEW, metres_from(A, 0), 60, purpose=STATION, code="F3")
    all_of_them = (garage, plain, station)
    assert fenced(all_of_them, 0, STATION)["新开加油站"].codes == ("F3",)
    assert fenced(all_of_them, 0, GARAGE)["新开加油站"].codes == ("F1",)
    assert fenced(all_of_them[1:2], 0, GARAGE)["新开加油站"].codes == ("F2",)
    assert fenced(all_of_them[:1], 0, STATION)["新开加油站"].codes == ("F1",)


def test_a_designated_station_at_which_it_stood_is_the_station_elsewhere() -> None:
    named_so = fence(NEW, metres_from(B, 0), 60, purpose=STATION)
    stood = fence("定点第三站", metres_from(A, 0), 60, purpose=STATION, code="F2")
    one = judge(named_so, stood)
    assert one.doubt is Doubt.STATION_ELSEWHERE
    assert figures(one)["other_station"] == "定点第三站"
    for purpose in ("", "parking", GARAGE):
        assert judge(named_so, replace(stood, purpose=purpose)).doubt is Doubt.BORROWED_CARD
    assert judge(named_so, others=True).doubt is Doubt.STATION_ELSEWHERE, "or a learned one"


def test_a_garage_is_known_by_its_fence() -> None:
    def invoice(days: Any, *fences: Fence) -> Verdict:  # noqa: ANN401
        found = subject(Car("v", days), repair(1, DAY, "新开维修厂"))
        return judged(replace(found, fences=fences), Check.GARAGE, 1)

    there = fence("新开维修厂", metres_from(PLACES["garage"], 0), 60, purpose=GARAGE)
    assert invoice({DAY: MENDED}).why is Why.UNUSUAL_STOP
    one = invoice({DAY: MENDED}, there)
    assert (one.finding, figures(one)["nearest_mm"]) == (Finding.AGREES, 0)
    away = replace(there, shape=circle(metres_from(PLACES["garage"], 200), 60))
    assert invoice({DAY: MENDED}, away).doubt is Doubt.GARAGE_NEVER_VISITED


def test_standing_in_its_fence_explains_a_filling_without_travel() -> None:
    found = subject(Car("v", {DAY: HOME}), filling(1, DAY, "13:00", "机关油库"))
    depot = fence("机关油库", metres_from(PLACES["yard"], 0), 60)
    assert judged(found, Check.TRAVEL, 1).doubt is Doubt.WITHOUT_TRAVEL
    assert judged(replace(found, fences=(depot,)), Check.TRAVEL, 1).finding is Finding.AGREES


def test_where_no_place_is_kept_nothing_is_near() -> None:
    spot = fenced([fence(NEW, metres_from(A, 0), 60)], 0, STATION)["新开加油站"].spot
    assert spot.away_mm(np.array([math.nan]), np.array([math.nan])) >= 10**11
