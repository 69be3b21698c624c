"""When it was used: exactly, whatever the window."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.counter.allot import EMPTY, allot
from metering.counter.judge import judge
from metering.counter.model import (
    GRAIN_US,
    MEASURED_US,
    Flag,
    Int64s,
    LoadShape,
    Origin,
    Path,
    Policy,
    Quarters,
    Ratio,
    Readings,
    Register,
    Step,
)
from tests.unit.metering.counter.histories import (
    BEGIN,
    EVER,
    HOUR_US,
    MINUTE_US,
    POLICIES,
    REGISTERS,
    SHANGHAI,
    WEEK,
    every_quarter,
    histories,
    ratio_pieces,
    readings_of,
)

KWH = Register(capacity=None, max_per_hour=100)
ONE = [Ratio(0, 1)]
SHAPES = st.sampled_from(
    [
        None,
        LoadShape(WEEK, SHANGHAI),
        LoadShape(WEEK, ZoneInfo("Europe/Berlin")),
        LoadShape(np.zeros(672, np.int64), SHANGHAI),
        LoadShape(None, SHANGHAI, ((BEGIN + 9 * GRAIN_US, WEEK),)),
        LoadShape(WEEK[::-1], SHANGHAI, ((BEGIN + HOUR_US, WEEK), (BEGIN + 9 * HOUR_US, None))),
    ]
)
Row = tuple[int, int, int, int, int]


def rows(quarters: Quarters) -> list[Row]:
    columns = (
        quarters.slot,
        quarters.micro,
        quarters.estimated,
        quarters.covered_s,
        quarters.flags,
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


def of(readings: Readings, path: Path | None = None, register: Register = KWH) -> list[Row]:
    return rows(allot(readings, path or judge(readings, register, Policy()), ONE, None, EVER))


def slow_rows(
    readings: Readings, path: Path, ratios: list[Ratio], shape: LoadShape | None
) -> list[Row]:
    """Quarter by quarter and cut by cut, in Python's numbers."""
    micro: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    kept = path.kept.tolist()
    for step in range(len(path.steps)):
        begin, end = int(readings.ts[kept[step]]), int(readings.ts[kept[step + 1]])
        if not path.known[step] or begin == end:
            continue
        cuts = {begin, end, *range(begin // GRAIN_US * GRAIN_US + GRAIN_US, end, GRAIN_US)}
        cuts |= {ratio.since for ratio in ratios if begin < ratio.since < end}
        flags = _flags(readings, path, step, end - begin)
        reached = 0
        for low, high in zip(sorted(cuts), sorted(cuts)[1:], strict=False):
            upto = _share(path, step, (begin, end), high, shape)
            worth = [r.micro_per_tick for r in ratios if r.since <= low] or [
                ratios[0].micro_per_tick
            ]
            row = micro[low // GRAIN_US * GRAIN_US]
            row[0] += (upto - reached) * worth[-1]
            row[1] += (upto - reached) * worth[-1] if end - begin > MEASURED_US else 0
            row[2] += high - low
            row[3] |= flags
            reached = upto
    for ratio in ratios[1:]:
        _add_flag(micro, ratio.since, Flag.RATIO_CHANGED)
    for index in set(range(len(readings))) - set(kept):
        _add_flag(micro, int(readings.ts[index]), Flag.SUSPECT_LEFT_OUT)
    return [
        (slot, row[0], row[1], max(row[2] // 1_000_000, 1), row[3])
        for slot, row in sorted(micro.items())
    ]


def _add_flag(micro: dict[int, list[int]], time: int, flag: Flag) -> None:
    slot = time // GRAIN_US * GRAIN_US
    if slot in micro:
        micro[slot][3] |= flag


def _flags(readings: Readings, path: Path, step: int, length: int) -> int:
    ends = {int(readings.origin[index]) for index in path.kept[step : step + 2]}
    flags = Flag.ENTERED if ends != {int(Origin.POLLED)} else Flag.NONE
    flags |= Flag.ESTIMATED if length > MEASURED_US else Flag.NONE
    flags |= Flag.ROLLOVER if path.steps[step] == Step.ROLLOVER else Flag.NONE
    flags |= Flag.RESET if path.steps[step] == Step.RESET else Flag.NONE
    return int(flags)


def _share(path: Path, step: int, ends: tuple[int, int], time: int, shape: LoadShape | None) -> int:
    (begin, end), booked, fine = ends, int(path.booked[step]), int(path.fine[step])
    part, whole = time - begin, end - begin
    weights = None if shape is None else shape.weights
    if shape is not None:
        for until, earlier in reversed(shape.earlier):
            weights = earlier if end <= until else weights
        if weights is not None and whole > MEASURED_US and _weight(begin, end, weights, shape.zone):
            part, whole = (_weight(begin, to, weights, shape.zone) for to in (time, end))
    size = abs(booked) * part // whole
    size -= size % fine if time < end else 0
    return size if booked >= 0 else -size


def _weight(begin: int, end: int, weights: Int64s, zone: ZoneInfo) -> int:
    total, time = 0, begin
    while time < end:
        quarter_end = min(time // GRAIN_US * GRAIN_US + GRAIN_US, end)
        local = datetime.fromtimestamp(time // 1_000_000, UTC).astimezone(zone)
        index = local.weekday() * 96 + local.hour * 4 + local.minute // 15
        total += int(weights[index]) * (quarter_end - time)
        time = quarter_end
    return total


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    readings=histories(15),
    register=REGISTERS,
    policy=POLICIES,
    ratios=ratio_pieces(),
    shape=SHAPES,
)
def test_it_is_what_quarter_by_quarter_gives(
    readings: Readings,
    register: Register,
    policy: Policy,
    ratios: list[Ratio],
    shape: LoadShape | None,
) -> None:
    path = judge(readings, register, policy)
    assert rows(allot(readings, path, ratios, shape, EVER)) == slow_rows(
        readings, path, ratios, shape
    )


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    readings=histories(30, on_grid=True),
    register=REGISTERS,
    policy=POLICIES,
    worth=st.integers(1, 10**9),
    shape=SHAPES,
    data=st.data(),
)
def test_the_quarters_between_two_accepted_readings_add_up_to_its_steps(
    *,
    readings: Readings,
    register: Register,
    policy: Policy,
    worth: int,
    shape: LoadShape | None,
    data: st.DataObject,
) -> None:
    path = judge(readings, register, policy)
    times = readings.ts[path.kept]
    ends = st.sampled_from([*times.tolist(), *EVER])
    low, high = sorted(data.draw(st.tuples(ends, ends)))
    quarters = allot(readings, path, [Ratio(0, worth)], shape, (low, high))
    inside = (times[:-1] >= low) & (times[1:] <= high)
    assert quarters.micro.sum() == path.booked[inside].sum() * worth
    estimated = inside & path.known & (np.diff(times) > MEASURED_US)
    assert quarters.estimated.sum() == path.booked[estimated].sum() * worth


@settings(max_examples=150, deadline=None, print_blob=True)
@given(
    readings=histories(25),
    register=REGISTERS,
    ratios=ratio_pieces(),
    shape=SHAPES,
    start=st.integers(-5, 400),
    length=st.integers(0, 400),
)
def test_what_a_quarter_gets_does_not_depend_on_the_window(
    *,
    readings: Readings,
    register: Register,
    ratios: list[Ratio],
    shape: LoadShape | None,
    start: int,
    length: int,
) -> None:
    path = judge(readings, register, Policy())
    window = (BEGIN + start * GRAIN_US, BEGIN + (start + length) * GRAIN_US)
    part = rows(allot(readings, path, ratios, shape, window))
    whole = rows(allot(readings, path, ratios, shape, EVER))
    assert part == [row for row in whole if window[0] <= row[0] < window[1]]


def test_readings_on_the_quarter_need_no_interpolation() -> None:
    assert of(every_quarter(100, 103, 103, 110)) == [
        (BEGIN, 3, 0, 900, 0),
        (BEGIN + GRAIN_US, 0, 0, 900, 0),
        (BEGIN + 2 * GRAIN_US, 7, 0, 900, 0),
    ]


def test_a_step_over_a_boundary_is_cut_in_whole_ticks_and_counts_as_measured() -> None:
    readings = readings_of([BEGIN - 5 * MINUTE_US, BEGIN + 10 * MINUTE_US], [0, 10])
    assert of(readings) == [(BEGIN - GRAIN_US, 3, 0, 300, 0), (BEGIN, 7, 0, 600, 0)]


def test_a_gap_is_estimated_and_no_tick_is_lost() -> None:
    readings = readings_of([BEGIN, BEGIN + 4 * GRAIN_US], [0, 10])
    assert [row[1:] for row in of(readings)] == [
        (2, 2, 900, Flag.ESTIMATED),
        (3, 3, 900, Flag.ESTIMATED),
        (2, 2, 900, Flag.ESTIMATED),
        (3, 3, 900, Flag.ESTIMATED),
    ]


def test_a_clock_a_few_seconds_late_does_not_make_a_gap() -> None:
    times = [BEGIN, BEGIN + GRAIN_US + 20_000_000, BEGIN + 2 * GRAIN_US]
    assert {row[4] for row in of(readings_of(times, [0, 9, 18]))} == {Flag.NONE}


def test_an_unknown_step_leaves_no_row() -> None:
    readings = every_quarter(*range(9), *range(9000, 9009))
    slots = [row[0] for row in of(readings)]
    assert BEGIN + 8 * GRAIN_US not in slots
    assert len(slots) == 16


def test_a_ratio_changes_inside_a_step_and_a_quarter() -> None:
    readings = readings_of([BEGIN, BEGIN + GRAIN_US], [0, 9])
    change = BEGIN + 5 * MINUTE_US
    path = judge(readings, KWH, Policy())
    quarters = allot(readings, path, [Ratio(0, 10), Ratio(change, 1000)], None, EVER)
    assert rows(quarters) == [(BEGIN, 3 * 10 + 6 * 1000, 0, 900, int(Flag.RATIO_CHANGED))]


def test_a_profile_spreads_a_gap_and_leaves_measured_steps_alone() -> None:
    weights = np.zeros(672, np.int64)
    weights[4 * 96 + 32] = 1  # Friday 08:00 to 08:15 in Shanghai: 00:00 UTC
    assert datetime.fromtimestamp(BEGIN // 1_000_000, UTC).weekday() == 4
    readings = readings_of(
        [BEGIN - GRAIN_US, BEGIN + HOUR_US, BEGIN + HOUR_US + GRAIN_US], [0, 70, 77]
    )
    path = judge(readings, KWH, Policy())
    quarters = allot(readings, path, ONE, LoadShape(weights, SHANGHAI), EVER)
    assert quarters.micro.tolist() == [0, 70, 0, 0, 0, 7]
    assert quarters.covered_s.tolist() == [900] * 6


@pytest.mark.parametrize(("day", "quarters"), [("2026-03-29", 92), ("2026-10-25", 100)])
def test_a_day_on_which_clocks_change_has_its_own_length(day: str, quarters: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    midnight = datetime.fromisoformat(day).replace(tzinfo=berlin)
    begin, end = (
        int(moment.timestamp()) * 1_000_000 for moment in (midnight, midnight + timedelta(days=1))
    )
    weights = np.where(np.arange(672) % 96 < 8, 0, 1).astype(np.int64)  # nothing from 0 to 2
    readings = readings_of([begin, end], [0, 2 * (quarters - 8)])
    path = judge(readings, KWH, Policy())
    allotted = allot(readings, path, ONE, LoadShape(weights, berlin), EVER)
    assert allotted.micro.tolist() == [0] * 8 + [2] * (quarters - 8)


def test_ticks_times_microseconds_may_pass_what_a_machine_word_holds() -> None:
    year = 365 * 24 * HOUR_US
    readings = readings_of([BEGIN, BEGIN + year], [0, 2**45 + 1])
    path = judge(readings, Register(None, 2**40), Policy())
    micro = allot(readings, path, ONE, None, EVER).micro
    assert micro.sum() == 2**45 + 1
    assert micro[0] == (2**45 + 1) * GRAIN_US // year
    assert micro.max() - micro.min() == 1


def test_quantities_no_machine_word_holds_are_refused() -> None:
    readings = every_quarter(0, 2**30)
    path = judge(readings, Register(None, 2**40), Policy())
    with pytest.raises(ValueError, match="pass 2\\*\\*62 millionths: check the ratio"):
        allot(readings, path, [Ratio(0, 2**40)], None, EVER)


@pytest.mark.parametrize(
    ("ratios", "window", "said"),
    [
        ([], EVER, "no ratio"),
        ([Ratio(5, 1), Ratio(5, 2)], EVER, "not in the order of their time"),
        (ONE, (BEGIN + 1, EVER[1]), "whole quarter hours"),
    ],
)
def test_what_makes_no_sense_is_refused(
    ratios: list[Ratio], window: tuple[int, int], said: str
) -> None:
    readings = every_quarter(0, 1)
    with pytest.raises(ValueError, match=said):
        allot(readings, judge(readings, KWH, Policy()), ratios, None, window)


@pytest.mark.parametrize("readings", [readings_of([], []), every_quarter(5)])
def test_fewer_than_two_readings_book_nothing(readings: Readings) -> None:
    assert of(readings) == rows(EMPTY)


def test_a_window_beside_the_readings_is_empty() -> None:
    readings = every_quarter(0, 1, 2)
    path = judge(readings, KWH, Policy())
    for window in (
        (BEGIN - HOUR_US, BEGIN),
        (BEGIN + HOUR_US, BEGIN + 2 * HOUR_US),
        (BEGIN, BEGIN),
    ):
        assert rows(allot(readings, path, ONE, None, window)) == []


@pytest.mark.parametrize(("until", "spread"), [(0, [10, 0]), (1, [5, 5])])
def test_a_gap_that_ends_when_the_profile_changes_is_spread_by_the_one_before(
    until: int, spread: list[int]
) -> None:
    end = BEGIN + 2 * GRAIN_US
    readings = readings_of([BEGIN, end], [0, 10])
    weights = np.zeros(672, np.int64)
    weights[4 * 96 + 32] = 1  # Friday 08:00 in Shanghai: BEGIN
    shape = LoadShape(weights, SHANGHAI, ((end - 1 + until, None),))
    quarters = allot(readings, judge(readings, KWH, Policy()), ONE, shape, EVER)
    assert quarters.micro.tolist() == spread
