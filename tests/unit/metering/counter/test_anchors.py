"""Readings that count whatever comes: how far a change reaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from metering.counter.anchors import anchors, reach
from metering.counter.judge import judge
from metering.counter.model import GRAIN_US, Origin, Policy, Quarters, Ratio, Readings, Register
from metering.counter.series import Series, quarters_of
from tests.unit.metering.counter.histories import (
    BEGIN,
    EVER,
    HOUR_US,
    MINUTE_US,
    POLICIES,
    REGISTERS,
    SHANGHAI,
    STEADY_REGISTERS,
    WEEK,
    every_quarter,
    histories,
    ratio_pieces,
    readings_of,
)

KWH = Register(capacity=None, max_per_hour=100)
FEW = st.builds(Policy, confirm_readings=st.integers(1, 3))
SLOW = settings(max_examples=120, deadline=None, print_blob=True)


def chained(*parts: Readings) -> Readings:
    """The parts one behind the other, a quarter hour between them."""
    shifted, end = [], BEGIN
    for part in parts:
        if len(part):
            shifted.append(replace(part, ts=part.ts - part.ts[0] + end + GRAIN_US))
            end = int(shifted[-1].ts[-1])
    if not shifted:
        return readings_of([], [])
    return Readings(
        np.concatenate([part.ts for part in shifted]),
        np.concatenate([part.ticks for part in shifted]),
        np.concatenate([part.origin for part in shifted]),
    )


def kept(readings: Readings, register: Register, policy: Policy) -> set[int]:
    return set(judge(readings, register, policy).kept.tolist())


def found(readings: Readings, policy: Policy, register: Register = KWH) -> list[int]:
    which: list[int] = np.flatnonzero(anchors(readings, register, policy)).tolist()
    return which


def test_in_a_run_more_than_n_readings_stand_on_each_side() -> None:
    # N = 4, each weighs 1, the first and the last one half: nobody knows what is next to them.
    assert found(every_quarter(*range(12)), Policy()) == [5, 6]


def test_a_run_of_two_n_and_two_readings_has_none() -> None:
    assert found(every_quarter(*range(10)), Policy()) == []
    assert found(every_quarter(*range(11)), Policy()) == [5]


def test_dense_readings_have_51_minutes_on_each_side() -> None:
    minutes = readings_of([BEGIN + MINUTE_US * at for at in range(180)], range(180))
    assert found(minutes, Policy()) == [*range(52, 128)]
    seconds = readings_of([BEGIN + MINUTE_US // 60 * at for at in range(7200)], range(7200))
    inside = found(seconds, Policy(), Register(None, 4000))
    assert (inside[0], inside[-1]) == (3087, 7199 - 3087)


def test_a_long_silence_weighs_as_much_as_n_readings() -> None:
    day = 24 * HOUR_US
    daily = readings_of([BEGIN + day * index for index in range(5)], [10, 20, 30, 40, 50])
    assert found(daily, Policy()) == [2]


def test_a_doubtful_step_begins_a_new_run() -> None:
    levels = [*range(10), *range(5000, 5010)]
    assert found(every_quarter(*levels), Policy()) == [5, 14]


def test_a_rollover_does_not() -> None:
    register = Register(capacity=1000, max_per_hour=100)
    turning = every_quarter(995, 996, 997, 998, 999, 0, 1, 2, 3, 4, 5)
    assert found(turning, Policy(), register) == [5]


def test_what_a_person_entered_is_one() -> None:
    origin = [Origin.POLLED, Origin.ENTERED, Origin.POLLED]
    assert found(readings_of([BEGIN, BEGIN + 1, BEGIN + 2], [5, 900, 6], origin), Policy()) == [1]


def test_nothing_has_none() -> None:
    assert found(readings_of([], []), Policy()) == []


@SLOW
@given(
    before=histories(10),
    middle=histories(25),
    behind=histories(10),
    register=STEADY_REGISTERS,
    policy=FEW,
)
def test_an_anchor_counts_whatever_stands_around(
    before: Readings, middle: Readings, behind: Readings, register: Register, policy: Policy
) -> None:
    inside = np.flatnonzero(anchors(middle, register, policy)) + len(before)
    assume(len(inside))
    whole = chained(before, middle, behind)
    assert set(inside.tolist()) <= kept(whole, register, policy)


@SLOW
@given(
    head=histories(25),
    one=histories(12),
    other=histories(12),
    register=STEADY_REGISTERS,
    policy=FEW,
)
def test_what_comes_behind_an_anchor_changes_nothing_before_it(
    head: Readings, one: Readings, other: Readings, register: Register, policy: Policy
) -> None:
    fixed = np.flatnonzero(anchors(head, register, policy))
    assume(len(fixed))
    until = set(range(int(fixed[-1]) + 1))
    with_one = kept(chained(head, one), register, policy)
    assert with_one & until == kept(chained(head, other), register, policy) & until


@SLOW
@given(
    one=histories(12),
    other=histories(12),
    tail=histories(25),
    register=STEADY_REGISTERS,
    policy=FEW,
)
def test_what_comes_before_an_anchor_changes_nothing_behind_it(
    one: Readings, other: Readings, tail: Readings, register: Register, policy: Policy
) -> None:
    fixed = np.flatnonzero(anchors(tail, register, policy))
    assume(len(fixed))
    behind = set(range(int(fixed[0]), len(tail)))
    after_one = {index - len(one) for index in kept(chained(one, tail), register, policy)}
    after_other = {index - len(other) for index in kept(chained(other, tail), register, policy)}
    assert after_one & behind == after_other & behind


@SLOW
@given(readings=histories(40), register=REGISTERS, policy=POLICIES, data=st.data())
def test_judging_between_two_anchors_gives_the_same(
    readings: Readings, register: Register, policy: Policy, data: st.DataObject
) -> None:
    fixed = np.flatnonzero(anchors(readings, register, policy)).tolist()
    assume(len(fixed) > 1)
    start, end = sorted(data.draw(st.lists(st.sampled_from(fixed), min_size=2, max_size=2)))
    whole = judge(readings, register, policy)
    part = judge(readings.part(start, end + 1), register, policy)
    inside = (whole.kept >= start) & (whole.kept <= end)
    np.testing.assert_array_equal(part.kept + start, whole.kept[inside])
    steps = np.flatnonzero(inside)[:-1]
    np.testing.assert_array_equal(part.booked, whole.booked[steps])
    np.testing.assert_array_equal(part.steps, whole.steps[steps])
    np.testing.assert_array_equal(part.known, whole.known[steps])


def rows(quarters: Quarters, window: tuple[int, int]) -> list[tuple[int, ...]]:
    columns = (
        quarters.slot,
        quarters.micro,
        quarters.estimated,
        quarters.covered_s,
        quarters.flags,
    )
    table = zip(*(column.tolist() for column in columns), strict=True)
    return [row for row in table if window[0] <= row[0] < window[1]]


def changed(readings: Readings, other: Readings, start: int, stop: int) -> Readings:
    """The readings with others in place of a stretch of them, between the same neighbours."""
    low = int(readings.ts[start - 1]) if start else BEGIN
    high = int(readings.ts[stop]) if stop < len(readings) else EVER[1] - GRAIN_US
    ts = low + 1 + (other.ts - BEGIN) % max(high - low - 1, 1)
    ts, first = np.unique(ts, return_index=True)
    inside = (ts > low) & (ts < high)
    return Readings(
        np.concatenate((readings.ts[:start], ts[inside], readings.ts[stop:])),
        np.concatenate((readings.ticks[:start], other.ticks[first][inside], readings.ticks[stop:])),
        np.concatenate(
            (readings.origin[:start], other.origin[first][inside], readings.origin[stop:])
        ),
    )


@SLOW
@given(
    readings=histories(45, shortest=12, calm=4) | histories(45, shortest=12, calm=4, on_grid=True),
    other=histories(6, shortest=1, people=False),
    register=REGISTERS,
    policy=FEW,
    ratios=ratio_pieces(),
    shaped=st.booleans(),
    data=st.data(),
)
def test_computing_again_as_far_as_a_change_reaches_is_computing_all(
    *,
    readings: Readings,
    other: Readings,
    register: Register,
    policy: Policy,
    ratios: list[Ratio],
    shaped: bool,
    data: st.DataObject,
) -> None:
    # Readings of one time are changed together.
    cuts = [0, *(np.flatnonzero(np.diff(readings.ts)) + 1).tolist(), len(readings)]
    at = data.draw(st.integers(0, len(cuts) - 1))
    start, stop = cuts[at], cuts[min(at + data.draw(st.integers(0, 4)), len(cuts) - 1)]
    after = changed(readings, other, start, stop)
    times = np.setxor1d(readings.ts, after.ts).tolist()
    times += readings.ts[start:stop].tolist()
    assume(times)
    change = (int(min(times)), int(max(times)))
    first = int(np.searchsorted(after.ts, change[0]))
    behind = int(np.searchsorted(after.ts, change[1], side="right"))
    low = data.draw(st.sampled_from([0, max(first - 15, 0), max(first - 5, 0)]))
    high = data.draw(st.sampled_from([behind, behind + 5, behind + 15]))
    high = min(high, len(after))
    span = after.part(low, high)
    far = reach(span, register, policy, change, (low == 0, high == len(after)))
    if far is None:
        span = after
        far = reach(span, register, policy, change, (True, True))
    assert far is not None
    earlier = ((BEGIN + 20 * GRAIN_US, None),)
    everything = Series(after, register, ratios)
    if shaped:
        everything = replace(everything, weights=WEEK, weights_before=earlier)
    part = replace(everything, readings=span.part(far.start, far.stop), opening=far.opening)
    old, old_findings = quarters_of(replace(everything, readings=readings), policy, SHANGHAI, EVER)
    full, full_findings = quarters_of(everything, policy, SHANGHAI, EVER)
    again, findings = quarters_of(part, policy, SHANGHAI, far.window)
    assert rows(again, EVER) == rows(full, far.window)
    inside = [f for f in full_findings if far.window[0] <= f.ts < far.window[1]]
    assert findings == inside
    for side in ((EVER[0], far.window[0]), (far.window[1], EVER[1])):
        assert rows(old, side) == rows(full, side)
        assert [f for f in old_findings if side[0] <= f.ts < side[1]] == [
            f for f in full_findings if side[0] <= f.ts < side[1]
        ]


def test_far_from_both_ends_a_change_reaches_a_few_readings() -> None:
    readings = every_quarter(*range(1000))
    at = int(readings.ts[500])
    far = reach(readings, KWH, Policy(), (at, at), (False, False))
    assert far is not None
    # The last anchor before reading 500 has five readings behind it: 494; it begins a quarter,
    # which is computed from the anchor before.
    assert (far.start, far.stop) == (493, 507)
    assert far.window == (int(readings.ts[494]), int(readings.ts[506]))
    assert not far.opening


@pytest.mark.parametrize("changed_at", [3, 8])
def test_a_reset_on_the_quarter_is_told_of_again_when_a_change_reaches_it(changed_at: int) -> None:
    origin = [0] * 6 + [int(Origin.RESET)] + [0] * 6
    ticks = [*range(6), *range(7)]
    times = [BEGIN + GRAIN_US * at for at in range(13)]
    readings = readings_of(times, ticks, origin)
    change = (times[changed_at], times[changed_at])
    far = reach(readings, KWH, Policy(), change, (True, True))
    assert far is not None
    part = Series(readings.part(far.start, far.stop), KWH, [Ratio(0, 1)], opening=far.opening)
    _, found = quarters_of(part, Policy(), SHANGHAI, far.window)
    assert far.window[0] <= times[6] < far.window[1]
    assert [one.before for one in found if one.kind == "entered"] == [5]


@pytest.mark.parametrize(("came", "first"), [([8, 9], 0), ([900], 1)])
def test_what_comes_before_an_entered_reading_on_the_quarter_decides_whether_it_is_first(
    came: list[int], first: int
) -> None:
    # What came follows plausibly, or is left out.
    times = [BEGIN + GRAIN_US * at for at in range(-len(came), 12)]
    origin = [0] * len(came) + [int(Origin.ENTERED)] + [0] * 11
    readings = readings_of(times, [*came, *range(10, 22)], origin)
    far = reach(readings, KWH, Policy(), (times[0], times[0]), (True, True))
    assert far is not None
    assert far.window[0] <= BEGIN < far.window[1]
    part = Series(readings.part(far.start, far.stop), KWH, [Ratio(0, 1)], opening=far.opening)
    _, found = quarters_of(part, Policy(), SHANGHAI, far.window)
    assert [one.ts for one in found if one.kind == "first"] == [times[first]]


def test_of_readings_a_minute_apart_a_change_reaches_an_hour() -> None:
    readings = readings_of([BEGIN + MINUTE_US * at for at in range(1000)], range(1000))
    at = int(readings.ts[500])
    far = reach(readings, KWH, Policy(), (at, at), (False, False))
    assert far is not None
    # From the begin of the anchor's quarter, and the anchor before, to the end of the other's.
    assert (far.start, far.stop) == (434, 556)
    assert far.window == (BEGIN + 435 * MINUTE_US, BEGIN + 555 * MINUTE_US)


def test_too_short_a_span_says_look_farther() -> None:
    readings = every_quarter(*range(7))
    at = int(readings.ts[3])
    assert reach(readings, KWH, Policy(), (at, at), (False, True)) is None
    assert reach(readings, KWH, Policy(), (at, at), (True, False)) is None
    far = reach(readings, KWH, Policy(), (at, at), (True, True))
    assert far is not None
    assert (far.start, far.stop, far.opening) == (0, 7, True)


def test_readings_may_all_be_gone() -> None:
    far = reach(readings_of([], []), KWH, Policy(), (BEGIN + 1, BEGIN + 1), (True, True))
    assert far is not None
    assert far.window == (BEGIN, BEGIN + GRAIN_US)
