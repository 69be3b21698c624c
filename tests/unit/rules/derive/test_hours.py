"""Working hours by the local clock, the calendar, and years nobody has published."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from registry.calendar import DatedCalendar
from registry.day_kind import DayKind
from rules.derive.hours import of_all, working
from rules.ruleset.model import Hours
from rules.timeline.overlay import Windows
from storage.times import us_of

ZONE = ZoneInfo("Asia/Shanghai")
OFFICE = Hours(
    "office",
    {
        DayKind.WORKDAY: ((8 * 60, 12 * 60), (14 * 60, 18 * 60)),
        DayKind.WEEKEND: (),
        DayKind.HOLIDAY: (),
    },
)
CALENDAR = DatedCalendar(
    {
        date(2026, 10, 1): DayKind.HOLIDAY,
        date(2026, 10, 10): DayKind.WORKDAY,
    }
)


def said(moment: str) -> float | None:
    """What the layer says at a local time; None: unknown."""
    at = us_of(datetime.fromisoformat(moment).replace(tzinfo=ZONE))
    day = 86_400_000_000
    found = working(OFFICE, CALENDAR, ZONE, at - day, at + day)
    for since, until, value in zip(found.since, found.until, found.value, strict=True):
        if since <= at < until:
            return float(value)
    return None


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        ("2026-09-28T07:59", 0),
        ("2026-09-28T08:00", 1),
        ("2026-09-28T12:00", 0),
        ("2026-09-28T17:59", 1),
        ("2026-09-28T18:00", 0),
        ("2026-09-27T10:00", 0),
        ("2026-10-01T10:00", 0),
        ("2026-10-10T10:00", 1),
    ],
)
def test_the_calendar_decides_not_the_weekday(moment: str, value: float) -> None:
    assert said(moment) == value


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        ("2027-03-01T10:00", None),  # a Monday that may be a holiday
        ("2027-03-06T10:00", None),  # a Saturday that may be worked
        ("2027-03-01T03:00", 0),
        ("2027-03-06T22:00", 0),
    ],
)
def test_in_a_year_nobody_published_only_what_no_notice_can_change_is_known(
    moment: str, value: float | None
) -> None:
    assert said(moment) == value


def test_every_window_gets_the_hours_that_touch_it() -> None:
    at = us_of(datetime(2026, 9, 28, 9, tzinfo=ZONE))
    hour = int(timedelta(hours=1).total_seconds() * 1e6)
    found = working(OFFICE, CALENDAR, ZONE, at, at + 10 * hour)
    windows = Windows(
        np.array([3, 7]), np.array([at, at + 4 * hour]), np.array([at + hour, at + 6 * hour])
    )
    spread = of_all(found, windows)
    assert spread.subject.tolist() == [3, 7, 7]
    assert spread.value.tolist() == [1.0, 0.0, 1.0]
