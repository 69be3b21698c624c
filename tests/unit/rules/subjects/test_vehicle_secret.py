"""Days that are compared alike: those that are withheld apart from the others."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.joining.rules import Rules
from rules.subjects.vehicles.secret import alike
from storage.times import DAY_US

ZONE = ZoneInfo("Asia/Shanghai")
RULES = Rules()
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)
AHEAD = timedelta(days=1 + RULES.ahead_us // DAY_US)


def test_days_up_to_the_last_that_reads_a_sensitive_one_are_withheld() -> None:
    secret = (date(2026, 6, 30), date(2026, 7, 1))
    before = secret[0] - AHEAD
    assert list(alike((FIRST, LAST), [secret], ZONE, RULES)) == [
        (FIRST, before - timedelta(days=1)),
        (before, date(2026, 7, 1)),
        (date(2026, 7, 2), LAST),
    ]


@pytest.mark.parametrize("secret", [[], [(FIRST, LAST)]])
def test_what_is_the_same_on_all_days_is_asked_at_once(secret: list[tuple[date, date]]) -> None:
    assert list(alike((FIRST, LAST), secret, ZONE, RULES)) == [(FIRST, LAST)]
