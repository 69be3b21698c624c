"""A filling against whether the vehicle moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fleet.joining.model import Records, Track, Vehicle
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from tests.unit.fleet.joining.scene import AT_A, HOME, Car, filling, in_may, judged, subject, us

DAY = in_may(12)


def travel(car: Car, clock: str, merchant: str = "第一加油站", **more: Any) -> Verdict:  # noqa: ANN401
    return judged(subject(car, filling(1, DAY, clock, merchant, **more)), Check.TRAVEL, 1)


def test_filled_while_it_stood_in_its_yard_is_a_doubt() -> None:
    one = travel(Car("v", {DAY: HOME}), "13:00")
    assert (one.finding, one.doubt) == (Finding.DOUBT, Doubt.WITHOUT_TRAVEL)
    figures = {figure.name: figure.value for figure in one.figures}
    assert figures["stood_to_us"] == us(in_may(13), "09:00")
    assert figures["driven_mm"] == 0
    assert figures["still_s"] == 3600


@pytest.mark.parametrize("clock", ["09:05", "09:27", "16:10"])
def test_it_agrees_when_the_vehicle_drove_about_that_time(clock: str) -> None:
    assert travel(Car("v", {DAY: AT_A}), clock).finding is Finding.AGREES


def test_standing_less_than_an_hour_before_is_no_doubt() -> None:
    assert travel(Car("v", {}), "10:50").finding is Finding.AGREES
    assert travel(Car("v", {}), "11:01").doubt is Doubt.WITHOUT_TRAVEL


def test_standing_for_hours_at_the_station_agrees() -> None:
    lunch = [("yard", "00:00", "09:00"), ("A", "09:20", "15:00"), ("yard", "15:30", "24:00")]
    assert travel(Car("v", {DAY: lunch}), "12:00").finding is Finding.AGREES


def test_a_visit_hours_before_is_a_time_that_differs() -> None:
    assert travel(Car("v", {DAY: AT_A}), "13:00").why is Why.TIME_DIFFERS


def test_where_the_station_is_not_known_it_must_have_stood_in_its_usual_place_for_longer() -> None:
    known = {"merchant": "第九加油站"}
    assert travel(Car("v", {DAY: HOME}), "13:00", **known).doubt is Doubt.WITHOUT_TRAVEL
    assert travel(Car("v", {}), "18:00", **known).finding is Finding.AGREES
    away = [("yard", "00:00", "09:00"), ("far", "10:00", "19:00"), ("yard", "20:00", "24:00")]
    assert travel(Car("v", {DAY: away}), "14:00", **known).why is Why.PLACE_UNKNOWN


def test_a_sensitive_vehicle_is_compared_without_its_places() -> None:
    assert travel(Car("v", {DAY: HOME}, sensitive=True), "13:00").doubt is Doubt.WITHOUT_TRAVEL
    assert travel(Car("v", {DAY: AT_A}, sensitive=True), "09:27").finding is Finding.AGREES


def test_a_terminal_that_was_silent_may_have_been_anywhere() -> None:
    silent = us(DAY, "11:00"), us(DAY, "15:00")
    car = Car("v", {DAY: HOME}, silent=(silent,))
    assert travel(car, "13:00").why is Why.TRACK_INCOMPLETE
    elsewhere = us(DAY, "02:00"), us(DAY, "06:00")
    assert travel(Car("v", {DAY: HOME}, silent=(elsewhere,)), "13:00").doubt is not None


def test_a_day_without_any_travel_is_a_doubt_also_without_a_time() -> None:
    assert travel(Car("v", {DAY: HOME}), "", timed=False).doubt is Doubt.WITHOUT_TRAVEL
    assert travel(Car("v", {}), "", timed=False).finding is Finding.AGREES


def test_a_second_filling_without_a_way_since_the_first_is_a_doubt() -> None:
    lunch = [("yard", "00:00", "09:00"), ("A", "09:20", "15:00"), ("yard", "15:30", "24:00")]
    records = subject(
        Car("v", {DAY: lunch}), filling(1, DAY, "14:30"), filling(2, DAY, "09:27", ml=20_000)
    )
    one = judged(records, Check.TRAVEL, 1)
    assert one.doubt is Doubt.WITHOUT_TRAVEL
    assert {figure.name: figure.value for figure in one.figures}["before_number"] == 2


@pytest.mark.parametrize(
    ("first", "clock", "silent"),
    [
        ({"clock": "08:30"}, "17:00", ((us(DAY, "10:00"), us(DAY, "16:00")),)),  # what was driven?
        ({"clock": "12:30"}, "14:00", ()),  # within two hours: of the pair
        ({"clock": "", "timed": False}, "15:00", ()),  # which came first?
    ],
)
def test_since_a_filling_of_which_one_cannot_tell_nothing_is_said(
    first: dict[str, Any], clock: str, silent: tuple[tuple[int, int], ...]
) -> None:
    car = Car("v", {DAY: HOME}, silent=silent)
    papers = filling(1, DAY, clock), filling(2, DAY, **first)
    one = judged(subject(car, *papers), Check.TRAVEL, 1)
    assert not {"before_number"} & {figure.name for figure in one.figures}


def test_leaving_soon_after_a_filling_is_travel() -> None:
    # Unknown station: three hours on both sides; it left its yard at 09:00.
    one = travel(Car("v", {}), "08:49", merchant="第九加油站")
    assert one.finding is Finding.AGREES
    figures = {figure.name: figure.value for figure in one.figures}
    assert (figures["driven_mm"], figures["stood_to_us"]) == (0, us(DAY, "09:00"))


def test_a_day_with_hours_of_which_nothing_is_known_is_no_day_without_travel() -> None:
    records = subject(Car("v", {DAY: HOME}), filling(1, DAY, "", timed=False))
    vehicle = records.vehicles["v"]
    stops = vehicle.track.stops
    began = stops.began_us.copy()
    began[stops.touching(us(DAY, "12:00"), us(DAY, "12:00")).start] = us(DAY, "02:00")
    track = replace(vehicle.track, stops=replace(stops, began_us=began))
    known = Records({**records.vehicles, "v": replace(vehicle, track=track)})
    assert judged(known, Check.TRAVEL, 1).why is Why.TRACK_INCOMPLETE


def test_without_a_track_nobody_can_tell() -> None:
    bare = Vehicle("v", fillings=(filling(1, DAY, "13:00"),), track=Track())
    assert judged(Records({"v": bare}), Check.TRAVEL, 1).why is Why.NO_TRACK
