from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.hold import Samples, by_quarter, clip, holds, of_one, runs
from tests.unit.metering.gauge.samples import (
    MIDNIGHT,
    SECOND,
    Reading,
    as_rows,
    one,
    readings,
    samples,
)

SILENCE = 900 * SECOND
FEW = st.sampled_from([0.0, 1.0, 2.0])


def test_a_value_holds_until_the_next() -> None:
    found = holds(one((0, 1.0), (60, 2.0), (100, 3.0)), SILENCE)
    assert as_rows(found) == [(0, 0, 60, 1.0), (0, 60, 100, 2.0), (0, 100, 1000, 3.0)]


def test_a_value_holds_at_most_for_the_longest_silence() -> None:
    found = holds(one((0, 1.0), (900, 1.0), (1801, 1.0)), SILENCE)
    assert [(since, until) for _, since, until, _ in as_rows(found)] == [
        (0, 900),
        (900, 1800),  # the second until 1801 is unknown
        (1801, 2701),
    ]


def test_a_reading_without_a_value_ends_the_hold_and_is_not_zero() -> None:
    found = holds(one((0, 5.0), (10, None), (20, 6.0)), SILENCE)
    assert as_rows(found) == [(0, 0, 10, 5.0), (0, 20, 920, 6.0)]


def test_infinity_is_no_value_either() -> None:
    assert len(holds(one((0, float("inf")), (1, float("-inf"))), SILENCE)) == 0


def test_subjects_do_not_end_each_others_holds() -> None:
    found = holds(samples([(1, 0, 1.0), (2, 5 * SECOND, 2.0)]), SILENCE)
    assert as_rows(found) == [(1, 0, 900, 1.0), (2, 5, 905, 2.0)]


def test_each_subject_may_have_its_own_silence() -> None:
    both = samples([(1, 0, 1.0), (2, 0, 2.0)])
    found = holds(both, np.array([10, 20]) * SECOND)
    assert as_rows(found) == [(1, 0, 10, 1.0), (2, 0, 20, 2.0)]


@pytest.mark.parametrize("silence", [0, -1])
def test_a_silence_must_be_above_zero(silence: int) -> None:
    with pytest.raises(ValueError, match="silence must be above 0"):
        holds(one((0, 1.0)), silence)


@pytest.mark.parametrize(("subject", "ts"), [([1, 0], [0, 0]), ([0, 0], [1, 0]), ([0, 0], [1, 1])])
def test_readings_out_of_order_are_refused(subject: list[int], ts: list[int]) -> None:
    wrong = Samples(np.array(subject), np.array(ts), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="reading 1 of subject"):
        holds(wrong, SILENCE)


def test_runs_join_equal_values_that_touch() -> None:
    found = runs(one((0, 1.0), (60, 1.0), (120, 0.0), (180, 1.0)), SILENCE)
    assert as_rows(found) == [(0, 0, 120, 1.0), (0, 120, 180, 0.0), (0, 180, 1080, 1.0)]


def test_runs_do_not_bridge_what_is_unknown() -> None:
    found = runs(one((0, 1.0), (901, 1.0), (960, None), (1020, 1.0)), SILENCE)
    assert as_rows(found) == [(0, 0, 900, 1.0), (0, 901, 960, 1.0), (0, 1020, 1920, 1.0)]


def test_runs_do_not_join_subjects() -> None:
    found = runs(samples([(1, 0, 1.0), (2, SILENCE, 1.0)]), SILENCE)
    assert len(found) == 2


@given(readings(FEW), st.sampled_from([1, 60 * SECOND, SILENCE, 4 * SILENCE]))
def test_runs_are_the_holds_joined(found: list[Reading], silence: int) -> None:
    parts, joined = holds(samples(found), silence), runs(samples(found), silence)
    total = (parts.until - parts.since).sum()
    assert (joined.until - joined.since).sum() == total
    neighbours = zip(as_rows(joined), as_rows(joined)[1:], strict=False)
    for (subject, _, until, value), (other, since, _, following) in neighbours:
        assert (subject, until, value) != (other, since, following)
    for subject, since, until, value in as_rows(parts):
        assert any(
            s == subject and a <= since and until <= b and v == value
            for s, a, b, v in as_rows(joined)
        )


@given(readings(FEW), st.sampled_from([1, SILENCE, 4 * SILENCE + 1]))
def test_pieces_are_the_holds_and_lie_each_in_one_quarter(
    found: list[Reading], silence: int
) -> None:
    whole = holds(samples(found), silence)
    pieces = by_quarter(whole)
    assert (pieces.since // SILENCE == (pieces.until - 1) // SILENCE).all()
    assert (pieces.since < pieces.until).all()
    assert (pieces.until - pieces.since).sum() == (whole.until - whole.since).sum()
    rejoined = by_quarter(pieces)
    assert as_rows(rejoined) == as_rows(pieces)


def test_clip_keeps_what_lies_within() -> None:
    found = holds(one((0, 1.0), (900, 2.0), (1800, 3.0)), SILENCE)
    begin = np.full(3, MIDNIGHT + 450 * SECOND)
    end = np.full(3, MIDNIGHT + 1800 * SECOND)
    assert as_rows(clip(found, begin, end)) == [(0, 450, 900, 1.0), (0, 900, 1800, 2.0)]


def test_nothing_gives_nothing() -> None:
    nothing = of_one(np.empty(0, np.int64), np.empty(0))
    assert len(holds(nothing, SILENCE)) == 0
    assert len(runs(nothing, SILENCE)) == 0
    assert len(by_quarter(holds(nothing, SILENCE))) == 0
