from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.quality import gaps, stale
from metering.quality.gaps import Evidence, Why, holes, reason
from metering.quality.presence import Span, expected_s, within
from metering.quality.stale import Latest, Silence, judge

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
NOW = BEGIN + timedelta(hours=10)
SOUND = Evidence(
    failed=False,
    waiting=False,
    virtual=False,
    counter=True,
    unknown_step=False,
    doubted=False,
    rows=0,
    values=0,
)
FRESH = Latest(
    meter_id=1,
    meter="m",
    device="d",
    interval_s=900,
    counter=True,
    bound=None,
    newest=NOW - QUARTER,
    no_value=False,
    good=None,
)


def span(begin: float, end: float) -> Span:
    """Quarters since the begin."""
    return Span(BEGIN + begin * QUARTER, BEGIN + end * QUARTER)


def test_neighbouring_quarters_without_figures_are_one_gap() -> None:
    known = [(BEGIN + n * QUARTER, 900) for n in (0, 1, 5, 7)]
    assert holes(known, [span(0, 8)]) == (span(2, 5), span(6, 7))


def test_a_quarter_that_is_half_known_is_missing() -> None:
    assert holes([(BEGIN, 450)], [span(0, 1)]) == (span(0, 1),)


def test_half_a_quarter_that_is_expected_may_be_half_known() -> None:
    assert holes([(BEGIN, 450)], [span(0.5, 1)]) == ()


def test_what_is_not_expected_is_not_missing() -> None:
    assert holes([], [span(2, 3), span(6, 8)]) == (span(2, 3), span(6, 8))
    assert holes([], []) == ()


@given(st.sets(st.integers(0, 95)), st.integers(0, 95), st.integers(1, 96))
def test_gaps_are_just_the_expected_time_that_is_not_known(
    known: set[int], begin: int, length: int
) -> None:
    expected = [span(begin, begin + length)]
    found = holes([(BEGIN + n * QUARTER, 900) for n in sorted(known)], expected)
    unknown = [n for n in range(begin, begin + length) if n not in known]
    assert sum(one.seconds for one in found) == 900 * len(unknown)
    assert all(a.end < b.begin for a, b in pairwise(found))
    assert within(found, expected[0]) == found


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (replace(SOUND, failed=True, waiting=True), Why.FAILED),
        (replace(SOUND, waiting=True), Why.WAITING),
        (replace(SOUND, virtual=True), Why.INPUT),
        (replace(SOUND, counter=False), Why.NO_COUNTER),
        (replace(SOUND, unknown_step=True, rows=4, values=4), Why.UNKNOWN_STEP),
        (replace(SOUND, doubted=True, rows=4, values=4), Why.DOUBTED),
        (SOUND, Why.SILENT),
        (replace(SOUND, rows=4), Why.NO_VALUE),
        (replace(SOUND, rows=4, values=1), Why.FEW),
    ],
)
def test_the_first_reason_that_applies(evidence: Evidence, why: Why) -> None:
    assert reason(evidence) is why


def test_every_reason_has_chinese_words() -> None:
    assert set(gaps.WORDS) == set(Why)
    assert set(stale.WORDS) == set(Silence)


def test_nothing_is_expected_after_now() -> None:
    day = span(0, 96)
    assert expected_s([day], day, BEGIN + 4 * QUARTER) == 3600
    assert expected_s([day], day, BEGIN - QUARTER) == 0
    assert expected_s([span(90, 100), span(-5, 2)], day, BEGIN + 200 * QUARTER) == 8 * 900


@pytest.mark.parametrize(
    ("latest", "why"),
    [
        (FRESH, None),
        (replace(FRESH, newest=NOW - 4 * QUARTER), None),
        (replace(FRESH, newest=NOW - 5 * QUARTER), Silence.SILENT),
        (replace(FRESH, no_value=True, good=NOW - 2 * QUARTER), None),
        (replace(FRESH, no_value=True, good=NOW - 9 * QUARTER), Silence.NO_VALUE),
        (replace(FRESH, no_value=True), Silence.NO_VALUE),
        (replace(FRESH, newest=NOW - 9 * QUARTER, no_value=True), Silence.SILENT),
        (replace(FRESH, newest=None), Silence.NEVER),
        (replace(FRESH, newest=None, bound=NOW - 3 * QUARTER), None),
        (replace(FRESH, newest=None, bound=NOW - 5 * QUARTER), Silence.NEVER),
        (replace(FRESH, counter=False), Silence.NO_COUNTER),
        (replace(FRESH, device=None, interval_s=None), Silence.NOT_BOUND),
    ],
)
def test_a_meter_is_stale_after_some_intervals_and_says_why(
    latest: Latest, why: Silence | None
) -> None:
    found = judge(latest, NOW, 4)
    assert (found and found.why) is why
