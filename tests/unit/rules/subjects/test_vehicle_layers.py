"""What fleet says of vehicles as layers, and what the kinds of rules make of them."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from fleet.joining.rates import Rate
from fleet.joining.said import DOUBTS
from fleet.joining.verdict import Check, Doubt, Figure, Finding, Kind, Verdict, Why
from fleet.norms.compare import Bound, Compared
from fleet.norms.used import Used
from rules.kinds.catalogue import KINDS
from rules.kinds.model import WORKING, Sort
from rules.kinds.vehicles import Layer
from rules.subjects.vehicles.laid import MINUTE_US, Event, at_once, laid, pieces
from rules.subjects.vehicles.normal import most_above
from rules.subjects.vehicles.papers import RAISES, checks_for, paper_events
from rules.subjects.vehicles.words import WORDS
from rules.timeline.overlay import Pieces, Windows
from storage.times import midnight, us_of

ZONE = ZoneInfo("Asia/Shanghai")
DAY = 86_400_000_000
NOON = us_of(midnight(date(2026, 5, 12), ZONE)) + DAY // 2
WINDOWS = Windows(np.array([3, 7]), np.array([0, 0]), np.array([10 * MINUTE_US, 4 * MINUTE_US]))


def spans(events: list[Event]) -> list[tuple[int, float, float, float]]:
    found = laid(events, WINDOWS)
    columns = found.subject, found.since / MINUTE_US, found.until / MINUTE_US, found.value
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_what_no_event_tells_of_did_not_happen_and_what_cannot_be_told_is_unknown() -> None:
    unknown = Event(3, 6 * MINUTE_US, 9 * MINUTE_US, None)
    assert spans([at_once(3, 2 * MINUTE_US), unknown]) == [
        (3, 0, 2, 0.0),
        (3, 2, 3, 1.0),
        (3, 3, 6, 0.0),
        (3, 9, 10, 0.0),
        (7, 0, 4, 0.0),
    ]


def test_of_several_at_once_what_happened_counts_and_the_greatest() -> None:
    events = [
        Event(7, MINUTE_US, 3 * MINUTE_US, None),
        Event(7, 2 * MINUTE_US, 5 * MINUTE_US, 40.0),
        Event(7, 2 * MINUTE_US, 3 * MINUTE_US, 60.0),
        Event(8, 0, MINUTE_US),
    ]
    assert [one for one in spans(events) if one[0] == 7] == [
        (7, 0, 1, 0.0),
        (7, 2, 3, 60.0),
        (7, 3, 4, 40.0),
    ]
    assert spans(events) == spans(events[::-1])


def test_months_stand_as_they_are() -> None:
    found = pieces([Event(7, 5, 9, -3.0), Event(3, 1, 2, None), Event(7, 1, 5, 2.0)])
    assert (found.subject.tolist(), found.since.tolist(), found.value.tolist()) == (
        [7, 7],
        [1, 5],
        [2.0, -3.0],
    )


def verdict(
    check: Check,
    doubt: Doubt | None = None,
    kind: Kind = Kind.FILLING,
    figures: tuple[Figure, ...] = (),
) -> Verdict:
    finding = Finding.CANNOT_TELL if doubt is None else Finding.DOUBT
    why = Why.NO_TRACK if doubt is None else None
    return Verdict(kind, 5, "v", NOON, check, finding, doubt, why, figures, 0, 0)


def test_a_receipt_is_a_minute_or_its_day_and_a_trip_as_long_as_it_was() -> None:
    ended = Figure("ended_us", NOON + DAY // 4)
    found = paper_events(
        [
            verdict(Check.TANK, Doubt.OVERFILL),
            verdict(Check.TRIP, Doubt.TRIP_WITHOUT_ORDER, kind=Kind.TRIP, figures=(ended,)),
        ],
        {"v": 3},
        (),
        ZONE,
    )
    assert found["overfill"] == [Event(3, NOON, NOON + MINUTE_US)]
    assert found["trip_without_order"] == [Event(3, NOON, NOON + DAY // 4)]
    dated = paper_events([verdict(Check.TANK, Doubt.OVERFILL)], {"v": 3}, (5,), ZONE)
    assert dated["overfill"] == [Event(3, NOON - DAY // 2, NOON + DAY // 2)]


def test_what_cannot_be_told_is_unknown_of_every_doubt_that_it_could_raise() -> None:
    found = paper_events([verdict(Check.PLACE)], {"v": 3}, (), ZONE)
    assert {name: [one.value for one in its] for name, its in found.items()} == {
        "borrowed_card": [None],
        "station_elsewhere": [None],
    }
    assert paper_events([verdict(Check.PLACE)], {}, (), ZONE) == {}


def test_every_doubt_of_joining_is_a_kind_and_every_check_raises_one() -> None:
    assert {f"vehicle.{doubt.value}" for doubt in Doubt} <= KINDS.keys()
    assert RAISES.keys() == set(Check)
    assert {doubt for doubts in RAISES.values() for doubt in doubts} == set(Doubt)
    assert checks_for({"overfill", "duty"}) == {Check.TANK, Check.ROOM}
    assert KINDS["vehicle.overfill"].label == DOUBTS[Doubt.OVERFILL]


def test_every_layer_has_a_name_for_officers() -> None:
    kinds = [one for one in KINDS.values() if one.sort is Sort.VEHICLE]
    assert {name for one in kinds for name in one.inputs} == set(WORDS)


def test_no_sentence_about_a_vehicle_accuses() -> None:
    words = ("违规", "违法", "舞弊", "套取", "盗", "私用", "公车私", "骗")
    sentences = [one.sentence for one in KINDS.values() if one.sort is Sort.VEHICLE]
    assert not [text for text in sentences for word in words if word in text]
    assert all(text.endswith("。") for text in sentences)


def piece(**columns: float) -> Pieces:
    one = np.array([0])
    return Pieces(one, one, one + 1, {name: np.array([value]) for name, value in columns.items()})


def holds(kind: str, **columns: float) -> int:
    rule = KINDS[f"vehicle.{kind}"]
    values = {name: one.default or 0.0 for name, one in rule.parameters.items()}
    return int(rule.holds(piece(**columns), values)[0])


KNOWN = {
    f"rate_{norm}_{end}": value
    for norm in ("own", "class", "fleet")
    for end, value in (("least", -9.0), ("most", 5.0))
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 0),
        ({"rate_own_least": 18.0, "rate_own_most": 30.0}, 2),
        ({"rate_own_least": 17.9, "rate_own_most": 30.0}, 1),
        ({"rate_own_most": 18.0}, 1),
        ({"rate_class_least": 15.0, "rate_class_most": 20.0}, 2),
        ({"rate_fleet_least": 29.0, "rate_fleet_most": 31.0}, 1),
        ({"rate_fleet_least": 31.0, "rate_fleet_most": 36.0}, 2),
        ({"rate_class_least": float("nan"), "rate_class_most": float("nan")}, 1),
    ],
)
def test_more_than_a_norm_at_least_is_a_doubt_less_at_most_is_none(
    more: dict[str, float], expected: int
) -> None:
    assert holds("fuel_rate", **{**KNOWN, **more}) == expected


def window(months: int, own: float | None = None, class_: float | None = None) -> Compared:
    used = Used(Rate(80_000, 1_000_000_000, 0, 0, 9), 80_000, 80_000, 1_000_000_000, 0, 1)
    mine, others = (None if least is None else Bound(least, least + 9) for least in (own, class_))
    return Compared("v", "petrol", months, used, None, None, None, mine, others, None, None, None)


def test_what_a_doubt_rests_on_is_the_norm_that_is_passed_and_not_the_one_that_is_higher() -> None:
    its = [window(1), window(3, own=17.0), window(6, own=10.0, class_=16.0)]
    above = {"own": 18.0, "class": 15.0, "fleet": 30.0}
    assert most_above(its, above) == ("class", its[2])
    assert most_above(its[:2], above) == ("own", its[1])
    assert most_above(its[:1], above) is None


def test_out_of_hours_takes_a_trip_without_an_order_and_no_duty() -> None:
    trip = {Doubt.TRIP_WITHOUT_ORDER.value: 1.0, Layer.DUTY.value: 0.0, WORKING: 0.0}
    assert holds("out_of_hours", **trip) == 2
    for name, value, expected in (
        (Doubt.TRIP_WITHOUT_ORDER.value, float("nan"), 1),
        (Doubt.TRIP_WITHOUT_ORDER.value, 0.0, 0),
        (Layer.DUTY.value, 1.0, 0),
        (WORKING, 1.0, 0),
        (WORKING, float("nan"), 1),
    ):
        assert holds("out_of_hours", **{**trip, name: value}) == expected


def test_upkeep_and_parts_have_their_limits() -> None:
    assert [holds("maintenance_cost", upkeep=value) for value in (29.0, 30.0)] == [0, 2]
    assert [holds("repeated_part", part_early=value) for value in (0.0, 49.0, 50.0)] == [0, 0, 2]
    assert holds("repeated_part", part_early=float("nan")) == 1


def test_who_looks_at_a_doubt_that_tells_of_a_track_says_why() -> None:
    tracks = {code for code, one in KINDS.items() if one.tracks}
    assert {"vehicle.not_in_yard", "vehicle.borrowed_card", "vehicle.out_of_hours"} <= tracks
    sums = ("fuel_rate", "fuel_cost", "maintenance_cost", "repeated_part", "overfill")
    assert not tracks & {f"vehicle.{name}" for name in sums}
