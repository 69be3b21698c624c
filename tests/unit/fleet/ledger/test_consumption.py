from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.ledger.consumption import (
    Consumption,
    consumption,
    legs,
    ratio,
    together,
    yuan_per_km,
)
from fleet.ledger.events import Dashboard, Event, Stretch, Unknown, doubtful, in_order

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ALWAYS = (BEGIN, BEGIN + timedelta(days=400))
TANK = 60_000


def fill(
    day: float, hm: int | None, ml: int | None, *, full: bool = False, missed: bool = False
) -> Event:
    at = BEGIN + timedelta(days=day)
    unit = None if ml is None else "ml"
    what = ("filling", hm, "petrol", unit, ml, 1)
    return Event(at, int(day * 100), *what, counted=True, full=full, missed=missed)


def read(day: float, hm: int) -> Event:
    return Event(BEGIN + timedelta(days=day), int(day * 100), "order", hm)


def driven(events: Sequence[Event], window: tuple[datetime, datetime] = ALWAYS) -> Stretch:
    found = Dashboard().stretch("a", events, window)
    assert isinstance(found, Stretch), found
    return found


def used(events: Sequence[Event], tank: int | None = TANK) -> Consumption:
    found = consumption(events, driven(events), "ml", tank)
    assert isinstance(found, Consumption), found
    return found


def test_litres_over_kilometres_with_a_tank_either_way() -> None:
    found = used([read(0, 0), fill(1, None, 40_000), read(2, 5_000)])
    assert (found.per_100_km, found.bounds) == (Decimal("8.00"), (Decimal(0), Decimal("20.00")))


def test_fillings_at_both_ends_narrow_the_interval() -> None:
    # Before: at least 30 L in it. After: at least 40 L.
    found = used([fill(0, 0, 30_000), fill(1, 5_000, 40_000)])
    assert (found.filled, found.low, found.high) == (40_000, 10_000, 60_000)


def test_full_at_both_ends_is_exact_even_without_the_tank() -> None:
    events = [fill(0, 0, 30_000, full=True), fill(1, 5_000, 42_000, full=True)]
    for tank in (TANK, None):
        found = used(events, tank)
        assert (found.low, found.filled, found.high) == (42_000, 42_000, 42_000)


def test_without_the_tank_the_interval_is_not_known() -> None:
    assert used([read(0, 0), fill(1, 100, 4_000)], None).bounds is None


def test_the_filling_at_the_first_reading_belongs_to_what_came_before() -> None:
    assert used([fill(0, 0, 30_000), fill(1, 4_000, 20_000), read(2, 5_000)]).filled == 20_000


def test_vehicle_case_13_a_refuel_never_makes_consumption_negative() -> None:
    found = used([fill(0, 0, 50_000, full=True), read(1, 500), fill(1.5, 600, 5_000)])
    assert found.low is not None
    assert found.low >= 0
    assert found.filled == 5_000


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([], "期内没有里程表读数"),
        ([read(0, 5)], "只有一次里程表读数"),
        ([read(0, 500), read(1, 400)], "里程表读数在 2026-01-02 由 50.0 降到 40.0 公里"),
    ],
)
def test_kilometres_that_are_not_known_are_not_zero(events: list[Event], why: str) -> None:
    found = Dashboard().stretch("a", events, ALWAYS)
    assert isinstance(found, Unknown)
    assert found.why == why


@pytest.mark.parametrize(
    ("events", "why"),
    [
        # 10 times too much, and corrected at the next filling: the first of the two is told.
        (
            [read(0, 35_000), fill(10, 355_000, 40_000), fill(20, 36_000, 40_000)],
            "里程表读数在 2026-01-11 由 3500.0 升到 35500.0 公里",
        ),
        # A digit lost before: the leap is told where it is seen, with both readings.
        ([read(0, 5_231), read(3, 52_500)], "由 523.1 升到 5250.0 公里"),
        ([read(0, 1_000), read(1 / 24, 1_000 + 2_101)], "由 100.0 升到 310.1 公里"),
        ([read(0, 0), read(10, 60_101)], "由 0.0 升到 6010.1 公里"),
    ],
)
def test_kilometres_that_nobody_drives_are_a_question_and_no_figure(
    events: list[Event], why: str
) -> None:
    found = Dashboard().stretch("a", events, ALWAYS)
    assert isinstance(found, Unknown)
    assert why in found.why
    assert "是否多写或漏写一位数字？" in found.why


@pytest.mark.parametrize(
    "events",
    [
        [read(0, 1_000), read(1 / 24, 1_000 + 2_100)],
        [read(0, 0), read(10, 60_100)],
        # Of the same day, and nobody knows the hours.
        [read(0, 0), Event(BEGIN + timedelta(hours=12), 1, "order", 9_000, timed=False)],
    ],
)
def test_a_long_way_is_believed(events: list[Event]) -> None:
    assert driven(events).hm > 0


