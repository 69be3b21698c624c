"""Whose a silence is, by what was heard beside it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.hold import Holds
from rules.subjects.devices.heard import HOUR_US
from rules.subjects.devices.own import (
    PROVEN_HOURS,
    Silence,
    merged,
    own,
    proven,
    several,
    without,
)

Spans = list[tuple[int, int]]
_spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda one: (one[0], sum(one))),
    max_size=8,
)


def hours(spans: Spans) -> Spans:
    return [(a * HOUR_US, b * HOUR_US) for a, b in spans]


def found(beside: Spans, since: int, until: int) -> list[tuple[float, float]]:
    silence = Silence(1, since * HOUR_US, since * HOUR_US, until * HOUR_US)
    return [(a / HOUR_US, b / HOUR_US) for a, b in proven(silence, hours(beside))]


def test_a_silence_is_its_own_while_something_beside_it_was_heard_of() -> None:
    assert found([(0, 5), (8, 9)], 2, 20) == [(2, 5), (8, 9)]


def test_after_a_day_beside_it_others_may_fall_silent() -> None:
    assert found([(0, 20), (30, 40), (90, 91)], 0, 100) == [(0, 20), (30, 100)]


def test_what_is_looked_at_does_not_change_whose_it_is() -> None:
    beside = hours([(0, 30)])
    nothing = np.empty(0, np.int64)
    heard = Holds(nothing, nothing, nothing, np.empty(0))
    rows = own(heard, [(Silence(1, 0, 50 * HOUR_US, 60 * HOUR_US), beside)])
    assert (rows.since / HOUR_US).tolist() == [50]
    assert (rows.until / HOUR_US).tolist() == [60]


def test_where_it_is_heard_of_there_is_no_silence() -> None:
    one = np.array([1, 1])
    heard = Holds(one, np.array([0, 5]) * HOUR_US, np.array([5, 9]) * HOUR_US, np.array([1.0, 0.0]))
    silence = Silence(1, 5 * HOUR_US, 5 * HOUR_US, 9 * HOUR_US)
    rows = own(heard, [(silence, hours([(6, 8)]))])
    assert (rows.since / HOUR_US).tolist() == [0, 6]
    assert rows.value.tolist() == [0, 1]


@given(_spans, st.integers(0, 30), st.integers(1, 60))
def test_it_is_own_where_heard_beside_or_heard_so_for_a_day(
    spans: Spans, since: int, length: int
) -> None:
    beside, until = merged(spans), since + length
    mine = found(beside, since, until)
    for hour in range(since, until):
        before = sum(min(b, until) - max(a, since) for a, b in beside if a <= hour and b > since)
        expected = any(a <= hour < b for a, b in beside) or before >= PROVEN_HOURS
        assert any(a <= hour < b for a, b in mine) == expected


@given(_spans, st.integers(0, 60), st.integers(1, 60))
def test_times_are_told_hour_by_hour(spans: Spans, since: int, length: int) -> None:
    until = since + length
    rest, many = without((since, until), merged(spans)), several(spans)
    assert rest == merged(rest)
    assert many == merged(many)
    for hour in range(72):
        count = sum(a <= hour < b for a, b in spans)
        inside = since <= hour < until
        assert any(a <= hour < b for a, b in rest) == (inside and count == 0)
        assert any(a <= hour < b for a, b in many) == (count >= 2)
