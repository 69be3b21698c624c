from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from metering.tree.timeline import (
    EVER,
    NEVER,
    Span,
    Timeline,
    always,
    days_of,
    filled,
    line_up,
    mapped,
    then,
    within,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(12)]


def at(line: Timeline[int], day: date) -> int | None:
    found = [span.value for span in line if span.begin <= day < span.end]
    assert len(found) <= 1
    return found[0] if found else None


@st.composite
def lines(draw: st.DrawFn) -> Timeline[int]:
    cuts = sorted(draw(st.sets(st.integers(0, 11), min_size=2, max_size=6)))
    spans = [
        Span(DAYS[a], DAYS[b], draw(st.integers(0, 2)))
        for a, b in itertools.pairwise(cuts)
        if draw(st.booleans())
    ]
    return tuple(spans)


def test_days_are_those_a_span_touches_in_the_zone() -> None:
    noon = datetime(2026, 1, 5, 4, tzinfo=UTC)  # 12:00 in Shanghai
    midnight = datetime(2026, 1, 4, 16, tzinfo=UTC)  # 0:00 on the 5th
    assert days_of(noon, None, SHANGHAI) == (date(2026, 1, 5), NEVER)
    assert days_of(None, noon, SHANGHAI) == (EVER, date(2026, 1, 6))
    assert days_of(midnight, midnight + timedelta(days=1), SHANGHAI) == (
        date(2026, 1, 5),
        date(2026, 1, 6),
    )
    assert days_of(None, midnight, SHANGHAI) == (EVER, date(2026, 1, 5))
    assert days_of(noon, noon, SHANGHAI) is None


def test_the_day_of_a_move_belongs_to_where_it_moved() -> None:
    line = line_up([Span(DAYS[0], DAYS[6], 1), Span(DAYS[5], DAYS[9], 2)])
    assert line == (Span(DAYS[0], DAYS[5], 1), Span(DAYS[5], DAYS[9], 2))


def test_of_two_moves_on_one_day_the_last_counts() -> None:
    line = line_up([Span(DAYS[0], DAYS[6], 1), Span(DAYS[5], DAYS[6], 2), Span(DAYS[5], NEVER, 3)])
    assert line == (Span(DAYS[0], DAYS[5], 1), Span(DAYS[5], NEVER, 3))


@given(lines(), lines())
def test_filling_takes_the_upper_one_where_it_has_a_value(
    over: Timeline[int], under: Timeline[int]
) -> None:
    line = filled(over, under)
    for day in DAYS:
        upper = at(over, day)
        assert at(line, day) == (at(under, day) if upper is None else upper)
    assert list(line) == sorted(line, key=lambda span: span.begin)


@given(lines(), st.tuples(lines(), lines(), lines()))
def test_following_is_following_on_each_day(
    line: Timeline[int], next_lines: tuple[Timeline[int], ...]
) -> None:
    followed = then(line, lambda value: next_lines[value])
    for day in DAYS:
        value = at(line, day)
        assert at(followed, day) == (None if value is None else at(next_lines[value], day))


@given(lines(), st.integers(0, 11), st.integers(0, 11))
def test_within_keeps_the_days_asked_for(line: Timeline[int], low: int, high: int) -> None:
    part = within(line, DAYS[low], DAYS[high])
    for n, day in enumerate(DAYS):
        assert at(part, day) == (at(line, day) if low <= n < high else None)


def test_neighbours_of_one_value_are_one_span() -> None:
    line = (Span(DAYS[0], DAYS[2], 1), Span(DAYS[2], DAYS[4], 2))
    assert mapped(line, lambda _: 7) == (Span(DAYS[0], DAYS[4], 7),)
    assert then(always(0), lambda _: line) == line
