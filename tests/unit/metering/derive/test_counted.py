"""What was loaded of a device, put together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from metering.counter.model import GRAIN_US, Int64s, Origin, Register
from metering.derive.counted import Counted, counted
from metering.derive.history import Binding, Entry, History, Scale, Scales
from metering.derive.readings import Found
from storage.times import ALWAYS_US, NEVER_US

FINE = Scale(Decimal("0.01"), Register(None, 100_000))
COARSE = Scale(Decimal("0.1"), Register(None, 10_000))


def at(quarter: float) -> int:
    return int((100_000 + quarter) * GRAIN_US)


def binding(
    *entries: Entry, scales: Scales = ((ALWAYS_US, FINE),), begin: float | None = None
) -> Binding:
    since = ALWAYS_US if begin is None else at(begin)
    return Binding(7, 3, since, NEVER_US, Decimal(1), scales, entries)


def history(one: Binding, ratio: str = "1", weights: Int64s | None = None) -> History:
    profiles = ((ALWAYS_US, None), (at(5), weights)) if weights is not None else None
    return History(1, (one,), ((ALWAYS_US, Decimal(ratio)),), profiles or ((ALWAYS_US, None),))


def found(*quarters: float, before: bool = True, after: bool = True) -> Found:
    ts = np.array([at(quarter) for quarter in quarters], np.int64)
    return Found(ts, np.array(quarters, np.float64), before, after)


def of(one: Binding, near: Found) -> Counted:
    return counted(history(one), one, near)


def test_a_device_that_always_counts_alike() -> None:
    one = of(binding(), found(1, 2, 3, after=False))

    assert one.series.readings.ticks.tolist() == [100, 200, 300]
    assert one.series.register == FINE.register
    assert one.whole == (True, False)
    assert (one.series.begin, one.series.end) == (None, None)
    assert [ratio.micro_per_tick for ratio in one.series.ratios] == [10_000]


def test_readings_are_rounded_as_the_register_counted_then_and_given_in_its_finest_ticks() -> None:
    near = found(1, 2, 3)
    near.values[:] = [1.23, 2.46, 3.69]

    one = of(binding(scales=((ALWAYS_US, FINE), (at(2.5), COARSE))), near)

    assert one.series.readings.ticks.tolist() == [123, 246, 370]
    assert one.series.register == replace(
        COARSE.register, fine=10, earlier=((at(2.5), FINE.register),)
    )
    assert one.unit == Decimal("0.01")


def test_a_reading_at_the_change_itself_is_of_the_time_before() -> None:
    near = found(1, 2, 3)
    near.values[:] = [1.23, 2.46, 3.69]

    one = of(binding(scales=((ALWAYS_US, FINE), (at(2), COARSE))), near)

    assert one.series.readings.ticks.tolist() == [123, 246, 370]


def test_resolutions_that_do_not_divide_each_other_have_a_common_tick() -> None:
    scales = (
        (ALWAYS_US, replace(FINE, resolution=Decimal("0.4"))),
        (at(1.5), COARSE),
        (at(2.5), replace(FINE, resolution=Decimal("0.25"))),
    )
    near = found(1, 2, 3)
    near.values[:] = [1.2, 2.3, 3.5]

    one = of(binding(scales=scales), near)

    assert one.unit == Decimal("0.05")
    assert one.series.readings.ticks.tolist() == [24, 46, 70]


def test_a_load_profile_that_begins_later_says_nothing_of_the_time_before() -> None:
    one, weights = binding(), np.ones(672, np.int64)

    series = counted(history(one, weights=weights), one, found(4, 5, 6)).series

    assert series.weights is weights
    assert series.weights_before == ((at(5), None),)


def test_what_people_entered_stands_among_the_readings_exactly() -> None:
    one = binding(Entry(at(1.5), "reading", Decimal("90071992547409.93")), begin=0)

    device = of(one, found(1, 2))

    assert device.series.readings.ticks.tolist() == [100, 9_007_199_254_740_993, 200]
    assert device.series.readings.origin.tolist() == [Origin.POLLED, Origin.ENTERED, Origin.POLLED]


def test_an_entry_takes_the_place_of_the_reading_at_its_time_and_a_reset_follows_it() -> None:
    one = binding(Entry(at(2), "reset", Decimal(0)), Entry(at(2), "final", Decimal("2.5")), begin=0)

    device = of(one, found(1, 2, 3))

    assert device.series.readings.ticks.tolist() == [100, 250, 0, 300]
    assert device.series.readings.origin.tolist() == [0, Origin.ENTERED, Origin.RESET, 0]


def test_of_two_entries_at_one_time_the_later_one_counts() -> None:
    one = binding(Entry(at(0), "initial", Decimal(1)), Entry(at(0), "reading", Decimal(2)), begin=0)

    device = of(one, found())

    assert device.series.readings.ticks.tolist() == [200]


def test_entries_outside_what_was_loaded_are_left_to_a_wider_look() -> None:
    one = binding(Entry(at(1), "reading", Decimal(1)), begin=0)

    device = of(one, found(5, 6, before=False))

    assert device.series.readings.ticks.tolist() == [500, 600]


def test_values_that_no_register_shows_are_left_out() -> None:
    near = found(1, 2, 3)
    near.values[1] = 1e30

    device = of(binding(), near)

    assert device.series.readings.ticks.tolist() == [100, 300]


def test_a_worth_finer_than_millionths_is_refused() -> None:
    one = binding()

    with pytest.raises(ValueError, match="no whole number of millionths; correct"):
        counted(history(one, ratio="0.00001"), one, found(1, 2))


def test_what_people_entered_is_rounded_as_the_register_counted_then() -> None:
    entry = Entry(at(2.7), "reading", Decimal("2.74"))
    one = binding(entry, scales=((ALWAYS_US, FINE), (at(2.5), COARSE)), begin=0)

    assert of(one, found(1, 2, 3)).series.readings.ticks.tolist() == [100, 200, 270, 300]
