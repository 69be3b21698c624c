"""One device's time at a meter, and several devices one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.counter.allot import EMPTY
from metering.counter.model import (
    GRAIN_US,
    Finding,
    Flag,
    Int64s,
    Origin,
    Policy,
    Quarters,
    Ratio,
    Readings,
    Register,
)
from metering.counter.series import Series, merge, quarters_of
from tests.unit.metering.counter.histories import (
    BEGIN,
    EVER,
    HOUR_US,
    MINUTE_US,
    REGISTERS,
    SHANGHAI,
    WEEK,
    every_quarter,
    histories,
    ratio_pieces,
    readings_of,
)

KWH = Register(capacity=None, max_per_hour=100)
KWH_1000 = Register(capacity=None, max_per_hour=1000)
ONE = [Ratio(0, 1)]


def of(series: Series, window: tuple[int, int] = EVER) -> tuple[Quarters, list[Finding]]:
    return quarters_of(series, Policy(), SHANGHAI, window)


def booked(readings: Readings) -> dict[int, int]:
    quarters, _ = of(Series(readings, KWH, ONE))
    return dict(zip(quarters.slot.tolist(), quarters.micro.tolist(), strict=True))


def year_of_quarters(zone: ZoneInfo) -> Readings:
    """A counter on the quarter hour through 2026 in a zone; each quarter books its number."""
    begin = datetime(2026, 1, 1, tzinfo=zone).timestamp()
    end = datetime(2027, 1, 1, tzinfo=zone).timestamp()
    ts = np.arange(int(begin), int(end) + 1, 900, dtype=np.int64) * 1_000_000
    return Readings(ts, np.cumsum(np.arange(len(ts)) % 25), np.zeros(len(ts), np.int8))


def between(readings: Readings, begin: datetime, end: datetime) -> tuple[int, int]:
    """What the quarters of a span add up to, and what the counter shows for it."""
    low, high = (int(moment.timestamp()) * 1_000_000 for moment in (begin, end))
    quarters, _ = of(Series(readings, KWH, ONE), (low, high))
    first, last = np.searchsorted(readings.ts, [low, high])
    return int(quarters.micro.sum()), int(readings.ticks[last] - readings.ticks[first])


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "UTC"])
def test_case_38_calendar_months_are_what_the_counter_gained(zone: str) -> None:
    where = ZoneInfo(zone)
    readings = year_of_quarters(where)
    for month in range(1, 13):
        begin = datetime(2026, month, 1, tzinfo=where)
        end = datetime(2026 + month // 12, month % 12 + 1, 1, tzinfo=where)
        quarters, counter = between(readings, begin, end)
        assert quarters == counter > 0


@pytest.mark.parametrize(("zone", "day"), [("Asia/Shanghai", 1), ("Europe/Berlin", 29)])
def test_case_37_39_40_hours_and_local_days_are_what_the_counter_gained(
    zone: str, day: int
) -> None:
    where = ZoneInfo(zone)
    readings = year_of_quarters(where)
    midnight = datetime(2026, 3, day, tzinfo=where)
    hours = 0
    for hour in range(24):
        begin = midnight + timedelta(hours=hour)
        quarters, counter = between(readings, begin, begin + timedelta(hours=1))
        assert quarters == counter
        hours += quarters
    assert hours == between(readings, midnight, midnight + timedelta(days=1))[1]


@pytest.mark.parametrize("reading_day", [1, 15, 26])
def test_case_41_a_bill_may_begin_on_any_day(reading_day: int) -> None:
    readings = year_of_quarters(SHANGHAI)
    begin = datetime(2026, 4, reading_day, tzinfo=SHANGHAI)
    quarters, counter = between(readings, begin, begin.replace(month=6))
    assert quarters == counter > 0


def test_case_34_a_late_reading_moves_energy_between_quarters_and_not_the_total() -> None:
    early = readings_of([BEGIN, BEGIN + HOUR_US], [0, 40])
    late = readings_of([BEGIN, BEGIN + 2 * GRAIN_US, BEGIN + HOUR_US], [0, 36, 40])
    assert list(booked(early).values()) == [10, 10, 10, 10]
    assert list(booked(late).values()) == [18, 18, 2, 2]


def test_case_36_a_time_stands_once() -> None:
    with pytest.raises(ValueError, match="keep one of each time"):
        of(Series(readings_of([BEGIN, BEGIN], [1, 2]), KWH, ONE))


@settings(max_examples=100, deadline=None, print_blob=True)
@given(readings=histories(25, on_grid=True), register=REGISTERS, ratios=ratio_pieces())
def test_case_28_the_same_again_is_the_same(
    readings: Readings, register: Register, ratios: list[Ratio]
) -> None:
    series = Series(readings, register, ratios, WEEK)
    one, findings = of(series)
    other, again = of(replace(series, weights=WEEK.copy()))
    assert [column.tolist() for column in columns(one)] == [c.tolist() for c in columns(other)]
    assert findings == again


def columns(quarters: Quarters) -> list[Int64s]:
    return [
        column.astype(np.int64)
        for column in (
            quarters.slot,
            quarters.micro,
            quarters.estimated,
            quarters.covered_s,
            quarters.flags,
        )
    ]


@pytest.mark.parametrize("fine", [1, 10])
def test_a_spike_on_the_last_reading_before_the_register_changes_loses_nothing(fine: int) -> None:
    levels = [*range(0, 1000, 100), 9_000_000, *range(1100, 2000, 100)]
    change = BEGIN + 11 * GRAIN_US  # just behind the spike, at the next reading
    register = Register(1_000_000, 1000 // fine, fine=fine, earlier=((change - 1, KWH_1000),))
    quarters, found = of(Series(every_quarter(*levels), register, ONE))
    assert quarters.micro.sum() == 1900
    assert [(one.kind, one.micro) for one in found] == [("first", None), ("gap", 200), ("spike", 0)]


def test_a_spike_on_the_last_reading_before_the_load_profile_changes_loses_nothing() -> None:
    levels = [*range(10), 9_000_000, *range(11, 20)]
    series = Series(every_quarter(*levels), KWH, ONE, WEEK, ((BEGIN + 10 * GRAIN_US + 1, None),))
    assert of(series)[0].micro.sum() == 19


def test_a_step_over_a_change_is_judged_and_spread_by_what_held_at_its_end() -> None:
    readings = readings_of([BEGIN + at * HOUR_US for at in range(8)], [*range(0, 160, 20)])
    change = BEGIN + 3 * HOUR_US + 1
    slow = Register(None, 10, earlier=((change, KWH),))
    _, found = of(Series(readings, slow, ONE))
    assert [one.kind for one in found] == ["first", "gap", "gap", "gap", "suspect"]
    coarse = Register(None, 100, fine=10, earlier=((change, KWH),))
    quarters, _ = of(Series(readings, coarse, ONE))
    assert quarters.micro[:16].tolist() == [5] * 12 + [0, 10, 0, 10]


def test_what_is_said_of_later_moves_nothing_earlier() -> None:
    # A register that is finer from some time on: readings are given in its ticks, and the
    # quarter hours before get what they got without it.
    ticks = [0, 7, 11, 29]
    times = [BEGIN, BEGIN + 50 * MINUTE_US, BEGIN + 2 * HOUR_US, BEGIN + 5 * HOUR_US]
    before, _ = of(Series(readings_of(times, ticks), KWH, [Ratio(0, 10)]))
    finer = Register(None, 1000, earlier=((times[-1], replace(KWH, fine=10)),))
    after, _ = of(Series(readings_of(times, [10 * one for one in ticks]), finer, [Ratio(0, 1)]))
    assert after.micro.tolist() == before.micro.tolist()


def test_readings_outside_the_binding_do_not_count() -> None:
    readings = every_quarter(0, 9, 18, 27, 36)
    series = Series(readings, KWH, ONE, begin=BEGIN + GRAIN_US, end=BEGIN + 3 * GRAIN_US)
    quarters, findings = of(series)
    assert quarters.slot.tolist() == [BEGIN + GRAIN_US, BEGIN + 2 * GRAIN_US]
    assert [(one.kind, one.ts, one.after) for one in findings] == [("first", BEGIN + GRAIN_US, 9)]


def test_where_a_device_begins_and_ends_is_flagged() -> None:
    readings = every_quarter(0, 9, 18, 27, 36)
    quarters, _ = of(Series(readings, KWH, ONE, begin=BEGIN, end=BEGIN + 3 * GRAIN_US))
    replaced = quarters.flags & Flag.REPLACED != 0
    assert replaced.tolist() == [True, False, True]


def test_from_an_anchor_on_there_is_no_first_reading() -> None:
    _, findings = of(Series(every_quarter(1, 2), KWH, ONE, opening=False))
    assert findings == []


def test_a_finding_has_its_worth_across_a_change_of_ratio() -> None:
    readings = readings_of([BEGIN, BEGIN + GRAIN_US, BEGIN + HOUR_US], [0, 5, 20])
    ratios = [Ratio(0, 10), Ratio(BEGIN + 2 * GRAIN_US, 1000)]
    quarters, findings = of(Series(readings, KWH, ratios))
    gap = findings[1]
    assert (gap.kind, gap.ticks, gap.micro) == ("gap", 15, 5 * 10 + 10 * 1000)
    assert quarters.estimated.sum() == gap.micro


def test_the_worth_of_a_gap_behind_an_entered_reset_is_its_own() -> None:
    origin = [Origin.POLLED, Origin.ENTERED, Origin.RESET, Origin.POLLED]
    times = [BEGIN, BEGIN + MINUTE_US, BEGIN + MINUTE_US, BEGIN + HOUR_US]
    _, findings = of(Series(readings_of(times, [7, 8, 0, 30], origin), KWH, [Ratio(0, 3)]))
    assert [(one.kind, one.ticks, one.micro) for one in findings[1:]] == [
        ("entered", 0, 0),
        ("gap", 30, 90),
    ]


def test_what_is_not_known_has_no_worth() -> None:
    _, findings = of(Series(every_quarter(*range(6), *range(9000, 9006)), KWH, ONE))
    assert [(one.kind, one.micro) for one in findings] == [("first", None), ("jump", None)]


def test_findings_begin_inside_the_window() -> None:
    readings = every_quarter(*range(6), 900, *range(6, 12))
    _, all_of_them = of(Series(readings, KWH, ONE))
    assert [one.kind for one in all_of_them] == ["first", "gap", "spike"]
    _, some = of(Series(readings, KWH, ONE), (BEGIN + 6 * GRAIN_US, EVER[1]))
    assert [one.kind for one in some] == ["spike"]


def test_two_devices_in_one_quarter_add_up() -> None:
    old = readings_of([BEGIN, BEGIN + 5 * MINUTE_US], [100, 105])
    new = readings_of([BEGIN + 5 * MINUTE_US, BEGIN + 2 * GRAIN_US], [0, 25])
    parts = [
        of(Series(old, KWH, ONE, end=BEGIN + 5 * MINUTE_US))[0],
        of(Series(new, KWH, ONE, begin=BEGIN + 5 * MINUTE_US))[0],
    ]
    assert [column.tolist() for column in columns(merge(parts))] == [
        [BEGIN, BEGIN + GRAIN_US],
        [15, 15],
        [10, 15],
        [900, 900],
        [Flag.REPLACED | Flag.ESTIMATED, Flag.ESTIMATED],
    ]


def test_cover_is_a_quarter_hour_at_most() -> None:
    part, _ = of(Series(every_quarter(1, 2), KWH, ONE))
    assert merge([part, part]).covered_s.tolist() == [900]


def test_nothing_merges_to_nothing() -> None:
    assert merge([]) is EMPTY
    assert len(merge([EMPTY, EMPTY]).slot) == 0


@settings(max_examples=100, deadline=None, print_blob=True)
@given(parts=st.lists(histories(12), max_size=4))
def test_merging_keeps_every_sum(parts: list[Readings]) -> None:
    computed = [of(Series(part, KWH, ONE))[0] for part in parts]
    merged = merge(computed)
    assert merged.micro.sum() == sum(int(part.micro.sum()) for part in computed)
    assert merged.estimated.sum() == sum(int(part.estimated.sum()) for part in computed)
    assert (np.diff(merged.slot) > 0).all()
    assert set(merged.slot.tolist()) == {slot for part in computed for slot in part.slot.tolist()}
    assert ((merged.covered_s >= 1) & (merged.covered_s <= 900)).all()
