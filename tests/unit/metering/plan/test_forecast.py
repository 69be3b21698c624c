from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.plan.forecast import Forecast, Refusal, forecast
from metering.plan.usage import MonthTotal, Source, Usage, Window, month_of
from tests.unit.metering.plan.samples import KWH, PLAIN, full_year, office

MONTHS = range(1, 13)
AUGUST = date(2026, 8, 31)
LAST = Usage(full_year(2025))


def until(day: date, factor: float = 1.0) -> Usage:
    return Usage({d: round(m * factor) for d, m in full_year(2026).items() if d <= day})


def test_a_year_like_the_last_but_a_tenth_lower_ends_a_tenth_lower() -> None:
    found = forecast(until(AUGUST, 0.9), LAST, AUGUST, PLAIN)
    assert isinstance(found, Forecast)
    assert found.ratio == Decimal("0.9")
    assert found.expected == pytest.approx(0.9 * sum(full_year(2026).values()), rel=0.005)
    assert found.low == found.expected == found.high
    assert found.filled == 0
    assert found.months == 8


def test_months_that_differ_make_the_interval_wide() -> None:
    def uneven(day: date) -> float:
        return office(day) * (1.2 if day.month % 2 else 0.8)

    now = Usage({d: m for d, m in full_year(2026, uneven).items() if d <= AUGUST})
    found = forecast(now, LAST, AUGUST, PLAIN)
    assert isinstance(found, Forecast)
    rest = found.expected - found.so_far
    assert found.high - found.low > 0.4 * rest
    assert found.low < found.expected < found.high


def test_two_months_are_not_enough_data() -> None:
    day = date(2026, 3, 5)
    assert forecast(until(day), LAST, day, PLAIN) is Refusal.FEW_MONTHS
    assert isinstance(forecast(until(date(2026, 3, 20)), LAST, date(2026, 3, 20), PLAIN), Forecast)


def test_a_month_to_come_that_last_year_does_not_know_is_not_invented() -> None:
    last = Usage({d: m for d, m in LAST.days.items() if d.month != 11})
    assert forecast(until(AUGUST), last, AUGUST, PLAIN) is Refusal.LAST_YEAR_UNKNOWN


def test_a_gap_of_this_year_is_filled_from_last_year_and_said() -> None:
    now = Usage({d: m for d, m in until(AUGUST).days.items() if d.month != 4})
    found = forecast(now, LAST, AUGUST, PLAIN)
    assert isinstance(found, Forecast)
    april = sum(m for d, m in LAST.days.items() if d.month == 4)
    assert found.filled == april
    assert found.months == 7


def test_a_gap_in_both_years_is_no_forecast() -> None:
    now = Usage({d: m for d, m in until(AUGUST).days.items() if d.month != 4})
    last = Usage({d: m for d, m in LAST.days.items() if d.month != 4})
    assert forecast(now, last, AUGUST, PLAIN) is Refusal.GAPS_SO_FAR


def test_a_year_of_nothing_cannot_be_scaled() -> None:
    last = Usage(full_year(2025, lambda _: 0))
    assert forecast(until(AUGUST), last, AUGUST, PLAIN) is Refusal.NOTHING_USED


def test_entered_months_make_a_forecast_from_day_one() -> None:
    months = {date(2025, m, 1): MonthTotal(3000 * KWH, Source.ENTERED) for m in range(1, 13)}
    now = {date(2026, m, 1): MonthTotal(3300 * KWH, Source.BILLED) for m in range(1, 7)}
    found = forecast(Usage({}, now), Usage({}, months), date(2026, 6, 30), PLAIN)
    assert isinstance(found, Forecast)
    assert found.expected == 12 * 3300 * KWH


def test_on_the_last_day_of_the_year_nothing_is_left_to_estimate() -> None:
    day = date(2026, 12, 31)
    found = forecast(until(day, 1.1), LAST, day, PLAIN)
    assert isinstance(found, Forecast)
    assert found.low == found.expected == found.high == sum(until(day, 1.1).days.values())


