"""Times of doubts, cut by month and counted once."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from rules.cases.sums import merged, months
from storage.times import us_of

ZONE = ZoneInfo("Asia/Shanghai")


def us(text: str) -> int:
    return us_of(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def test_a_stretch_is_cut_at_the_months_of_the_site() -> None:
    found = list(months(us("2026-11-30 23:00"), us("2027-01-01 01:00"), ZONE))
    assert found == [
        (date(2026, 11, 1), us("2026-11-30 23:00"), us("2026-12-01 00:00")),
        (date(2026, 12, 1), us("2026-12-01 00:00"), us("2027-01-01 00:00")),
        (date(2027, 1, 1), us("2027-01-01 00:00"), us("2027-01-01 01:00")),
    ]
    assert list(months(5, 5, ZONE)) == []


def test_what_overlaps_is_counted_once() -> None:
    assert merged([(5, 9), (1, 3), (3, 4), (6, 7), (8, 12)]) == [(1, 4), (5, 12)]
    assert merged([]) == []
