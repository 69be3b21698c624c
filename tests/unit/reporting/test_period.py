"""Times that are reported."""

from __future__ import annotations

from datetime import date

import pytest

from registry.refusal import RefusedError
from reporting.draft.period import Period, period_of
from reporting.forms.model import Cadence


@pytest.mark.parametrize(
    ("code", "first", "last", "name"),
    [
        ("2026-10", date(2026, 10, 1), date(2026, 10, 31), "2026年10月"),
        ("2026Q4", date(2026, 10, 1), date(2026, 12, 31), "2026年第四季度"),
        ("2026Q1", date(2026, 1, 1), date(2026, 3, 31), "2026年第一季度"),
        ("2026", date(2026, 1, 1), date(2026, 12, 31), "2026年"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "2024年2月"),
    ],
)
def test_a_code_names_a_time(code: str, first: date, last: date, name: str) -> None:
    found = period_of(code)
    assert (found.first, found.last, found.code, found.name) == (first, last, code, name)


@pytest.mark.parametrize(
    "code", ["", "2026-13", "2026-00", "2026Q5", "26Q1", "1999", "2026-1", "x"]
)
def test_what_names_no_time_is_refused(code: str) -> None:
    with pytest.raises(RefusedError, match="不是报告期"):
        period_of(code)


def test_a_year_is_made_of_its_quarters() -> None:
    year = Period(Cadence.YEAR, date(2026, 1, 1))
    quarters = year.quarters()
    assert [one.code for one in quarters] == ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    assert [month for one in quarters for month in one.months()] == [*year.months()]
    assert year.year_before().code == "2025"