def test_a_question_names_the_rows_of_both_readings() -> None:
    one = replace(read(0, 35_000), where="一月.xlsx 派车单!2")
    other = replace(fill(10, 355_000, 40_000), where="一月.xlsx 费用!7")
    assert doubtful(one, other).startswith(
        "里程表读数在 2026-01-11 由 3500.0（一月.xlsx 派车单!2）"
        " 升到 35500.0 公里（一月.xlsx 费用!7），"
    )


def test_a_leg_that_nobody_drives_is_none() -> None:
    events = [
        fill(0, 35_000, 50_000, full=True),
        fill(10, 355_000, 40_000, full=True),
        fill(20, 39_000, 40_000, full=True),
        fill(30, 44_000, 40_000, full=True),
    ]
    assert [(leg.first.odometer_hm, leg.hm) for leg in legs(events, "ml")] == [(39_000, 5_000)]


def test_within_a_day_whose_times_are_not_known_readings_have_no_order() -> None:
    back = Event(BEGIN + timedelta(hours=12), 1, "order", 1_040, timed=False)
    events = [read(0, 1_000), back, fill(0.7, 1_030, 9_000), read(1, 1_060)]
    assert driven(events).hm == 60
    told = Event(BEGIN + timedelta(hours=12), 1, "order", 1_040)
    found = Dashboard().stretch("a", [read(0, 1_000), told, *events[2:]], ALWAYS)
    assert isinstance(found, Unknown)


@pytest.mark.parametrize(
    ("between", "why"),
    [
        (fill(1, 100, None), "其间有 1 笔没有数量"),
        (fill(1, 100, 4_000, missed=True), "其间有未登记的加油"),
    ],
)
def test_litres_that_are_not_known_are_not_zero(between: Event, why: str) -> None:
    events = [read(0, 0), between, read(2, 200)]
    assert consumption(events, driven(events), "ml", TANK) == Unknown(why)


def test_a_car_that_did_not_move_has_no_consumption() -> None:
    events = [read(0, 100), fill(1, None, 4_000), read(2, 100)]
    assert consumption(events, driven(events), "ml", TANK) == Unknown("其间没有行驶")


def test_adblue_is_no_fuel() -> None:
    blue = Event(BEGIN + timedelta(days=1), 9, "adblue", None, "adblue", "ml", 10_000)
    assert used([read(0, 0), fill(1, None, 8_000), blue, read(2, 100)]).filled == 8_000


def test_adblue_says_nothing_of_the_tank_and_given_back_nothing_of_the_fuel() -> None:
    blue = Event(BEGIN, 1, "adblue", 0, "adblue", "ml", 10_000)
    back = Event(BEGIN + timedelta(days=1), 9, "refund", None, "adblue", "ml", -2_000)
    found = used([blue, back, fill(2, 1_000, 50_000)])
    assert (found.filled, found.low, found.high) == (50_000, 0, 60_000)


def test_what_was_given_back_is_taken_off() -> None:
    back = Event(BEGIN + timedelta(days=1), 9, "refund", None, "petrol", "ml", -3_000)
    assert used([read(0, 0), fill(1, None, 8_000), back, read(2, 100)]).filled == 5_000


def test_kilowatt_hours_and_litres_of_a_hybrid_are_kept_apart() -> None:
    charged = Event(
        BEGIN + timedelta(days=1), 9, "charging", None, "electricity", "wh", 15_000,
        own_premises=True,
    )  # fmt: skip
    events = [read(0, 0), fill(1, None, 8_000), charged, read(2, 1_000)]
    power = consumption(events, driven(events), "wh", 20_000)
    assert isinstance(power, Consumption)
    assert (power.per_100_km, used(events).per_100_km) == (Decimal("15.00"), Decimal("8.00"))


def test_windows_that_follow_each_other_add_up() -> None:
    events = [read(day, day * 37) for day in range(0, 100, 7)]
    cuts = [BEGIN + timedelta(days=days) for days in (0, 31, 59, 90)]
    parts = [driven(events, window) for window in pairwise(cuts)]
    assert sum(part.hm for part in parts) == driven(events, (cuts[0], cuts[-1])).hm


def test_vehicle_case_21_partial_fillings_are_carried_to_the_next_full_one() -> None:
    events = [
        fill(0, 0, 50_000, full=True),
        fill(1, 2_000, 10_000),
        fill(2, 3_000, 5_000),
        fill(3, 5_000, 25_000, full=True),
    ]
    (leg,) = legs(events, "ml")
    assert (leg.quantity, leg.hm, ratio(leg.quantity, leg.hm)) == (40_000, 5_000, Decimal("8.00"))