@given(
    st.lists(st.floats(0.2, 3.0), min_size=12, max_size=12),
    st.dates(date(2026, 4, 1), date(2026, 12, 31)),
    st.sets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=40),
)
def test_a_forecast_lies_in_its_interval_and_above_what_is_known(
    factors: list[float], day: date, gaps: set[date]
) -> None:
    use = full_year(2026, lambda d: office(d) * factors[d.month - 1])
    now = Usage({d: m for d, m in use.items() if d <= day and d not in gaps})
    found = forecast(now, LAST, day, PLAIN)
    if isinstance(found, Refusal):
        return
    known = sum(now.days.values())
    assert known == found.so_far - found.filled
    assert known <= found.low <= found.expected <= found.high
    assert len(Window(date(2026, 1, 1), day)) >= found.days


@pytest.mark.parametrize("known_months", [3, 6, 9])
def test_four_of_five_years_end_in_the_interval_when_the_rest_differs_as_one_month(
    known_months: int,
) -> None:
    """Months differ by a tenth; the rest of the year is as different as one more month."""
    chance = random.Random(20261122)
    years, inside = 400, 0
    last = Usage({}, {date(2025, m, 1): MonthTotal(3000 * KWH, Source.ENTERED) for m in MONTHS})
    for _ in range(years):
        factors = [chance.gauss(1, 0.1) for _ in range(known_months)]
        rest = chance.gauss(1, 0.1) * (12 - known_months)
        now = {
            date(2026, m, 1): MonthTotal(round(3000 * KWH * factor), Source.BILLED)
            for m, factor in zip(MONTHS, factors, strict=False)
        }
        day = month_of(date(2026, known_months, 1)).last
        found = forecast(Usage({}, now), last, day, PLAIN)
        assert isinstance(found, Forecast)
        ended = round(3000 * KWH * (sum(factors) + rest))
        inside += found.low <= ended <= found.high
    assert 0.75 < inside / years < 0.85


def test_the_interval_is_that_of_one_more_month_by_students_t() -> None:
    """Three months at 0.9, 1 and 1.1: variance 0.01, t(2) 1.886, nine months to come."""
    last = Usage({}, {date(2025, m, 1): MonthTotal(3000 * KWH, Source.ENTERED) for m in MONTHS})
    so_far = {
        date(2026, m, 1): MonthTotal(f * 300 * KWH, Source.BILLED)
        for m, f in enumerate((9, 10, 11), 1)
    }
    found = forecast(Usage({}, so_far), last, date(2026, 3, 31), PLAIN)
    assert isinstance(found, Forecast)
    assert found.expected == 36_000 * KWH
    half = 1.886 * (0.01 * 4 / 3) ** 0.5 * 27_000 * KWH
    assert found.high - found.expected == pytest.approx(half, rel=1e-9)
    assert found.expected - found.low == pytest.approx(half, rel=1e-9)


def test_of_the_month_that_is_running_only_the_rest_is_to_come() -> None:
    months = {date(2025, m, 1): MonthTotal(3000 * KWH, Source.ENTERED) for m in MONTHS}
    now = {date(2026, m, 1): MonthTotal(3300 * KWH, Source.BILLED) for m in range(1, 4)}
    found = forecast(Usage({}, now), Usage({}, months), date(2026, 4, 10), PLAIN)
    assert isinstance(found, Forecast)
    assert found.filled == 1100 * KWH
    assert found.expected == 12 * 3300 * KWH


def test_a_running_month_counts_from_ten_comparable_days_on() -> None:
    tenth, eleventh = date(2026, 3, 10), date(2026, 3, 11)  # 9 and 10 days of their kind
    assert forecast(until(tenth), LAST, tenth, PLAIN) is Refusal.FEW_MONTHS
    assert isinstance(forecast(until(eleventh), LAST, eleventh, PLAIN), Forecast)


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 28)])
def test_with_no_or_one_month_of_history_nothing_is_forecast(day: date) -> None:
    assert forecast(until(day), LAST, day, PLAIN) is Refusal.FEW_MONTHS
    assert forecast(Usage(), LAST, day, PLAIN) is Refusal.FEW_MONTHS
    assert forecast(until(day), Usage(), day, PLAIN) is Refusal.FEW_MONTHS
