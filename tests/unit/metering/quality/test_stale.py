from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from metering.quality.stale import Latest, Silence, judge

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def latest(silent_s: int, *, no_value: bool = False, good_s: int | None = None) -> Latest:
    """A device that is asked every minute and answered so many seconds ago."""
    good = None if good_s is None else NOW - timedelta(seconds=good_s)
    newest = NOW - timedelta(seconds=silent_s)
    return Latest(1, "m", "d", 60, True, None, newest, no_value, good)


@pytest.mark.parametrize(("silent_s", "why"), [(240, None), (241, Silence.SILENT)])
def test_as_many_intervals_as_allowed_are_not_stale(silent_s: int, why: Silence | None) -> None:
    found = judge(latest(silent_s), NOW, 4)
    assert (found.why if found else None) is why


@pytest.mark.parametrize(
    ("silent_s", "good_s", "why"),
    [(60, 200, None), (60, 300, Silence.NO_VALUE), (300, 900, Silence.SILENT)],
)
def test_answers_without_a_value_are_told_from_none(
    silent_s: int, good_s: int, why: Silence | None
) -> None:
    found = judge(latest(silent_s, no_value=True, good_s=good_s), NOW, 4)
    assert (found.why if found else None) is why