def test_vehicle_case_21_a_missed_filling_begins_anew() -> None:
    events = [
        fill(0, 0, 50_000, full=True),
        fill(1, 5_000, 20_000, full=True, missed=True),
        fill(2, 9_000, 32_000, full=True),
    ]
    (leg,) = legs(events, "ml")
    assert (leg.first.odometer_hm, leg.quantity) == (5_000, 32_000)


def test_vehicle_case_21_a_missed_partial_filling_spoils_its_leg_only() -> None:
    events = [
        fill(0, 0, 50_000, full=True),
        fill(1, 2_000, 20_000, missed=True),
        fill(2, 5_000, 32_000, full=True),
        fill(3, 6_000, 8_000, full=True),
    ]
    assert [(leg.quantity, leg.hm) for leg in legs(events, "ml")] == [(8_000, 1_000)]


def test_a_filling_without_litres_spoils_its_leg() -> None:
    events = [
        fill(0, 0, 50_000, full=True),
        fill(1, 2_000, None),
        fill(2, 5_000, 32_000, full=True),
    ]
    assert list(legs(events, "ml")) == []


def test_a_full_tank_without_a_reading_is_carried_on() -> None:
    events = [
        fill(0, 0, 50_000, full=True),
        fill(1, None, 20_000, full=True),
        fill(2, 5_000, 20_000, full=True),
    ]
    assert [(leg.quantity, leg.hm) for leg in legs(events, "ml")] == [(40_000, 5_000)]


def test_averages_are_sums_over_sums() -> None:
    far = Consumption("ml", 80_000, 70_000, 90_000, 10_000)
    near = Consumption("ml", 2_000, 0, 60_000, 100)
    both = together([far, near])
    assert isinstance(both, Consumption)
    assert both.per_100_km == ratio(82_000, 10_100) == Decimal("8.12")
    assert (both.low, both.high) == (70_000, 150_000)


def test_an_average_with_an_unknown_tank_has_no_interval() -> None:
    both = together([Consumption("ml", 8, 7, 9, 1), Consumption("ml", 8, None, None, 1)])
    assert isinstance(both, Consumption)
    assert both.bounds is None
    assert together([]) == Unknown("没有可以合计的车辆")


def test_yuan_a_kilometre() -> None:
    assert yuan_per_km(12_345, 1_000) == Decimal("1.23")


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Event], list[tuple[datetime, int]], int]:
    """A car that is driven and filled; what it really used up to each event; its tank."""
    tank = draw(st.integers(20_000, 90_000))
    level = draw(st.integers(0, tank))
    hm = used_ml = 0
    events, truth = [], []
    for step in range(draw(st.integers(2, 25))):
        burned = draw(st.integers(0, level))
        level -= burned
        used_ml += burned
        hm += draw(st.integers(1, 3_000))
        filled = draw(st.integers(0, tank - level))
        full = draw(st.booleans())
        filled = tank - level if full else filled
        level += filled
        noted = draw(st.booleans()) or step == 0
        at = float(step)
        if filled:
            events.append(fill(at, hm if noted else None, filled, full=full))
        elif noted:
            events.append(read(at, hm))
        truth.append((BEGIN + timedelta(days=at), used_ml))
    return events, truth, tank


@given(journeys(), st.integers(0, 24), st.integers(1, 25))
def test_the_interval_contains_the_truth(
    journey: tuple[list[Event], list[tuple[datetime, int]], int], first: int, days: int
) -> None:
    events, truth, tank = journey
    window = (BEGIN + timedelta(days=first), BEGIN + timedelta(days=first + days))
    stretch = Dashboard().stretch("a", events, window)
    if isinstance(stretch, Unknown):
        return
    found = consumption(events, stretch, "ml", tank)
    assert isinstance(found, Consumption)
    really = dict(truth)
    used_ml = really[stretch.until] - really[stretch.since]
    assert found.low is not None
    assert found.high is not None
    assert found.low <= used_ml <= found.high
    assert found.high - found.low <= 2 * tank


@given(journeys())
def test_from_full_to_full_is_the_truth(
    journey: tuple[list[Event], list[tuple[datetime, int]], int],
) -> None:
    events, truth, _ = journey
    really = dict(truth)
    for leg in legs(events, "ml"):
        assert leg.quantity == really[leg.last.at] - really[leg.first.at]


@given(journeys(), st.randoms(use_true_random=False))
def test_the_order_in_which_events_came_does_not_matter(
    journey: tuple[list[Event], list[tuple[datetime, int]], int], chance: object
) -> None:
    events = journey[0]
    mixed = sorted(events, key=lambda _: chance.random())  # type: ignore[attr-defined]
    assert in_order(mixed) == in_order(events)
    assert list(legs(mixed, "ml")) == list(legs(events, "ml"))
