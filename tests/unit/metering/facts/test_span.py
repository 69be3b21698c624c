from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metering.facts.span import ALWAYS, EARLIEST, LATEST, Span, differing, of_range, to_range

ENDS = st.none() | st.integers(0, 20).map(lambda d: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(d))
SPANS = st.builds(Span, ENDS, ENDS).filter(lambda s: s.first < s.end)
MAYBE = st.none() | SPANS
MOMENTS = [
    EARLIEST,
    *(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=12 * h) for h in range(-1, 43)),
    LATEST - timedelta(1),
]


def holds(span: Span | None, moment: datetime) -> bool:
    return span is not None and moment in span


@given(MAYBE, MAYBE)
def test_what_differs_is_what_exactly_one_holds(one: Span | None, other: Span | None) -> None:
    pieces = differing(one, other)
    for moment in MOMENTS:
        expected = holds(one, moment) != holds(other, moment)
        assert sum(moment in piece for piece in pieces) == expected


@given(SPANS, SPANS)
def test_what_is_common_is_what_both_hold(one: Span, other: Span) -> None:
    common = one.common(other)
    assert (common is not None) == one.meets(other)
    for moment in MOMENTS:
        assert holds(common, moment) == (moment in one and moment in other)


@given(MAYBE)
def test_a_range_of_the_database_is_the_same_span(span: Span | None) -> None:
    assert of_range(to_range(span)) == span


def test_without_bounds_everything_is_inside() -> None:
    assert EARLIEST in ALWAYS
    assert ALWAYS.touches(LATEST)
    assert Span(None, MOMENTS[3]).touches(MOMENTS[3])
    assert MOMENTS[3] not in Span(None, MOMENTS[3])


def test_spans_that_only_touch_have_no_time_in_common() -> None:
    moment = datetime(2026, 6, 18, tzinfo=UTC)
    before, behind = Span(None, moment), Span(moment)
    assert not before.meets(behind)
    assert not behind.meets(before)
    assert before.common(behind) is None
