from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from registry.bindings import Moves, Span, reconcile

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return EPOCH + timedelta(days=n)


def span(target: str, since: int | None, until: int | None = None) -> Span:
    return Span(
        target, None if since is None else day(since), None if until is None else day(until)
    )


def after(held: Sequence[Span], moves: Moves) -> list[Span]:
    changed = dict(moves.updates)
    kept = [changed.get(h, h) for h in held]
    spans = [s for s in (*kept, *moves.inserts) if s is not None]
    return sorted(spans, key=lambda s: s.since or datetime.min.replace(tzinfo=UTC))


def bring(held: Sequence[Span], stated: Sequence[Span], now: int, **more: object) -> list[Span]:
    return after(held, reconcile(held, stated, day(now), **more))  # type: ignore[arg-type]


def test_the_first_binding_without_a_date_holds_always() -> None:
    assert bring([], [span("a", None)], 5) == [span("a", None)]


def test_a_moved_meter_without_a_date_moves_now() -> None:
    assert bring([span("a", None)], [span("b", None)], 5) == [span("a", None, 5), span("b", 5)]


def test_a_moved_meter_with_a_date_moved_then() -> None:
    assert bring([span("a", 0)], [span("b", 3)], 5) == [span("a", 0, 3), span("b", 3)]


def test_a_move_that_is_yet_to_come_leaves_it_where_it_is_until_then() -> None:
    assert bring([span("a", 0)], [span("b", 9)], 5) == [span("a", 0, 9), span("b", 9)]


def test_what_is_no_longer_stated_ends_now() -> None:
    assert bring([span("a", 0)], [], 5) == [span("a", 0, 5)]


def test_history_stays_when_the_file_states_only_the_last() -> None:
    held = [span("a", 0, 2), span("b", 2)]
    assert bring(held, [span("b", 2)], 5) == held


def test_a_date_given_later_corrects_the_beginning() -> None:
    assert bring([span("a", None)], [span("a", 3)], 5) == [span("a", 3)]


def test_a_wrong_place_from_the_same_date_is_withdrawn() -> None:
    moves = reconcile([span("a", 3)], [span("b", 3)], day(5))
    assert moves.updates == ((span("a", 3), None),)
    assert moves.inserts == (span("b", 3),)


def test_a_plan_that_was_dropped_is_withdrawn() -> None:
    assert bring([span("a", 0, 9), span("b", 9)], [span("a", 0)], 5) == [span("a", 0)]


def test_a_returning_meter_begins_anew() -> None:
    assert bring([span("a", 0, 3)], [span("a", None)], 5) == [span("a", 0, 3), span("a", 5)]


def test_an_undated_entry_keeps_the_known_date() -> None:
    moves = reconcile([span("a", 3)], [span("a", None)], day(5))
    assert moves == Moves((), ())


def test_a_successor_ends_what_the_file_dropped_when_it_came() -> None:
    assert bring([span("a", 0)], [], 5, rivals=[span("a", 3)]) == [span("a", 0, 3)]


def test_a_successor_elsewhere_or_later_changes_nothing() -> None:
    assert bring([span("a", 0)], [], 5, rivals=[span("b", 3)]) == [span("a", 0, 5)]
    assert bring([span("a", 0)], [], 5, rivals=[span("a", 8)]) == [span("a", 0, 5)]


def test_a_new_meter_without_a_date_where_another_was_begins_now() -> None:
    assert bring([], [span("a", None)], 5, taken={"a"}) == [span("a", 5)]


@st.composite
def timelines(draw: st.DrawFn) -> list[Span]:
    """Spans of one subject: in order, not overlapping."""
    ends = sorted(draw(st.sets(st.integers(0, 20), max_size=8)))
    targets = st.sampled_from(["a", "b", None])
    spans = []
    for since, until in pairwise(ends):
        if target := draw(targets):
            spans.append(span(target, since, until))
    if ends and (target := draw(targets)):
        spans.append(span(target, ends[-1]))
    return spans


undated = st.sampled_from("ab").map(lambda target: [span(target, None)])


@given(held=timelines(), stated=timelines() | undated, now=st.integers(0, 20))
def test_any_two_timelines(held: list[Span], stated: list[Span], now: int) -> None:
    moves = reconcile(held, stated, day(now))
    result = after(held, moves)

    # No two of them overlap.
    for earlier, later in pairwise(result):
        assert earlier.until is not None
        assert later.since is not None
        assert earlier.until <= later.since
    # What the file states holds, and after its first date nothing else does.
    if stated and stated[0].since is not None:
        assert [s for s in result if s.since is not None and s.since >= stated[0].since] == stated
    elif stated:
        assert result[-1].target == stated[0].target
        assert result[-1].until is None
    else:
        assert all(s.until is not None and s.until <= day(max(now, 0)) for s in result)
    # What was before is kept.
    first = stated[0].since if stated and stated[0].since else day(now)
    for old in held:
        if old.until is not None and old.until <= first:
            assert old in result or stated
    # Shrinking first, then growing, never overlaps: each new span meets the one it replaces.
    for old, new in moves.updates:
        if new is not None:
            assert new.target == old.target
            assert (new.since or day(-1)) < (old.until or day(99))
            assert (old.since or day(-1)) < (new.until or day(99))
    # The same file again, later, changes nothing.
    assert reconcile(result, stated, day(now + 1)) == Moves((), ())
