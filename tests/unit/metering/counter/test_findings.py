"""What is not ordinary, and what was made of it."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings

from metering.counter.findings import findings
from metering.counter.judge import judge
from metering.counter.model import GRAIN_US, MEASURED_US, Finding, Policy, Readings, Register, Step
from tests.unit.metering.counter.histories import (
    BEGIN,
    HOUR_US,
    POLICIES,
    REGISTERS,
    every_quarter,
    histories,
    readings_of,
)

KWH = Register(capacity=None, max_per_hour=100)


def found(
    readings: Readings, policy: Policy | None = None, register: Register = KWH
) -> list[Finding]:
    policy = policy or Policy()
    listed = findings(readings, judge(readings, register, policy), policy)
    return [one for one in listed if one.kind != "first"]


def at(index: int) -> int:
    return BEGIN + GRAIN_US * index


@settings(max_examples=300, deadline=None, print_blob=True)
@given(readings=histories(30), register=REGISTERS, policy=POLICIES)
def test_every_odd_reading_and_step_is_found_once(
    readings: Readings, register: Register, policy: Policy
) -> None:
    path = judge(readings, register, policy)
    listed = findings(readings, path, policy)
    kinds = Counter(finding.kind for finding in listed)
    times = readings.ts[path.kept]
    assert kinds["first"] == (len(readings) > 0)
    for kind, step in (("reset", Step.RESET), ("jump", Step.JUMP), ("rollover", Step.ROLLOVER)):
        assert kinds[kind] == (path.steps == step).sum()
    assert kinds["gap"] == (path.known & (times[1:] - times[:-1] > MEASURED_US)).sum()
    left_out = sorted(set(range(len(readings))) - set(path.kept.tolist()))
    groups = [f for f in listed if f.kind in {"dip", "spike", "suspect", "backwards"}]
    for index in left_out:
        time = int(readings.ts[index])
        assert sum(group.ts <= time <= group.until for group in groups) == 1
    # A row of counter_finding each.
    assert len({(finding.ts, finding.kind) for finding in listed}) == len(listed)
    assert listed == sorted(listed, key=lambda finding: finding.ts)


def test_the_first_reading_is_where_counting_begins() -> None:
    policy = Policy()
    readings = every_quarter(56_842, 56_843)
    assert findings(readings, judge(readings, KWH, policy), policy) == [
        Finding("first", at(0), at(0), before=None, after=56_842, ticks=None)
    ]
    assert findings(readings_of([], []), judge(readings_of([], []), KWH, policy), policy) == []


def test_a_dip_and_a_spike_side_by_side_are_two() -> None:
    odd = every_quarter(*range(100, 106), 3, 4, 900, *range(106, 112))
    assert found(odd) == [
        Finding("gap", at(5), at(9), before=105, after=106, ticks=1),
        Finding("dip", at(6), at(7), before=105, after=3, ticks=0),
        Finding("spike", at(8), at(8), before=105, after=900, ticks=0),
    ]


def test_before_the_first_accepted_reading_the_one_behind_tells() -> None:
    policy = Policy()
    readings = every_quarter(0, 900, *range(100, 106))
    listed = findings(readings, judge(readings, KWH, policy), policy)
    assert [(one.kind, one.before) for one in listed] == [
        ("dip", None),
        ("spike", None),
        ("first", None),
    ]


def test_at_the_live_end_nothing_is_said_of_what_will_come() -> None:
    assert found(every_quarter(*range(100, 110), 3, 4)) == [
        Finding("suspect", at(10), at(11), before=109, after=3, ticks=None)
    ]


def test_falling_and_falling_is_running_backwards() -> None:
    falling = every_quarter(*range(100, 106), *range(104, 98, -1), 107)
    assert [one.kind for one in found(falling)] == ["gap", "backwards"]


def test_a_low_level_that_stands_is_a_dip() -> None:
    low = every_quarter(*range(100, 112), *[50] * 6, *range(112, 124))
    assert [one.kind for one in found(low)] == ["gap", "dip"]


def test_a_long_rollover_is_a_gap_too() -> None:
    readings = readings_of([BEGIN, BEGIN + HOUR_US], [990, 12])
    register = Register(1000, 100)
    assert found(readings, register=register) == [
        Finding("gap", BEGIN, BEGIN + HOUR_US, before=990, after=12, ticks=22),
        Finding("rollover", BEGIN, BEGIN + HOUR_US, before=990, after=12, ticks=22),
    ]


def test_an_unknown_step_is_no_gap() -> None:
    readings = every_quarter(*range(6), *range(9000, 9006))
    assert found(readings) == [Finding("jump", at(5), at(6), before=5, after=9000, ticks=None)]


def test_standing_still_is_found_only_when_asked_for() -> None:
    still = every_quarter(1, 2, *[3] * 9, 4)
    assert found(still) == []
    assert found(still, Policy(stuck_us=2 * HOUR_US)) == [
        Finding("stuck", at(2), at(10), before=3, after=3, ticks=0)
    ]
    assert found(still, Policy(stuck_us=2 * HOUR_US + 1)) == []
