"""What is known of the days of a vehicle, and when it was out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from fleet.use.load import DayRow, Known, Vehicle
from fleet.use.report import Asked, pools, uses

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 6, 1)  # a Monday
CAR = Vehicle("A", 1, 1, "czj", "财政局", "沪A", sensitive=False, since=None, until=None)


def asked(days: int, *, pause: int = 240) -> Asked:
    last = FIRST + timedelta(days=days - 1)
    return Asked(FIRST, last, ZONE, pause, 10, workday=lambda day: day.weekday() < 5)


def known(*rows: DayRow | None, trips: list[tuple[int, int]] | None = None) -> Known:
    days = {(1, FIRST + timedelta(days=n)): row for n, row in enumerate(rows) if row is not None}
    return Known((CAR,), days, {1: trips or []}, {}, {}, {})


def test_a_day_is_used_unused_or_not_known() -> None:
    rows = (
        DayRow(seen=True, gps_mm=5_000_000, terminal_mm=None),
        DayRow(seen=True, gps_mm=None, terminal_mm=7_000_000),
        DayRow(seen=True, gps_mm=0, terminal_mm=0),
        DayRow(seen=False, gps_mm=0, terminal_mm=None),  # fixes, and none that counts
        DayRow(seen=True, gps_mm=None, terminal_mm=None),  # withheld
        None,
    )
    (found,) = uses(known(*rows), asked(6))
    assert (found.used, found.unused, found.unknown) == (2, 1, 3)
    assert found.way_mm == 12_000_000


def test_hours_out_join_short_stops_and_count_workdays_alone() -> None:
    begin, end = asked(7).span(FIRST)
    saturday = end + 4 * 24 * 60 + 9 * 60
    trips = [(begin + 540, begin + 570), (begin + 810, begin + 840), (saturday, saturday + 60)]
    row = DayRow(seen=True, gps_mm=1_000_000, terminal_mm=None)
    (found,) = uses(known(*[row] * 7, trips=trips), asked(7))
    assert found.out_minutes == 300  # from 09:00 to 14:00: four hours of standing are no return
    (shorter,) = uses(known(*[row] * 7, trips=trips), asked(7, pause=239))
    assert shorter.out_minutes == 60


def test_where_nothing_is_known_of_any_day_there_is_no_busiest_moment() -> None:
    (nothing,) = pools(known(None, None), asked(2))
    assert (nothing.road, nothing.out, nothing.needed, nothing.unknown) == (None, None, (1, 1), 2)


def test_an_order_makes_a_day_a_used_one_whatever_positions_say() -> None:
    stood = DayRow(seen=True, gps_mm=0, terminal_mm=0)
    row = known(stood, None, stood)
    row.order_days[1] = {FIRST, FIRST + timedelta(days=1)}
    row.order_days[2] = {FIRST + timedelta(days=2)}
    (found,) = uses(row, asked(3))
    assert (found.used, found.unused, found.unknown) == (2, 1, 0)


def test_a_vehicle_under_seal_is_judged_by_the_days_since_alone() -> None:
    stood = DayRow(seen=True, gps_mm=0, terminal_mm=0)
    sealed, used = FIRST + timedelta(days=3), FIRST + timedelta(days=5)
    its = replace(CAR, states=((sealed, "sealed"), (used, "used")))
    (found,) = uses(replace(known(*[stood] * 8), vehicles=(its,)), asked(8))
    assert (found.days, found.unused, found.awake, found.state) == (8, 8, 3, "used")
    (pool,) = pools(replace(known(*[stood] * 8), vehicles=(its,)), asked(8))
    assert (pool.vehicles, pool.unknown) == (1, 0)
    gone = replace(CAR, states=((FIRST, "sealed"),))
    (none,) = pools(replace(known(*[stood] * 8), vehicles=(gone,)), asked(8))
    assert (none.vehicles, none.out) == (0, None)


def test_a_vehicle_serves_from_its_first_day_until_before_its_last() -> None:
    its = replace(CAR, since=FIRST + timedelta(days=1), until=FIRST + timedelta(days=3))
    days = [FIRST + timedelta(days=n) for n in range(4)]
    assert [its.serves(day) for day in days] == [False, True, True, False]
    assert its.state(FIRST) == "used"


def test_a_day_of_which_nothing_is_known_needs_the_vehicle_besides_those_out() -> None:
    begin, _ = asked(1).span(FIRST)
    other = replace(CAR, code="B", vehicle_id=2, consumer_id=2)
    row = DayRow(seen=True, gps_mm=1_000_000, terminal_mm=None)
    both = replace(known(row, trips=[(begin, begin + 60)]), vehicles=(CAR, other))
    (pool,) = pools(both, asked(1))
    assert (pool.needed, pool.unknown, pool.vehicles) == ((2,), 1, 2)
    assert pool.out is not None
    assert pool.road is not None
    assert (pool.out.vehicles, pool.road.vehicles) == (1, 1)
