from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from metering.gauge.periods import GaugePeriod, Grain, Periods, gauge_periods, state_periods
from tests.integration.metering.gauge.world import (
    START,
    Conn,
    add_device,
    add_point,
    at,
    recompute,
    store,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_S = 86_400
LATER = START + timedelta(days=400)


def asked(grain: Grain, days: int = 40) -> Periods:
    return Periods(START - timedelta(days=1), START + timedelta(days=days), grain, SHANGHAI, LATER)


def gauge(conn: Conn, *readings: tuple[float, float | None]) -> int:
    point = add_point(conn, add_device(conn), "power")
    store(conn, point, readings)
    recompute(conn, (point, readings[0][0], readings[-1][0]))
    return point


def test_an_hour_is_its_quarters_by_their_weight(conn: Conn) -> None:
    point = gauge(conn, (0, 10.0), (900, 40.0), (1200, None), (3600, 5.0), (4500, None))
    assert gauge_periods(conn, [point], asked("hour")) == [
        GaugePeriod(point, START, 10.0, 40.0, 17.5, 1200),
        GaugePeriod(point, START + timedelta(hours=1), 5.0, 5.0, 5.0, 900),
    ]


def test_case_39_days_are_those_of_the_site(conn: Conn) -> None:
    evening = 16 * 3600  # midnight in Shanghai
    point = gauge(conn, (evening - 900, 1.0), (evening, 9.0), (evening + 900, None))
    found = gauge_periods(conn, [point], asked("day"))
    assert [(period.begin, period.mean, period.covered_s) for period in found] == [
        (datetime(2026, 6, 1, tzinfo=SHANGHAI), 1.0, 900),
        (datetime(2026, 6, 2, tzinfo=SHANGHAI), 9.0, 900),
    ]


def test_case_38_months_are_those_of_the_calendar(conn: Conn) -> None:
    july = 30 * DAY_S - 8 * 3600
    point = gauge(conn, (july - 900, 1.0), (july, 9.0), (july + 900, None))
    found = gauge_periods(conn, [point], asked("month"))
    assert [(period.begin, period.mean) for period in found] == [
        (datetime(2026, 6, 1, tzinfo=SHANGHAI), 1.0),
        (datetime(2026, 7, 1, tzinfo=SHANGHAI), 9.0),
    ]


def test_only_quarters_of_the_asked_time_count(conn: Conn) -> None:
    point = gauge(conn, (0, 1.0), (900, 2.0), (1800, 3.0), (2700, None))
    some = Periods(at(900), at(1800), "hour", SHANGHAI, LATER)
    assert [(p.mean, p.covered_s) for p in gauge_periods(conn, [point], some)] == [(2.0, 900)]


def test_the_mean_of_a_constant_is_the_constant(conn: Conn) -> None:
    # Five times 1.1 × 900, added up and divided by 4500, is not 1.1.
    point = gauge(conn, *((n * 900.0, 1.1) for n in range(5)))
    (period,) = gauge_periods(conn, [point], asked("month"))
    assert (period.low, period.mean, period.high) == (1.1, 1.1, 1.1)


def test_time_in_state(conn: Conn) -> None:
    point = add_point(conn, add_device(conn), "on", "state")
    store(conn, point, [(0, 1.0), (1000, 0.0), (3700, 1.0), (4000, None)])
    recompute(conn, (point, 0, 4000))
    found = [(p.begin, p.value, p.seconds) for p in state_periods(conn, [point], asked("hour"))]
    second = START + timedelta(hours=1)
    assert found == [(START, 0, 2600), (START, 1, 1000), (second, 0, 100), (second, 1, 300)]
    assert [(p.value, p.seconds) for p in state_periods(conn, [point], asked("day"))] == [
        (0, 2700),
        (1, 1300),
    ]


def test_what_is_unknown_has_no_period(conn: Conn) -> None:
    assert gauge_periods(conn, [1], asked("day")) == []
    assert state_periods(conn, [1], asked("day")) == []


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        Periods(datetime(2026, 6, 1), START, "day", SHANGHAI, LATER)  # noqa: DTZ001


def test_nothing_is_said_of_the_time_to_come(conn: Conn) -> None:
    """The last value holds on for an hour; of that, only what is over is told."""
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(0, 1.0)])
    recompute(conn, (running, 0, 0))
    day = Periods(START, at(DAY_S), "day", SHANGHAI, at(2699))
    assert [period.seconds for period in state_periods(conn, [running], day)] == [1800]
    assert gauge_periods(conn, [running], day) == []


def test_a_gauge_says_nothing_of_the_time_to_come_either(conn: Conn) -> None:
    point = gauge(conn, (0, 1.0))
    day = Periods(START, at(DAY_S), "day", SHANGHAI, at(1799))
    assert [period.covered_s for period in gauge_periods(conn, [point], day)] == [900]


def test_a_state_that_stands_is_seen_before_its_next_sign_of_life(conn: Conn) -> None:
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(0, 1.0)])
    recompute(conn, (running, 0, 0))
    before = Periods(START, at(DAY_S), "day", SHANGHAI, at(1800))
    seen = state_periods(conn, [running], before)
    store(conn, running, [(3600, 0.0)])
    recompute(conn, (running, 3600, 3600))
    assert [(period.value, period.seconds) for period in seen] == [(1, 1800)]
    assert state_periods(conn, [running], before) == seen


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25)])
def test_case_40_time_in_state_of_a_day_on_which_clocks_change(
    conn: Conn, day: date, hours: int
) -> None:
    zone = ZoneInfo("Europe/Berlin")
    midnight = datetime.combine(day, time(), zone)
    begin = (midnight - START).total_seconds()
    running = add_point(conn, add_device(conn), "on", "state")
    signs = [(begin + (n - 1) * 3600.0, 1.0) for n in range(hours + 2)]  # on, from before midnight
    store(conn, running, [*signs, (begin + (hours + 1) * 3600.0, None)])
    recompute(conn, (running, signs[0][0], signs[-1][0] + 3600))
    asked = Periods(midnight, midnight + timedelta(days=1), "day", zone, LATER)
    (found,) = state_periods(conn, [running], asked)
    assert (found.begin, found.seconds) == (midnight, hours * 3600)


def test_state_unknown_behind_the_silence_is_not_filled_at_midnight(conn: Conn) -> None:
    before = 15.5 * 3600  # 23:30 in Shanghai
    running = add_point(conn, add_device(conn), "on", "state")
    store(conn, running, [(before, 1.0), (before + 8 * 3600, 0.0)])
    recompute(conn, (running, before, before + 8 * 3600))
    found = state_periods(conn, [running], asked("day", 1))
    assert [(one.begin.astimezone(SHANGHAI).day, one.value, one.seconds) for one in found] == [
        (1, 1, 1800),
        (2, 0, 1800),
        (2, 1, 1800),
    ]


@pytest.mark.parametrize(
    ("now_s", "known"), [(899.999999, 0), (900, 900), (1799, 900), (1800, 1800)]
)
def test_a_quarter_counts_from_the_moment_it_is_over(conn: Conn, now_s: float, known: int) -> None:
    point = gauge(conn, (0, 10.0), (900, 40.0), (1800, None))
    running = add_point(conn, add_device(conn, "d-2"), "on", "state")
    store(conn, running, [(0, 1.0), (1800, None)])
    recompute(conn, (running, 0, 1800))
    by_then = Periods(START, at(DAY_S), "day", SHANGHAI, at(now_s))
    assert sum(one.covered_s for one in gauge_periods(conn, [point], by_then)) == known
    assert sum(one.seconds for one in state_periods(conn, [running], by_then)) == known
