"""Orders against trips, at the edges of their tolerances; a usual day has two trips of 4.7 km."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from fleet.joining.check import verdicts
from fleet.joining.model import Order, Records
from fleet.joining.rules import Rules
from fleet.joining.spoken import span_of
from fleet.joining.verdict import Check, Doubt, Finding, Verdict, Why
from fleet.trips.model import TripFlag
from tests.unit.fleet.joining.scene import HOME, RULES, Car, in_may, judged, order, subject, us

DAY = in_may(20)


def compared(asked: Order, car: Car | None = None, rules: Rules = RULES) -> list[Verdict]:
    records = subject(car or Car("v", {}), asked, others=False)
    span = us(DAY), us(DAY + timedelta(days=1))
    return list(verdicts(records, *span, rules, checks={Check.ORDER, Check.TRIP}))


def of_order(asked: Order, car: Car | None = None) -> Verdict:
    return next(one for one in compared(asked, car) if one.check is Check.ORDER)


@pytest.mark.parametrize(
    ("hm", "doubt"),
    # Within its times less half an hour 4.7 km were driven at least: 8 % and 3 km less are 1.3 km.
    # Within them and half an hour more 9.5 km at most: 8 % and 3 km more are 13.2 km.
    [
        (0, Doubt.ORDER_KILOMETRES),
        (13, Doubt.ORDER_KILOMETRES),
        (14, None),
        (132, None),
        (133, Doubt.ORDER_KILOMETRES),
    ],
)
def test_kilometres_may_be_a_little_off_and_times_half_an_hour(
    hm: int, doubt: Doubt | None
) -> None:
    asked = order(1, DAY, "08:50", "16:40", out_hm=1_000, back_hm=1_000 + hm)
    assert of_order(asked).doubt is doubt


@pytest.mark.parametrize(
    ("back", "doubt"), [("08:59", Doubt.TRIP_WITHOUT_ORDER), ("09:00", None), ("09:40", None)]
)
def test_an_order_speaks_of_a_trip_of_which_it_covers_half(back: str, doubt: Doubt | None) -> None:
    found = {one.number: one for one in compared(order(1, DAY, "08:00", back))}
    assert found[us(DAY, "09:00")].doubt is doubt


def test_a_short_trip_needs_no_order() -> None:
    asked = order(1, DAY, "08:50", "10:10")
    assert sum(one.check is Check.TRIP for one in compared(asked)) == 2
    short = replace(RULES, trip_mm=5_000_000)
    assert not any(one.check is Check.TRIP for one in compared(asked, rules=short))


def test_of_an_order_of_hours_without_a_word_from_the_terminal_one_cannot_tell() -> None:
    silent = us(DAY, "08:00"), us(DAY, "19:00")
    asked = order(1, DAY, "09:00", "16:00")
    assert of_order(asked, Car("v", {DAY: HOME}, silent=(silent,))).why is Why.TRACK_INCOMPLETE


def out_and_back(*rest: tuple[str, str, str]) -> Car:
    """Out from eight to nine, then what follows; in its yard besides."""
    first = ("yard", "00:00", "08:00"), ("A", "08:20", "08:40"), ("yard", "09:00", "09:20")
    return Car("v", {DAY: [*first, *rest]})


def test_an_outing_that_leaves_the_yard_behind_an_order_is_not_of_it() -> None:
    # Home at nine, as the order says; out again for a quarter of an hour, half of it within
    # the half hour by which times may be off.
    again = out_and_back(("B", "09:35", "09:40"), ("yard", "09:55", "24:00"))
    found = {one.number: one for one in compared(order(1, DAY, "07:55", "09:05"), again)}
    assert found[us(DAY, "08:40")].finding is Finding.AGREES
    assert found[us(DAY, "09:20")].doubt is Doubt.TRIP_WITHOUT_ORDER


def test_an_outing_that_came_home_before_an_order_is_not_of_it() -> None:
    again = out_and_back(("B", "09:35", "09:40"), ("yard", "09:55", "24:00"))
    found = {one.number: one for one in compared(order(1, DAY, "09:15", "10:00"), again)}
    assert found[us(DAY, "08:40")].doubt is Doubt.TRIP_WITHOUT_ORDER
    assert found[us(DAY, "09:20")].finding is Finding.AGREES


def test_away_from_the_yard_times_may_be_half_an_hour_off() -> None:
    # It stands at a station when the order says that it is back: it is still out.
    late = Car("v", {DAY: [("yard", "00:00", "08:00"), ("A", "08:20", "08:40"),
                           ("yard", "09:05", "24:00")]})  # fmt: skip
    found = {one.number: one for one in compared(order(1, DAY, "07:55", "08:30"), late)}
    assert found[us(DAY, "08:40")].finding is Finding.AGREES


@pytest.mark.parametrize(
    ("flags", "out", "why"),
    [
        (TripFlag.START_ESTIMATED | TripFlag.GAP, "10:10", Why.TRACK_INCOMPLETE),
        (TripFlag.GAP, "10:10", None),
        (TripFlag.START_ESTIMATED | TripFlag.GAP, "12:00", None),
    ],
)
def test_half_of_a_trip_that_began_in_a_silence_says_nothing(
    flags: TripFlag, out: str, why: Why | None
) -> None:
    # From 9:00 as one guesses, to 10:00; the order covers what was seen of it.
    records = subject(Car("v", {}), order(1, DAY, out, "13:00"), others=False)
    vehicle = records.vehicles["v"]
    trips = vehicle.track.trips
    guessed = replace(trips, flags=np.full(len(trips), int(flags), np.int64))
    guessed = replace(guessed, gap_mm=trips.distance_mm // 2)
    blind = replace(vehicle, track=replace(vehicle.track, trips=guessed))
    span = us(DAY), us(DAY + timedelta(days=1))
    found = verdicts(Records({"v": blind}), *span, RULES, checks={Check.TRIP})
    one = next(one for one in found if one.number == us(DAY, "09:00"))
    assert one.why is why
    assert (one.doubt is Doubt.TRIP_WITHOUT_ORDER) == (why is None)


@pytest.mark.parametrize(
    ("metres", "hm", "found"),
    [
        (200, None, Doubt.ORDER_WITHOUT_TRIP),
        (400, None, Why.WAY_SHORT),
        (200, 10, None),
        (400, 10, None),
        (400, 11, Doubt.ORDER_WITHOUT_TRIP),
    ],
)
def test_a_way_next_door_is_no_order_without_a_trip(
    metres: int, hm: int | None, found: Doubt | Why | None
) -> None:
    back_hm = None if hm is None else 1_000 + hm
    asked = order(1, DAY, "08:50", "10:10", out_hm=1_000, back_hm=back_hm)
    records = subject(Car("v", {}), asked, others=False)
    vehicle = records.vehicles["v"]
    trips = vehicle.track.trips
    near = replace(trips, distance_mm=np.full(len(trips), metres * 1_000, np.int64))
    moved = replace(vehicle, track=replace(vehicle.track, trips=near))
    one = judged(Records({"v": moved}), Check.ORDER, 1)
    assert (one.doubt or one.why) is found


def test_what_nobody_saw_of_a_trip_that_an_order_cuts_may_all_be_of_the_order() -> None:
    # Back at half past four by the order; silent from then on, and home at ten as one guesses.
    late = Car("v", {DAY: [("yard", "00:00", "09:00"), ("far", "10:00", "16:00"),
                           ("yard", "23:50", "24:00")]})  # fmt: skip
    asked = order(1, DAY, "08:50", "16:40", out_hm=1_000, back_hm=2_140)
    records = subject(late, asked, others=False)
    vehicle = records.vehicles["v"]
    trips = vehicle.track.trips
    home = trips.touching(us(DAY, "20:00"), us(DAY, "20:00")).start
    gap = trips.gap_mm.copy()
    gap[home] = trips.distance_mm[home]
    silent = replace(vehicle, track=replace(vehicle.track, trips=replace(trips, gap_mm=gap)))
    assert judged(records, Check.ORDER, 1).doubt is Doubt.ORDER_KILOMETRES
    assert judged(Records({"v": silent}), Check.ORDER, 1).finding is Finding.AGREES


def test_when_an_order_was_driven() -> None:
    begin, end = us(DAY), us(DAY + timedelta(days=1))
    assert span_of(order(1, DAY, None, None)) == (begin, end)
    assert span_of(order(1, DAY, "08:00", None)) == (us(DAY, "08:00"), end)
    assert span_of(order(1, DAY, None, "08:00")) == (begin, us(DAY, "08:00"))
    over_midnight = replace(order(1, DAY, None, None), out_us=end + 1)
    assert span_of(over_midnight) == (end + 1, end + 1)
