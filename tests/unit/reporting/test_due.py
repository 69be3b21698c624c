"""The last period that is over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from reporting.draft.due import last_over
from reporting.forms.model import Cadence


@pytest.mark.parametrize(
    ("cadence", "today", "code"),
    [
        (Cadence.MONTH, date(2026, 11, 30), "2026-10"),
        (Cadence.MONTH, date(2026, 12, 1), "2026-11"),
        (Cadence.MONTH, date(2026, 1, 31), "2025-12"),
        (Cadence.QUARTER, date(2026, 12, 31), "2026Q3"),
        (Cadence.QUARTER, date(2027, 1, 1), "2026Q4"),
        (Cadence.YEAR, date(2026, 12, 31), "2025"),
        (Cadence.YEAR, date(2027, 1, 1), "2026"),
    ],
)
def test_it_ends_before_the_day(cadence: Cadence, today: date, code: str) -> None:
    assert last_over(cadence, today).code == code


@pytest.mark.parametrize("cadence", [*Cadence])
def test_on_every_day_it_is_the_last_one(cadence: Cadence) -> None:
    for n in range(800):
        today = date(2025, 1, 1) + timedelta(days=n)
        found = last_over(cadence, today)
        assert found.end <= today
        following = last_over(cadence, found.end)
        assert following == found
