from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from metering.derive.claim import Claim, Span, merged, within
from metering.derive.times import DAY_US

SPANS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 300)).map(lambda s: Span(s[0], s[0] + s[1])),
    max_size=30,
).map(lambda spans: sorted(spans, key=lambda span: span.from_us))


def claimed(days: int, subject: int = 1) -> Claim:
    return Claim(subject, (Span(0, days * DAY_US),), (subject,))


@given(SPANS, st.integers(0, 200))
def test_merged_spans_hold_every_span_and_lie_apart(spans: list[Span], near: int) -> None:
    joined = merged(spans, near)

    for span in spans:
        assert any(one.from_us <= span.from_us <= span.to_us <= one.to_us for one in joined)
    for one, following in pairwise(joined):
        assert one.to_us + near < following.from_us
    assert {one.from_us for one in joined} <= {span.from_us for span in spans}
    assert {one.to_us for one in joined} <= {span.to_us for span in spans}


def test_a_batch_ends_where_its_budget_does() -> None:
    claims = [claimed(9, subject) for subject in range(5)]

    assert within(claims, 25 * DAY_US) == claims[:2]
    assert within(claims, 20 * DAY_US) == claims[:2], "each of nine days, and a day around them"


def test_the_first_claim_is_computed_however_large_it_is() -> None:
    claims = [claimed(1_000_000), claimed(1, 2)]

    assert within(claims, DAY_US) == claims[:1]


def test_small_claims_behind_a_large_one_are_left_for_others() -> None:
    claims = [claimed(1), claimed(9_000, 2), claimed(1, 3)]

    assert within(claims, 100 * DAY_US) == claims[:1]
