from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.factors.dated import (
    Figure,
    People,
    Span,
    daily_mean,
    energy_users,
    on_day,
    person_days,
)

YEAR = (date(2026, 1, 1), date(2027, 1, 1))
OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))


def span(value: int, begin: str, end: str | None = None) -> Span:
    return Span(
        date.fromisoformat(begin), None if end is None else date.fromisoformat(end), Decimal(value)
    )


def test_a_figure_has_a_value_or_a_reason() -> None:
    for value, why in ((None, ""), (Decimal(1), "未知")):
        with pytest.raises(ValueError, match="or says why"):
            Figure(value, why)


def test_what_holds_on_a_day() -> None:
    spans = [span(100, "2026-01-01", "2026-10-01"), span(120, "2026-11-01")]
    assert on_day(spans, date(2026, 9, 30), "建筑面积") == Figure(Decimal(100))
    assert on_day(spans, date(2026, 10, 1), "建筑面积").why == "2026-10-01 没有建筑面积"
    assert on_day(spans, date(2030, 1, 1), "建筑面积") == Figure(Decimal(120))


def test_the_mean_weighs_days() -> None:
    spans = [span(150, "2026-10-11"), span(50, "2020-01-01", "2026-10-11")]
    mean = daily_mean(spans, *OCTOBER, "用能人数").value
    assert mean is not None
    assert round(mean, 10) == round(Decimal(50 * 10 + 150 * 21) / 31, 10)


@pytest.mark.parametrize(
    ("spans", "missing"),
    [
        ([], "2026-10-01"),
        ([span(1, "2026-10-02")], "2026-10-01"),
        ([span(1, "2026-09-01", "2026-10-31")], "2026-10-31"),
        ([span(1, "2026-09-01", "2026-10-05"), span(1, "2026-10-07")], "2026-10-05"),
    ],
)
def test_a_day_without_a_value_makes_the_mean_unknown(spans: list[Span], missing: str) -> None:
    assert daily_mean(spans, *OCTOBER, "用能人数") == Figure(None, f"{missing} 没有用能人数")


def test_a_time_without_a_day_is_an_error() -> None:
    with pytest.raises(ValueError, match="has no day"):
        daily_mean([], OCTOBER[1], OCTOBER[0], "人数")


def test_person_days_are_shared_by_days_and_need_an_end() -> None:
    spans = [span(60, "2026-09-16", "2026-10-16"), span(31, "2026-10-16", "2026-11-16")]
    assert person_days(spans, *OCTOBER) == 30 + 16
    assert person_days([], *OCTOBER) == 0
    with pytest.raises(ValueError, match="必须有截止日期"):
        person_days([span(1, "2026-10-01")], *OCTOBER)


def test_energy_users_that_are_given_are_taken_as_they_are() -> None:
    people = People([span(320, "2026-01-01")], [[span(7, "2026-01-01")]], [])
    assert energy_users(people, *YEAR).value == 320


def test_energy_users_from_staff_and_visitors_on_a_daily_average() -> None:
    staff = [span(100, "2026-01-01")]
    service = [span(20, "2026-01-01", "2026-07-02"), span(10, "2026-07-02")]
    visitors = [span(3650, "2026-01-01", "2027-01-01")]
    users = energy_users(People([], [staff, service, []], [visitors]), *YEAR).value
    assert users is not None
    expected = 100 + Decimal(20 * 182 + 10 * 183) / 365 + 10
    assert round(users, 20) == round(expected, 20)


def test_a_school_leaves_its_holidays_out() -> None:
    people = People([], [[span(30, "2026-01-01")], [span(1000, "2026-01-01")]], [])
    users = energy_users(people, *YEAR, closed_days=73).value
    assert users == Decimal(1030) * (365 - 73) / 365
    with pytest.raises(ValueError, match="closed days do not fit"):
        energy_users(people, *YEAR, closed_days=366)


def test_without_anybody_known_the_number_is_unknown() -> None:
    assert energy_users(People([], [[]], []), *YEAR).why == "没有用能人数，也没有在编在岗人数"
    gap = People([], [[span(1, "2026-01-01")], [span(1, "2026-02-01")]], [])
    assert energy_users(gap, *YEAR) == Figure(None, "2026-01-01 没有在岗人数")


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 500)), min_size=1, max_size=8))
def test_the_mean_is_that_of_the_days_one_by_one(pieces: list[tuple[int, int]]) -> None:
    spans, days, at = [], [], date(2026, 1, 1)
    for length, value in pieces:
        spans.append(Span(at, at + timedelta(days=length), Decimal(value)))
        at += timedelta(days=length)
        days += [value] * length
    mean = daily_mean(reversed(spans), date(2026, 1, 1), at, "人数").value
    assert mean is not None
    assert abs(mean * len(days) - sum(days)) < Decimal("1e-20")
