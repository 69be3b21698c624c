"""A filling against where the vehicle was."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.joining.model import Records, Track, Vehicle
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from tests.unit.fleet.joining.scene import (
    AT_A,
    AT_B,
    MINUTE,
    Car,
    filling,
    in_may,
    judged,
    learned,
    order,
    repair,
    subject,
    us,
)

DAY = in_may(12)


def place(car: Car, clock: str, merchant: str = "第一加油站", **more: Any) -> Verdict:  # noqa: ANN401
    return judged(subject(car, filling(1, DAY, clock, merchant, **more)), Check.PLACE, 1)


def figure(one: Verdict, name: str) -> Any:  # noqa: ANN401
    return {figure.name: figure.value for figure in one.figures}[name]


@pytest.mark.parametrize("clock", ["09:21", "09:27", "09:35", "10:00"])
def test_it_agrees_when_the_vehicle_stood_there_although_the_time_is_minutes_off(
    clock: str,
) -> None:
    one = place(Car("v", {DAY: AT_A}), clock)
    assert one.finding is Finding.AGREES
    assert figure(one, "nearest_mm") < 50_000
    assert figure(one, "place_vehicles") == 4


def test_spelling_does_not_matter() -> None:
    assert place(Car("v", {DAY: AT_A}), "09:27", " 第一 加油站（）").finding is Finding.AGREES


def test_a_card_used_while_the_vehicle_was_at_the_office_is_a_doubt() -> None:
    one = place(Car("v", {}), "13:00")
    assert (one.finding, one.doubt) == (Finding.DOUBT, Doubt.BORROWED_CARD)
    assert figure(one, "nearest_mm") > 5_000_000
    assert figure(one, "span_from_us") == us(DAY, "12:25")


def test_vehicle_case_14_a_filling_is_shown_with_its_litres_its_place_and_its_driver() -> None:
    covering = order(50, DAY, "08:50", "10:10", driver="张三")
    papers = filling(1, DAY, "09:27"), covering, order(51, DAY, "13:00", None, driver="李四")
    records = subject(Car("v", {DAY: AT_A}), *papers)
    one = judged(records, Check.PLACE, 1)
    assert one.finding is Finding.AGREES
    told = {each.name: each.value for each in one.figures}
    assert (told["filled_ml"], told["order"], told["driver"]) == (30_000, "派50", "张三")
    assert figure(one, "nearest_mm") < 300_000
    alone = judged(subject(Car("v", {DAY: AT_A}), papers[0]), Check.PLACE, 1)
    assert {(each.name, each.value) for each in alone.figures} >= {("order", None)}


def test_standing_at_another_station_is_a_doubt_of_its_own_kind() -> None:
    one = place(Car("v", {DAY: AT_B}), "09:27")
    assert one.doubt is Doubt.STATION_ELSEWHERE
    assert figure(one, "other_station") == "第二加油站"
    assert figure(one, "stations_apart_mm") == pytest.approx(6_700_000, rel=0.02)


@pytest.mark.parametrize(
    ("clock", "doubt"),
    [
        ("10:20", Doubt.STATION_ELSEWHERE),
        ("13:00", Doubt.STATION_ELSEWHERE),
        ("13:30", Doubt.BORROWED_CARD),
        ("07:30", Doubt.BORROWED_CARD),
    ],
)
def test_at_another_station_a_statement_may_be_hours_late_but_not_early(
    clock: str, doubt: Doubt
) -> None:
    assert place(Car("v", {DAY: AT_B}), clock).doubt is doubt


@pytest.mark.parametrize(
    ("clock", "merchant", "doubt"),
    [
        ("09:27", "第九加油站", Doubt.BORROWED_CARD),  # of the time of the stop, whatever it names
        ("10:20", "第二加油站", Doubt.BORROWED_CARD),  # of that station, late as well
        ("10:20", "第九加油站", Doubt.STATION_ELSEWHERE),  # of some other stop
    ],
)
def test_a_stop_hours_before_is_not_meant_when_another_paper_speaks_of_it(
    clock: str, merchant: str, doubt: Doubt
) -> None:
    papers = filling(1, DAY, "12:00"), filling(2, DAY, clock, merchant)
    assert judged(subject(Car("v", {DAY: AT_B}), *papers), Check.PLACE, 1).doubt is doubt


@pytest.mark.parametrize(
    ("until", "doubt"), [("09:38", Doubt.STATION_ELSEWHERE), ("09:45", Doubt.BORROWED_CARD)]
)
def test_a_longer_stop_hours_before_is_no_filling(until: str, doubt: Doubt) -> None:
    stop = [("yard", "00:00", "09:00"), ("B", "09:20", until), ("yard", "10:30", "24:00")]
    assert place(Car("v", {DAY: stop}), "12:00").doubt is doubt


def test_a_name_that_few_papers_have_at_another_station_raises_no_doubt() -> None:
    # Two cars that filled at B wrote another name, twice each: B is named by twelve and more.
    cars = {}
    for n in range(2):
        days = [in_may(1) - timedelta(days=5 + n + 2 * k) for k in range(2)]
        papers = [filling(7_000 + 10 * n + k, day, "09:27", "新站") for k, day in enumerate(days)]
        track = Car(f"w{n}", dict.fromkeys(days, AT_B)).track()
        cars[f"w{n}"] = Vehicle(f"w{n}", fillings=tuple(papers), track=track)
    records = subject(Car("v", {}), filling(1, DAY, "13:00", "新站"))
    more = {
        code: replace(
            vehicle,
            fillings=(
                *vehicle.fillings,
                *(
                    replace(one, number=one.number + 500)
                    for one in vehicle.fillings
                    if one.merchant == "第二加油站"
                ),
            ),
        )
        for code, vehicle in learned().items()
    }
    few = Records({**records.vehicles, **cars})
    assert judged(few, Check.PLACE, 1).doubt is Doubt.BORROWED_CARD
    many = Records({**records.vehicles, **cars, **more})
    assert judged(many, Check.PLACE, 1).why is Why.PLACE_THIN


def test_a_visit_at_another_hour_is_no_doubt_but_a_time_that_differs() -> None:
    one = place(Car("v", {DAY: AT_A}), "12:30")
    assert (one.finding, one.why) == (Finding.CANNOT_TELL, Why.TIME_DIFFERS)
    assert figure(one, "other_visit_us") == us(DAY, "09:20")


@pytest.mark.parametrize(
    ("visit", "finding", "why"),
    [
        (DAY, Finding.AGREES, None),
        (DAY - timedelta(days=1), Finding.CANNOT_TELL, Why.TIME_DIFFERS),
        (DAY - timedelta(days=3), Finding.DOUBT, None),
    ],
)
def test_a_day_without_a_time_is_compared_as_a_day(
    visit: Any,  # noqa: ANN401
    finding: Finding,
    why: Why | None,
) -> None:
    one = place(Car("v", {visit: AT_A}), "", timed=False)
    assert (one.finding, one.why) == (finding, why)


def test_driving_past_without_stopping_is_not_filling() -> None:
    past = [("yard", "00:00", "13:00"), ("far", "13:30", "14:00"), ("yard", "14:30", "24:00")]
    one = place(Car("v", {DAY: past}), "13:20", "第一加油站")
    assert one.doubt is Doubt.BORROWED_CARD


def test_a_short_filling_that_made_no_stop_is_seen_by_its_fixes() -> None:
    car = Car("v", {DAY: AT_A})
    records = subject(car, filling(1, DAY, "09:27"))
    track = records.vehicles["v"].track
    keep = [
        index
        for index in range(len(track.stops))
        if not us(DAY, "09:20") <= track.stops.began_us[index] < us(DAY, "09:26")
    ]
    names = ("began_us", "ended_us", "lat", "lon", "terminal_mm", "silent_s")
    fewer = type(track.stops)(*(getattr(track.stops, name)[keep] for name in names))
    vehicle = Vehicle(
        "v", fillings=records.vehicles["v"].fillings, track=Track(fewer, track.trips, track.sight)
    )
    one = judged(Records({**records.vehicles, "v": vehicle}), Check.PLACE, 1)
    assert one.finding is Finding.AGREES


@pytest.mark.parametrize(
    ("car", "more", "others", "why"),
    [
        (Car("v", {}, sensitive=True), {}, True, Why.SENSITIVE),
        (Car("v", {}), {"merchant": ""}, True, Why.MERCHANT_UNSTATED),
        (Car("v", {}), {"merchant": "第九加油站"}, True, Why.PLACE_UNKNOWN),
        (Car("v", {}), {}, False, Why.PLACE_UNKNOWN),
        (
            Car("v", {}, silent=((us(DAY, "12:00"), us(DAY, "14:00")),)),
            {},
            True,
            Why.TRACK_INCOMPLETE,
        ),
    ],
)
def test_what_is_not_known_is_said_and_is_no_doubt(
    car: Car,
    more: dict[str, Any],
    others: bool,
    why: Why,
) -> None:
    known = {"merchant": "第一加油站", **more}
    records = subject(car, filling(1, DAY, "13:00", **known), others=others)
    one = judged(records, Check.PLACE, 1)
    assert (one.finding, one.why) == (Finding.CANNOT_TELL, why)


def test_without_a_track_nobody_can_tell() -> None:
    records = subject(Car("v", {}), filling(1, DAY, "13:00"))
    nothing = Vehicle("v", fillings=records.vehicles["v"].fillings)
    one = judged(Records({**records.vehicles, "v": nothing}), Check.PLACE, 1)
    assert one.why is Why.NO_TRACK


def test_a_silence_too_short_to_go_there_and_back_hides_nothing() -> None:
    silent = us(DAY, "13:00") - 2 * MINUTE, us(DAY, "13:00") + 2 * MINUTE
    one = place(Car("v", {DAY: [("yard", "00:00", "24:00")]}, silent=(silent,)), "13:00")
    assert one.doubt is Doubt.BORROWED_CARD


def test_a_place_that_one_vehicle_alone_speaks_for_raises_no_doubt() -> None:
    days = [in_may(1) - timedelta(days=n) for n in range(4, 29, 4)]
    papers = [filling(100 + n, day, "09:27", "独行加油站") for n, day in enumerate(days)]
    car = Car("v", dict.fromkeys(days, AT_A))
    one = judged(subject(car, *papers, filling(1, DAY, "13:00", "独行加油站")), Check.PLACE, 1)
    assert (one.finding, one.why) == (Finding.CANNOT_TELL, Why.PLACE_THIN)
    assert figure(one, "place_matches") == len(days)
    assert figure(one, "place_vehicles") == 1


def test_of_a_time_when_it_was_sensitive_no_place_is_known_and_none_is_missed() -> None:
    records = subject(Car("v", {}, sensitive=True), filling(1, DAY, "13:00"), repair(2, DAY))
    open_now = replace(records.vehicles["v"], sensitive=False)
    again = Records({**records.vehicles, "v": open_now})
    assert judged(again, Check.PLACE, 1).why is Why.TRACK_INCOMPLETE
    assert judged(again, Check.GARAGE, 2).why is Why.SENSITIVE
