"""Invoices of garages, orders and trips."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fleet.joining import learn
from fleet.joining.check import verdicts
from fleet.joining.model import Order, Records, Vehicle
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from tests.unit.fleet.joining.scene import (
    HOME,
    MENDED,
    PLACES,
    RULES,
    Car,
    in_may,
    judged,
    order,
    repair,
    subject,
    us,
)

DAY = in_may(20)
ELSEWHERE = [("yard", "00:00", "09:00"), ("far", "10:00", "12:00"), ("yard", "13:00", "24:00")]


def invoice(car: Car, merchant: str = "大众维修厂", *, others: bool = True) -> Verdict:
    return judged(subject(car, repair(1, DAY, merchant), others=others), Check.GARAGE, 1)


@pytest.mark.parametrize("days", [0, 1, 9])
def test_an_invoice_agrees_when_the_vehicle_was_there_some_days_before(days: int) -> None:
    one = invoice(Car("v", {DAY - timedelta(days=days): MENDED}))
    assert one.finding is Finding.AGREES
    figures = {figure.name: figure.value for figure in one.figures}
    assert figures["place_vehicles"] == 4


@pytest.mark.parametrize("days", [None, 11, -3])
def test_a_garage_that_was_not_visited_about_the_invoice_is_a_doubt(days: int | None) -> None:
    visits = {} if days is None else {DAY - timedelta(days=days): MENDED}
    one = invoice(Car("v", visits))
    assert one.doubt is Doubt.GARAGE_NEVER_VISITED
    (nearest_mm,) = (figure.value for figure in one.figures if figure.name == "nearest_mm")
    assert isinstance(nearest_mm, int)
    assert nearest_mm > 4_000_000


def test_of_a_garage_nobody_knows_an_unusual_stop_may_be_it() -> None:
    assert invoice(Car("v", {DAY: ELSEWHERE}), "不知名").why is Why.UNUSUAL_STOP
    assert invoice(Car("v", {}), "不知名").doubt is Doubt.GARAGE_NEVER_VISITED
    assert invoice(Car("v", {}), "").doubt is Doubt.GARAGE_NEVER_VISITED


def test_an_office_that_everybody_visits_is_not_taken_for_the_garage() -> None:
    # Of one garage most invoices are by cars that were never there, but all at one office ("far").
    cars = {}
    for n in range(6):
        day = in_may(1) - timedelta(days=6 + n)
        others = [day - timedelta(days=d) for d in (15, 18, 21)]
        track = Car(f"w{n}", dict.fromkeys([day, *others], ELSEWHERE)).track()
        cars[f"w{n}"] = Vehicle(f"w{n}", repairs=(repair(8_000 + n, day),), track=track)
    records = Records({**subject(Car("v", {DAY: ELSEWHERE}), repair(1, DAY)).vehicles, **cars})
    (place,) = learn.garages(records, us(in_may(1)), RULES).values()
    assert (place.lat, place.lon) == pytest.approx(PLACES["garage"], abs=1e-6)
    assert (place.matches, place.of, place.own_pct) == (4, 10, 100)
    assert judged(records, Check.GARAGE, 1).why is Why.UNUSUAL_STOP


def test_a_place_that_is_visited_without_invoices_raises_no_doubt() -> None:
    invoiced = in_may(1) - timedelta(days=4)
    days = [invoiced, *(invoiced - timedelta(days=d) for d in (14, 16, 18, 20))]
    cars = {}
    for n in range(5):
        track = Car(f"w{n}", dict.fromkeys(days, ELSEWHERE)).track()
        cars[f"w{n}"] = Vehicle(f"w{n}", repairs=(repair(8_000 + n, invoiced),), track=track)
    alone = subject(Car("v", {}), repair(1, DAY), others=False).vehicles
    (place,) = learn.garages(Records({**alone, **cars}), us(in_may(1)), RULES).values()
    assert (place.matches, place.own_pct) == (5, 20)
    assert not place.firm(RULES)


def test_a_silent_terminal_or_a_sensitive_vehicle_cannot_be_told() -> None:
    silent = us(DAY, "08:00"), us(DAY, "19:00")
    assert invoice(Car("v", {DAY: HOME}, silent=(silent,))).why is Why.TRACK_INCOMPLETE
    told = Car("v", {DAY: HOME}, silent=(silent,), odometer=True)
    assert invoice(told).doubt is Doubt.GARAGE_NEVER_VISITED
    assert invoice(Car("v", {}, sensitive=True)).why is Why.SENSITIVE


def test_an_odometer_that_rose_in_the_yard_tells_of_a_way_that_nobody_saw() -> None:
    records = subject(Car("v", {DAY: HOME}, odometer=True), repair(1, DAY))
    vehicle = records.vehicles["v"]
    gained = vehicle.track.stops.terminal_mm.copy()
    gained[vehicle.track.stops.touching(us(DAY, "12:00"), us(DAY, "12:00")).start] = 12_000_000
    track = replace(vehicle.track, stops=replace(vehicle.track.stops, terminal_mm=gained))
    other = Records({**records.vehicles, "v": replace(vehicle, track=track)})
    assert judged(other, Check.GARAGE, 1).why is Why.TRACK_INCOMPLETE


def ordered(*papers: Order, car: Car | None = None) -> dict[tuple[Check, int], Verdict]:
    records = subject(car or Car("v", {}), *papers, others=False)
    span = us(DAY), us(DAY + timedelta(days=1))
    found = verdicts(records, *span, RULES, checks={Check.ORDER, Check.TRIP})
    return {(one.check, one.number): one for one in found}


def of_order(**more: Any) -> Verdict:  # noqa: ANN401
    car = Car("v", {DAY: HOME}) if more.pop("home", False) else None
    asked = order(1, DAY, more.pop("out", "08:50"), more.pop("back", "16:40"), **more)
    return ordered(asked, car=car)[Check.ORDER, 1]


def test_an_order_agrees_with_its_trips() -> None:
    one = of_order(out_hm=1000, back_hm=1100, missing=("事由",))
    assert one.finding is Finding.AGREES
    figures = {figure.name: figure.value for figure in one.figures}
    assert figures["missing"] == "事由"
    assert figures["order_mm"] == 10_000_000


def test_an_order_in_whose_time_nothing_was_driven_is_a_doubt() -> None:
    assert of_order(home=True).doubt is Doubt.ORDER_WITHOUT_TRIP
    assert of_order(home=True, out=None, back=None).doubt is Doubt.ORDER_WITHOUT_TRIP


def test_kilometres_that_the_trips_do_not_bear_out_are_a_doubt() -> None:
    assert of_order(out_hm=1000, back_hm=1500).doubt is Doubt.ORDER_KILOMETRES
    assert of_order(out_hm=1000, back_hm=1130).finding is Finding.AGREES


def test_a_trip_is_held_against_the_orders() -> None:
    found = ordered(order(1, DAY, "08:50", "10:10"))
    morning = found[Check.TRIP, us(DAY, "09:00")]
    evening = found[Check.TRIP, us(DAY, "16:00")]
    assert morning.finding is Finding.AGREES
    assert evening.doubt is Doubt.TRIP_WITHOUT_ORDER


def test_where_no_orders_are_kept_a_trip_raises_no_doubt() -> None:
    long_ago = order(1, DAY - timedelta(days=40), "08:50", "10:10")
    assert {one.why for one in ordered(long_ago).values()} == {Why.NO_ORDERS}
    assert {one.why for one in ordered().values()} == {Why.NO_ORDERS}


def test_before_the_day_of_the_first_order_none_were_kept() -> None:
    first = order(1, DAY + timedelta(days=1), "15:50", "17:00")
    morning = Check.TRIP, us(DAY, "09:00")
    assert ordered(first)[morning].why is Why.NO_ORDERS
    earlier = order(2, DAY - timedelta(days=170), "08:50", "10:10")
    assert ordered(earlier, first)[morning].doubt is Doubt.TRIP_WITHOUT_ORDER
    long_ago = order(2, DAY - timedelta(days=190), "08:50", "10:10")
    assert ordered(long_ago, first)[morning].why is Why.NO_ORDERS


def test_an_order_without_a_return_claims_no_way_as_its_own() -> None:
    # Of the day's two ways of 5 km each, this order is of the morning's; it does not say so.
    assert of_order(back=None, out_hm=1000, back_hm=1040).finding is Finding.AGREES
    assert of_order(back=None, out_hm=1000, back_hm=1500).doubt is Doubt.ORDER_KILOMETRES


def test_a_trip_that_only_an_order_without_a_return_may_speak_of_cannot_be_told() -> None:
    evening = Check.TRIP, us(DAY, "16:00")
    assert ordered(order(1, DAY, "08:50", None))[evening].why is Why.TIME_UNKNOWN
    both = order(1, DAY, "08:50", None), order(2, DAY, "15:50", "17:00")
    assert ordered(*both)[evening].finding is Finding.AGREES


def test_a_way_that_nobody_saw_is_none_for_an_order_and_none_without_one() -> None:
    # A wild fix between two of a parked vehicle gives such a trip.
    records = subject(Car("v", {}), order(1, DAY, "15:50", "16:40"), others=False)
    vehicle = records.vehicles["v"]
    trips = replace(vehicle.track.trips, gap_mm=vehicle.track.trips.distance_mm)
    blind = replace(vehicle, track=replace(vehicle.track, trips=trips))
    span = us(DAY), us(DAY + timedelta(days=1))
    checks = {Check.ORDER, Check.TRIP}
    found = {
        (one.check, one.number): one
        for one in verdicts(Records({"v": blind}), *span, RULES, checks=checks)
    }
    assert found[Check.ORDER, 1].why is Why.TRACK_INCOMPLETE
    assert found[Check.TRIP, us(DAY, "09:00")].why is Why.TRACK_INCOMPLETE
    assert found[Check.TRIP, us(DAY, "16:00")].finding is Finding.AGREES


def test_what_an_odometer_gained_in_silence_is_no_way_of_an_order_for_certain() -> None:
    car = Car("v", {DAY: HOME}, odometer=True)
    records = subject(car, order(1, DAY, "08:50", "16:40"), others=False)
    vehicle = records.vehicles["v"]
    gained = vehicle.track.stops.terminal_mm.copy()
    gained[vehicle.track.stops.touching(us(DAY, "12:00"), us(DAY, "12:00")).start] = 12_000_000
    track = replace(vehicle.track, stops=replace(vehicle.track.stops, terminal_mm=gained))
    one = judged(Records({"v": replace(vehicle, track=track)}), Check.ORDER, 1)
    assert one.why is Why.TRACK_INCOMPLETE
