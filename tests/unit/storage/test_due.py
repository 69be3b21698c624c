from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from storage.due import Span, merged

SPANS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 300)).map(lambda s: Span(s[0], s[0] + s[1])),
    max_size=30,
).map(lambda spans: sorted(spans, key=lambda span: span.from_us))


@given(SPANS, st.integers(0, 200))
def test_merged_spans_hold_every_span_and_lie_apart(spans: list[Span], near: int) -> None:
    joined = merged(spans, near)

    for span in spans:
        assert any(one.from_us <= span.from_us <= span.to_us <= one.to_us for one in joined)
    for one, following in pairwise(joined):
        assert one.to_us + near < following.from_us
    assert {one.from_us for one in joined} <= {span.from_us for span in spans}
    assert {one.to_us for one in joined} <= {span.to_us for span in spans}
