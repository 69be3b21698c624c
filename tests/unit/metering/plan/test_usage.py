from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.plan.usage import (
    MonthTotal,
    Piece,
    Source,
    Usage,
    Window,
    month_before,
    month_of,
    year_before,
    year_of,
)

MARCH = month_of(date(2026, 3, 17))
DATES = st.dates(date(2024, 1, 1), date(2026, 12, 31))


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="before it begins"):
        Window(date(2026, 3, 2), date(2026, 3, 1))


def test_months_are_calendar_months() -> None:
    assert month_of(date(2024, 2, 9)) == Window(date(2024, 2, 1), date(2024, 2, 29))
    assert month_before(date(2026, 1, 31)) == month_of(date(2025, 12, 1))
    assert len(year_of(2024)) == 366
    across = Window(date(2025, 12, 31), date(2026, 2, 1))
    assert across.months() == (date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1))


@pytest.mark.parametrize(
    ("window", "before"),
    [
        (month_of(date(2024, 2, 1)), month_of(date(2023, 2, 1))),
        (month_of(date(2025, 2, 1)), month_of(date(2024, 2, 1))),
        (
            Window(date(2024, 2, 29), date(2024, 2, 29)),
            Window(date(2023, 2, 28), date(2023, 2, 28)),
        ),
        (
            Window(date(2026, 1, 1), date(2026, 5, 14)),
            Window(date(2025, 1, 1), date(2025, 5, 14)),
        ),
    ],
)
def test_the_year_before_has_the_same_dates(window: Window, before: Window) -> None:
    assert year_before(window) == before


def test_a_months_total_stands_in_where_days_are_missing() -> None:
    days = {day: 5 for day in MARCH if day.day > 1}
    usage = Usage(days, {MARCH.first: MonthTotal(400, Source.ENTERED)})
    assert usage.pieces(MARCH) == (Piece(MARCH, 400, Source.ENTERED),)
    assert usage.sources(MARCH) == {Source.ENTERED}
    complete = Usage({**days, MARCH.first: 5}, usage.months)
    assert complete.total(MARCH) == 155
    assert complete.sources(MARCH) == {Source.METERED}


def test_the_bill_prevails_where_it_comes_first() -> None:
    days = dict.fromkeys(MARCH, 5)
    usage = Usage(days, {MARCH.first: MonthTotal(160, Source.BILLED)}, months_first=True)
    assert usage.total(MARCH) == 160
    assert usage.sources(MARCH) == {Source.BILLED}


def test_half_a_month_is_never_taken_from_its_total() -> None:
    usage = Usage({}, {MARCH.first: MonthTotal(160, Source.BILLED)}, months_first=True)
    assert usage.pieces(Window(MARCH.first, date(2026, 3, 15))) == ()


def test_unknown_is_not_zero() -> None:
    assert Usage().total(MARCH) is None
    one_missing = Usage({day: 5 for day in MARCH if day.day != 9})
    assert one_missing.total(MARCH) is None


@given(
    st.dictionaries(DATES, st.integers(0, 10**12)),
    st.dictionaries(DATES.map(lambda day: day.replace(day=1)), st.integers(0, 10**12)),
    st.tuples(DATES, DATES).map(sorted),
    st.booleans(),
)
def test_no_day_is_ever_counted_twice(
    days: dict[date, int], months: dict[date, int], ends: list[date], months_first: bool
) -> None:
    totals = {first: MonthTotal(micro, Source.BILLED) for first, micro in months.items()}
    window = Window(*ends)
    pieces = Usage(days, totals, months_first).pieces(window)
    covered = [day for piece in pieces for day in piece.window]
    assert len(covered) == len(set(covered))
    assert all(day in window for day in covered)
    assert covered == sorted(covered)


def test_a_window_that_begins_on_a_months_last_day_keeps_its_date() -> None:
    window = Window(date(2025, 2, 28), date(2025, 3, 15))
    assert year_before(window) == Window(date(2024, 2, 28), date(2024, 3, 15))
