"""Kilometres from the first source that knows them, and where sources contradict each other."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.ledger.consumption import legs
from fleet.ledger.events import Dashboard, Event, Stretch, Unknown
from fleet.ledger.mileage import Day, First, Positions
from fleet.ledger.mileage_doubts import Beside, doubts, lacking, said
from fleet.ledger.window import months
from tests.unit.fleet.drives import ZONE

JANUARY = months(date(2026, 1, 1), 1).times(ZONE)


def day(number: int, gps: int | None, terminal: int | None = None, *, seen: bool = True) -> Day:
    return Day(date(2026, 1, number), gps, terminal, seen)


def reading(number: int, hm: int, *, restarts: bool = False) -> Event:
    at = datetime(2026, 1, number, 9, tzinfo=ZONE)
    return Event(at, number, "reading", hm, restarts=restarts)


def sources(*days: Day) -> First:
    its = {"A": days}
    return First(Dashboard(), Positions("terminal", its, ZONE), Positions("gps", its, ZONE))


def test_the_dashboard_comes_first_then_the_terminal_then_positions() -> None:
    days = (day(3, 90_000_000, 91_000_000), day(5, 10_049_999, 9_000_000))
    readings = [reading(2, 1_000), reading(9, 2_000)]
    assert sources(*days).stretch("A", readings, JANUARY) == Stretch(
        "odometer", 1_000, readings[0].at, readings[1].at, readings[0], readings[1]
    )
    since, until = (datetime(2026, 1, d, tzinfo=ZONE) for d in (3, 6))
    assert sources(*days).stretch("A", [], JANUARY) == Stretch("terminal", 1_000, since, until)
    without = (day(3, 90_000_000), day(5, 10_049_999))
    assert sources(*without).stretch("A", [], JANUARY) == Stretch("gps", 1_000, since, until)


def test_a_day_whose_terminal_said_nothing_leaves_it_to_the_positions() -> None:
    found = sources(day(3, 90_000_000, 91_000_000), day(4, 5_000_000)).stretch("A", [], JANUARY)
    assert isinstance(found, Stretch)
    assert (found.source, found.hm) == ("gps", 950)
    still = sources(day(3, 90_000_000, 91_000_000), day(4, 0)).stretch("A", [], JANUARY)
    assert isinstance(still, Stretch)
    assert (still.source, still.hm) == ("terminal", 910)


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ((), "期内没有里程表读数，期内没有定位"),
        ((day(3, 0, seen=False),), "期内没有里程表读数，期内没有定位"),
        ((day(3, None),), "期内没有里程表读数，期内有些天的里程不知道"),
    ],
)
def test_what_no_source_knows_is_unknown_and_never_zero(days: tuple[Day, ...], why: str) -> None:
    found = sources(*days).stretch("A", [], JANUARY)
    assert isinstance(found, Unknown)
    assert (found.why, found.posted) == (why, why)


@given(st.lists(st.integers(0, 400_000_000), min_size=1, max_size=31))
def test_a_window_is_the_sum_of_its_days_rounded_once(ways: list[int]) -> None:
    days = {"A": [day(number, way) for number, way in enumerate(ways, 1)]}
    found = Positions("gps", days, ZONE).stretch("A", [], JANUARY)
    assert isinstance(found, Stretch)
    assert abs(found.hm * 100_000 - sum(ways)) <= 50_000
    assert found.until - found.since == timedelta(days=len(ways))


def test_days_of_other_months_do_not_count() -> None:
    days = {"A": [Day(date(2025, 12, 31), 10**9, None, True), day(1, 10**6)]}
    found = Positions("gps", days, ZONE).stretch("A", [], JANUARY)
    assert isinstance(found, Stretch)
    assert found.hm == 10


def test_no_way_leads_to_another_dashboard() -> None:
    its = [reading(2, 9_000), reading(5, 9_500), reading(6, 3, restarts=True), reading(9, 703)]
    found = Dashboard().stretch("A", its, JANUARY)
    assert isinstance(found, Stretch)
    assert found.hm == 500 + 700


def test_no_leg_from_full_to_full_leads_to_another_dashboard() -> None:
    def full(number: int, hm: int) -> Event:
        at = datetime(2026, 1, number, 9, tzinfo=ZONE)
        return Event(at, number, "filling", hm, "petrol", "ml", 30_000, full=True)

    its = [full(2, 9_000), full(4, 9_400), reading(5, 3, restarts=True), full(6, 500), full(8, 900)]
    assert [(leg.first.number, leg.last.number, leg.hm) for leg in legs(its, "ml")] == [
        (2, 4, 400),
        (6, 8, 400),
    ]


def test_a_source_contradicts_by_share_and_by_distance() -> None:
    def asks(hm: int, gps: int) -> tuple[tuple[str, int], ...]:
        stretch = Stretch("odometer", hm, *JANUARY)
        return doubts(stretch, Beside(0, {"gps": gps, "odometer": 9}), 10, 20)

    assert asks(5_000, 4_500) == ()
    assert asks(5_000, 4_499) == (("gps", 4_499),)
    assert asks(100, 300) == ()
    assert asks(100, 301) == (("gps", 301),)
    assert asks(0, 201) == (("gps", 201),)


def test_a_doubt_says_what_was_not_seen() -> None:
    assert said((), 3) == ""
    assert said((("gps", 4_800), ("terminal", 4_900)), 3) == (
        "里程待核对（疑点）：同期卫星定位 480.0 km、终端里程 490.0 km（其间 3 天没有定位）"
    )


def test_a_way_from_fix_to_fix_says_what_it_may_lack() -> None:
    assert lacking(Stretch("gps", 500, *JANUARY), 2) == "其间 2 天没有定位，里程可能少计"
    assert lacking(Stretch("gps", 500, *JANUARY), 0) == ""
    assert lacking(Stretch("terminal", 500, *JANUARY), 2) == ""
