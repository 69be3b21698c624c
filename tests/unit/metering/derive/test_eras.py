"""A device's time cut where its way of counting changes."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from metering.counter.model import GRAIN_US, Int64s, Origin, Register
from metering.derive.eras import Era, eras
from metering.derive.history import Binding, Entry, History, Scale, Scales
from metering.derive.readings import Found
from metering.derive.times import ALWAYS_US, NEVER_US

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


def cut(one: Binding, near: Found) -> list[Era]:
    return eras(history(one), one, near)


def test_one_way_of_counting_is_one_era() -> None:
    (era,) = cut(binding(), found(1, 2, 3, after=False))

    assert era.readings.ticks.tolist() == [100, 200, 300]
    assert era.whole == (True, False)
    assert era.opens
    assert (era.begin, era.end) == (None, None)
    assert [ratio.micro_per_tick for ratio in era.ratios] == [10_000]


def test_a_change_of_the_register_parts_eras_that_share_the_reading_before_it() -> None:
    one = binding(scales=((ALWAYS_US, FINE), (at(2.5), COARSE)))

    first, second = cut(one, found(1, 2, 3, before=False, after=False))

    assert first.readings.ticks.tolist() == [100, 200]
    assert second.readings.ticks.tolist() == [20, 30]
    assert first.whole == (False, True)
    assert second.whole == (True, False)
    assert not second.opens


def test_a_reading_at_the_change_itself_stands_in_both() -> None:
    one = binding(scales=((ALWAYS_US, FINE), (at(2), COARSE)))

    first, second = cut(one, found(1, 2, 3))

    assert first.readings.ticks.tolist() == [100, 200]
    assert second.readings.ticks.tolist() == [20, 30]


def test_an_era_before_any_reading_is_none() -> None:
    one = binding(scales=((ALWAYS_US, FINE), (at(0), COARSE)))

    (era,) = cut(one, found(1, 2))

    assert era.readings.ticks.tolist() == [10, 20]
    assert era.opens
    assert era.whole == (True, True)


@pytest.mark.parametrize("change", [0.5, 9.0])
def test_changes_outside_what_was_loaded_are_left_alone(change: float) -> None:
    one = binding(scales=((ALWAYS_US, FINE), (at(change), COARSE)))

    (era,) = cut(one, found(1, 2, 3, before=False, after=False))

    assert era.whole == (False, False)
    assert len(era.readings) == 3


def test_a_load_profile_that_begins_later_parts_eras_too() -> None:
    one, weights = binding(), np.ones(672, np.int64)

    first, second = eras(history(one, weights=weights), one, found(4, 5, 6))

    assert first.weights is None
    assert second.weights is weights


def test_what_people_entered_stands_among_the_readings_exactly() -> None:
    one = binding(Entry(at(1.5), "reading", Decimal("90071992547409.93")), begin=0)

    (era,) = cut(one, found(1, 2))

    assert era.readings.ticks.tolist() == [100, 9_007_199_254_740_993, 200]
    assert era.readings.origin.tolist() == [Origin.POLLED, Origin.ENTERED, Origin.POLLED]


def test_an_entry_takes_the_place_of_the_reading_at_its_time_and_a_reset_follows_it() -> None:
    one = binding(Entry(at(2), "reset", Decimal(0)), Entry(at(2), "final", Decimal("2.5")), begin=0)

    (era,) = cut(one, found(1, 2, 3))

    assert era.readings.ticks.tolist() == [100, 250, 0, 300]
    assert era.readings.origin.tolist() == [0, Origin.ENTERED, Origin.RESET, 0]


def test_of_two_entries_at_one_time_the_later_one_counts() -> None:
    one = binding(Entry(at(0), "initial", Decimal(1)), Entry(at(0), "reading", Decimal(2)), begin=0)

    (era,) = cut(one, found())

    assert era.readings.ticks.tolist() == [200]


def test_entries_outside_what_was_loaded_are_left_to_a_wider_look() -> None:
    one = binding(Entry(at(1), "reading", Decimal(1)), begin=0)

    (era,) = cut(one, found(5, 6, before=False))

    assert era.readings.ticks.tolist() == [500, 600]


def test_values_that_no_register_shows_are_left_out() -> None:
    near = found(1, 2, 3)
    near.values[1] = 1e30

    (era,) = cut(binding(), near)

    assert era.readings.ticks.tolist() == [100, 300]


def test_a_worth_finer_than_millionths_is_refused() -> None:
    one = binding()

    with pytest.raises(ValueError, match="no whole number of millionths; correct"):
        eras(history(one, ratio="0.00001"), one, found(1, 2))
