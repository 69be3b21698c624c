"""What holds whatever the records are."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.joining import learn, said
from fleet.joining.bills import bills
from fleet.joining.check import verdicts
from fleet.joining.model import Card, Filling, Records, Sight, Stops, Track, Trips, Vehicle
from fleet.joining.refunds import Moved, taken_back
from fleet.joining.rules import Rules
from fleet.joining.settings import JoiningSettings
from fleet.joining.span import split
from fleet.joining.verdict import Check, Doubt, Finding, Kind, Verdict, Why
from tests.unit.fleet.joining.scene import (
    AT_A,
    AT_B,
    DAYS,
    MENDED,
    RULES,
    ZONE,
    Car,
    filling,
    in_may,
    learned,
    order,
    repair,
    subject,
    us,
)

_Arrays = TypeVar("_Arrays", Stops, Trips, Sight)
SPAN = us(in_may(1)), us(in_may(31))
PAPERS = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.integers(6 * 60, 22 * 60),
        st.sampled_from(["第一加油站", "第二加油站", "第九加油站", ""]),
        st.one_of(st.none(), st.integers(1_000, 80_000)),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, 60_000]),
    ),
    min_size=1,
    max_size=8,
)


def papers(rows: list[tuple[int, int, str, int | None, bool, bool, int | None]]) -> list[Filling]:
    return [
        filling(
            number,
            in_may(day),
            f"{minute // 60}:{minute % 60}",
            merchant,
            ml=ml,
            timed=timed,
            full=full,
            tank_ml=tank,
        )
        for number, (day, minute, merchant, ml, timed, full, tank) in enumerate(rows)
    ]


def scene(rows: list[Filling], silent_day: int = 15) -> Records:
    silent = us(in_may(silent_day), "07:00"), us(in_may(silent_day), "18:00")
    days = {in_may(5): AT_A, in_may(12): AT_B, in_may(20): MENDED}
    more = repair(900, in_may(22)), order(901, in_may(8), "08:50", "10:10", driver="张三")
    found = subject(Car("v", days, silent=(silent,)), *rows, *more)
    cards = [
        Card(1, us(in_may(day), clock), event, name, us(in_may(31)))
        for day, clock, event, name in (
            *((7, "09:00", "in", "李四"), (8, "08:40", "out", None)),
            *((8, "08:55", "in", "张三"), (8, "10:05", "out", None), (9, "09:00", "in", "王五")),
        )
    ]
    told = replace(found.vehicles["v"], cards=tuple(cards))
    return Records({**found.vehicles, "v": told})


@settings(max_examples=25, deadline=None)
@given(PAPERS, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(
    rows: list[tuple[int, int, str, int | None, bool, bool, int | None]], random: Random
) -> None:
    records = scene(papers(rows))

    def shuffled(vehicle: Vehicle) -> Vehicle:
        return replace(
            vehicle,
            fillings=tuple(random.sample(vehicle.fillings, len(vehicle.fillings))),
            repairs=tuple(random.sample(vehicle.repairs, len(vehicle.repairs))),
            orders=tuple(random.sample(vehicle.orders, len(vehicle.orders))),
            cards=tuple(random.sample(vehicle.cards, len(vehicle.cards))),
        )

    codes = list(records.vehicles)
    random.shuffle(codes)
    other = Records({code: shuffled(records.vehicles[code]) for code in codes})
    assert list(verdicts(other, *SPAN, RULES)) == list(verdicts(records, *SPAN, RULES))


@settings(max_examples=25, deadline=None)
@given(PAPERS, st.data())
def test_a_verdict_depends_on_its_stated_window_alone(
    rows: list[tuple[int, int, str, int | None, bool, bool, int | None]], data: st.DataObject
) -> None:
    records = scene(papers(rows))
    found = [one for one in verdicts(records, *SPAN, RULES) if one.vehicle == "v"]
    one = data.draw(st.sampled_from(found))
    inside = Records({code: _cut(vehicle, one) for code, vehicle in records.vehicles.items()})
    again = verdicts(inside, *SPAN, RULES, only=["v"], checks={one.check})
    (same,) = (it for it in again if it.number == one.number)
    assert same == one


@settings(max_examples=25, deadline=None)
@given(PAPERS)
def test_every_verdict_can_be_said_and_a_doubt_never_accuses(
    rows: list[tuple[int, int, str, int | None, bool, bool, int | None]],
) -> None:
    for one in verdicts(scene(papers(rows)), *SPAN, RULES):
        assert (one.doubt is not None) == (one.finding is Finding.DOUBT)
        assert (one.why is not None) == (one.finding is Finding.CANNOT_TELL)
        assert one.from_us <= one.at_us <= one.to_us
        text = said.headline(one) + "".join(map("".join, said.evidence(one, ZONE)))
        assert not any(word in text for word in ("违规", "违法", "作弊", "虚报", "盗"))


def test_every_kind_has_its_words() -> None:
    for words, kinds in (
        (said.FINDINGS, Finding),
        (said.KINDS, Kind),
        (said.CHECKS, Check),
        (said.DOUBTS, Doubt),
        (said.WHYS, Why),
    ):
        assert set(words) == set(kinds)


def test_settings_say_what_the_rules_are_by_default() -> None:
    assert JoiningSettings().rules() == Rules()


def test_a_place_is_the_median_of_what_most_vehicles_share() -> None:
    records = Records(learned())
    place = learn.stations(records, us(in_may(1)), RULES)["第一加油站"]
    assert (place.lat, place.lon) == pytest.approx((30.627, 104.0), abs=1e-6)
    assert (place.matches, place.of, place.vehicles) == (12, 12, 4)
    # A fifth car names the station wherever it goes: it cannot move the place.
    wrong = [filling(5_000 + n, in_may(1) - timedelta(days=n), "09:27") for n in range(2, 28)]
    fifth = Vehicle(
        "x",
        fillings=tuple(wrong),
        track=Car("x", {in_may(1) - timedelta(days=n): AT_B for n in range(2, 28)}).track(),
    )
    place = learn.stations(Records({**learned(), "x": fifth}), us(in_may(1)), RULES)["第一加油站"]
    assert (place.lat, place.lon) == pytest.approx((30.627, 104.0), abs=1e-6)
    assert place.vehicles == 4
    assert (place.matches, place.of) == (12, 38)
    assert not place.firm(RULES)


def test_a_place_is_learned_from_what_came_before() -> None:
    records = Records(learned())
    assert learn.stations(records, us(in_may(1)), RULES).keys() == {"第一加油站", "第二加油站"}
    assert learn.garages(records, us(in_may(1)), RULES).keys() == {"大众维修厂"}
    long_before = us(in_may(1)) - DAYS * 86_400 * 1_000_000
    assert not learn.stations(records, long_before, RULES)


def test_payments_make_one_bill_in_whatever_order_they_were_booked() -> None:
    day = in_may(3)
    parts = [
        filling(1, day, "09:27", ml=20_000, full=True),
        filling(2, day, "09:40", ml=15_000),
        filling(3, day, "15:00", ml=10_000),
    ]
    found = bills(parts, RULES)
    assert [one.ml for one in found.fillings] == [35_000, 10_000]
    assert found.fillings[0].full
    assert (found.of, found.payments) == ((0, 0, 1), (2, 1))
    assert not split(parts[0], replace(parts[1], merchant="第二加油站"), RULES.split_us)


def test_a_refund_takes_back_the_latest_filling_that_is_the_same() -> None:
    def moved(number: int, ml: int | None, fen: int | None, *, back: bool = False) -> Moved:
        return Moved(number, number * 86_400 * 1_000_000, "k", ml, fen, back)

    rows = [
        moved(1, 30_000, 24_000),
        moved(2, 30_000, 24_000),
        moved(3, 30_000, 24_000, back=True),
        moved(4, None, 10_000),
        moved(5, None, -10_000),
        moved(6, 20_000, None),
        moved(7, -50_000, None),
    ]
    for turn in (rows, rows[::-1]):
        assert taken_back(turn) == {2, 3, 4, 5, 7}
    other_card = [rows[0], replace(rows[2], card="x")]
    assert taken_back(other_card) == {3}


def _cut(vehicle: Vehicle, one: Verdict) -> Vehicle:
    """Leave of a vehicle what touches the window of a verdict."""
    begin, end = one.from_us, one.to_us
    stops, trips, sight = vehicle.track.stops, vehicle.track.trips, vehicle.track.sight
    here = slice(*_bounds(stops.touching(begin, end)))
    there = slice(*_bounds(trips.touching(begin, end)))
    seen = sight.between(begin, end)
    return replace(
        vehicle,
        fillings=tuple(it for it in vehicle.fillings if begin <= it.at_us <= end),
        repairs=tuple(it for it in vehicle.repairs if begin <= it.at_us <= end),
        orders=tuple(it for it in vehicle.orders if begin <= (it.out_us or it.day_us) <= end),
        track=Track(_part(stops, here), _part(trips, there), _part(sight, seen)),
        cards=tuple(it for it in vehicle.cards if begin <= it.at_us <= end),
    )


def _bounds(found: range) -> tuple[int, int]:
    return found.start, found.stop


def _part(arrays: _Arrays, part: slice) -> _Arrays:
    names = [one.name for one in fields(arrays)]
    return type(arrays)(*(getattr(arrays, name)[part] for name in names))
