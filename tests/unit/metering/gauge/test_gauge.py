from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.gauge.gauge import GaugeQuarters, gauge_quarters
from metering.gauge.hold import holds
from tests.unit.metering.gauge.samples import (
    MIDNIGHT,
    SECOND,
    Reading,
    at_each,
    one,
    readings,
    samples,
)

SILENCE = 900 * SECOND
ANY = st.floats(allow_nan=False, allow_infinity=False)
Row = tuple[int, float, float, float, int]


def rows(found: GaugeQuarters) -> list[Row]:
    """Quarter of the day, low, high, mean, covered seconds."""
    return [
        ((int(slot) - MIDNIGHT) // SILENCE, float(low), float(high), float(mean), int(covered))
        for slot, low, high, mean, covered in zip(
            found.slot, found.low, found.high, found.mean, found.covered_s, strict=True
        )
    ]


def quarters_of(*found: tuple[float, float | None], silence: int = SILENCE) -> list[Row]:
    return rows(gauge_quarters(holds(one(*found), silence)))


def test_the_mean_is_weighted_by_time() -> None:
    assert quarters_of((0, 10.0), (300, 40.0), (900, None)) == [(0, 10.0, 40.0, 30.0, 900)]


def test_a_value_held_into_a_quarter_counts_there() -> None:
    found = quarters_of((600, 100.0), (1000, 1.0), (1800, None))
    assert found == [(0, 100.0, 100.0, 100.0, 300), (1, 1.0, 100.0, 12.0, 900)]


def test_a_reading_on_the_boundary_belongs_to_what_begins() -> None:
    assert quarters_of((0, 1.0), (900, 9.0), (1800, None)) == [
        (0, 1.0, 1.0, 1.0, 900),
        (1, 9.0, 9.0, 9.0, 900),
    ]


def test_stored_by_exception_is_the_same_as_stored_on_every_slot() -> None:
    every = [(at, 3.0 if at < 1500 else 7.0) for at in range(0, 3600, 30)]
    changes = [(0, 3.0), (900, 3.0), (1500, 7.0), (2400, 7.0), (3300, 7.0)]
    end = (3600, None)
    assert quarters_of(*every, end) == quarters_of(*changes, end)


def test_behind_the_longest_silence_nothing_is_known() -> None:
    found = quarters_of((0, 5.0), (7200, 5.0), silence=1200 * SECOND)
    assert [(quarter, covered) for quarter, _, _, _, covered in found] == [
        (0, 900),
        (1, 300),
        (8, 900),
        (9, 300),
    ]


def test_case_27_a_silent_device_leaves_no_row_and_a_sentinel_is_not_zero() -> None:
    found = quarters_of((0, 230.0), (900, None), (1800, None), (2700, 231.0), (3600, None))
    assert [(quarter, low) for quarter, low, *_ in found] == [(0, 230.0), (3, 231.0)]


def test_case_18_a_sentinel_within_a_quarter_does_not_weigh() -> None:
    assert quarters_of((0, 50.0), (300, None), (600, 20.0), (900, None)) == [
        (0, 20.0, 50.0, 35.0, 600)
    ]


def test_what_is_known_for_less_than_a_second_counts_one() -> None:
    assert quarters_of((0, 4.0), (0.25, None)) == [(0, 4.0, 4.0, 4.0, 1)]


def test_seconds_are_whole_ones() -> None:
    (row,) = quarters_of((0, 4.0), (899.999999, None))
    assert row[-1] == 899


@pytest.mark.parametrize("value", [0.1, -1e308, 1.7e308, 5e-324, -0.0])
def test_a_constant_is_its_own_mean(value: float) -> None:
    found = quarters_of(*((at, value) for at in range(0, 900, 7)), (900, None))
    assert found == [(0, value, value, value, 900)]


@given(readings(ANY), st.sampled_from([1, 60 * SECOND, SILENCE, 3 * SILENCE + 1]))
def test_quarters_are_what_reading_by_reading_gives(found: list[Reading], silence: int) -> None:
    quarters = gauge_quarters(holds(samples(found), silence))
    plain = at_each(samples(found), silence)
    assert list(zip(quarters.subject.tolist(), quarters.slot.tolist(), strict=True)) == sorted(
        plain
    )
    for row, held in zip(rows(quarters), (plain[key] for key in sorted(plain)), strict=True):
        _, low, high, mean, covered = row
        elapsed = sum(time for time, _ in held)
        assert low == min(value for _, value in held)
        assert high == max(value for _, value in held)
        assert covered == max(1, elapsed // SECOND)
        assert low <= mean <= high
        largest = max(abs(low), abs(high))
        exact = math.fsum(value * (time / elapsed) for time, value in held)
        assert mean == pytest.approx(exact, rel=1e-12, abs=largest * 1e-12)


@given(readings(ANY), st.integers(0, 7))
def test_a_quarter_is_the_same_to_the_bit_whatever_else_is_computed(
    found: list[Reading], quarter: int
) -> None:
    begin = MIDNIGHT + quarter * SILENCE
    everything = gauge_quarters(holds(samples(found), SILENCE))
    near = [
        (subject, at, value)
        for subject, at, value in found
        if begin - SILENCE < MIDNIGHT + at < begin + SILENCE
    ]
    alone = gauge_quarters(holds(samples(near), SILENCE))

    def of_quarter(rows: GaugeQuarters) -> list[bytes]:
        chosen = rows.slot == begin
        columns = (rows.subject, rows.low, rows.high, rows.mean, rows.covered_s)
        return [np.ascontiguousarray(column[chosen]).tobytes() for column in columns]

    assert of_quarter(alone) == of_quarter(everything)
