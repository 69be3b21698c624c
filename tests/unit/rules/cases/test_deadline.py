"""Deadlines in workdays of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from rules.cases.deadline import asked_before, deadline

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = DatedCalendar(
    {
        **{date(2026, 10, day): DayKind.HOLIDAY for day in range(1, 8)},
        date(2026, 9, 27): DayKind.WORKDAY,  # a Sunday that is made up
        date(2026, 10, 10): DayKind.WORKDAY,
    }
)


@pytest.mark.parametrize(
    ("asked", "days", "last"),
    [
        ("2026-07-06 09:00", 1, "2026-07-07"),
        ("2026-07-06 23:59", 3, "2026-07-09"),
        ("2026-07-10 00:00", 1, "2026-07-13"),  # Friday → Monday
        ("2026-07-11 09:00", 1, "2026-07-13"),  # Saturday → Monday
        ("2026-09-25 09:00", 1, "2026-09-27"),  # Friday → the make-up Sunday
        ("2026-09-30 09:00", 3, "2026-10-10"),  # over the holidays, 8, 9 and the make-up Saturday
        ("2027-12-31 09:00", 1, "2028-01-03"),  # not published: Monday
    ],
)
def test_the_last_day_counts_to_its_end(asked: str, days: int, last: str) -> None:
    due = deadline(datetime.fromisoformat(asked).date(), days, CALENDAR, ZONE)
    assert due.tzinfo is UTC
    # 24:00 of the last day.
    assert f"{due.astimezone(ZONE):%H:%M}" == "00:00"
    assert f"{due.timestamp() - 1:.0f}" == str(
        int(datetime.fromisoformat(f"{last} 23:59:59").replace(tzinfo=ZONE).timestamp())
    )


@pytest.mark.parametrize("days", [1, 3])
def test_what_was_asked_before_is_what_is_overdue(days: int) -> None:
    begin = datetime(2026, 9, 20, tzinfo=ZONE)
    moments = [begin + timedelta(hours=12 * n) for n in range(60)]
    for now in moments:
        before = asked_before(now, days, CALENDAR, ZONE)
        late = [one for one in moments if deadline(one.date(), days, CALENDAR, ZONE) <= now]
        assert late == [one for one in moments if one < before]
