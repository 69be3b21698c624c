from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from notify.clock import after_quiet, due_at, is_quiet, next_of
from notify.model import Quiet, Route, Severity
from tests.unit.notify.samples import NOON, ZONE, at, minutes

NIGHT = Quiet(time(22), time(7, 30))
BREAK = Quiet(time(12), time(14))


@pytest.mark.parametrize(
    ("quiet", "hours", "minute", "expected"),
    [
        (NIGHT, 21, 59, False),
        (NIGHT, 22, 0, True),
        (NIGHT, 3, 0, True),
        (NIGHT, 7, 29, True),
        (NIGHT, 7, 30, False),
        (BREAK, 11, 59, False),
        (BREAK, 12, 0, True),
        (BREAK, 14, 0, False),
        (None, 3, 0, False),
    ],
)
def test_quiet_hours_are_on_the_sites_clock(
    quiet: Quiet | None, hours: int, minute: int, expected: bool
) -> None:
    assert is_quiet(quiet, at(hours, minute), ZONE) is expected


def test_what_falls_into_the_night_is_held_to_the_morning() -> None:
    assert after_quiet(NIGHT, at(23, day=29), ZONE) == at(7, 30)
    assert after_quiet(NIGHT, at(3), ZONE) == at(7, 30)
    assert after_quiet(NIGHT, at(9), ZONE) == at(9)


def test_a_note_waits_for_its_group_and_not_longer_than_the_night() -> None:
    route = Route("energy", ("a",), group=minutes(10), quiet=NIGHT)
    assert due_at(route, Severity.WARNING, NOON, ZONE) == at(12, 10)
    assert due_at(route, Severity.WARNING, at(21, 55, day=29), ZONE) == at(7, 30)
    assert due_at(route, Severity.URGENT, at(23), ZONE) == at(23)


def test_a_digest_takes_what_matters_less_than_at_once() -> None:
    digest = (time(8, 30), time(16))
    route = Route("energy", ("a",), digest=digest, at_once=Severity.WARNING)
    assert due_at(route, Severity.NOTICE, NOON, ZONE) == at(16)
    assert due_at(route, Severity.NOTICE, at(16, day=29), ZONE) == at(8, 30)
    assert due_at(route, Severity.WARNING, NOON, ZONE) == NOON


def test_a_time_that_the_clock_leaps_over_is_the_moment_behind_the_leap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # 01:30; at 02:00 it becomes 03:00
    assert next_of((time(2, 30),), before, berlin) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
