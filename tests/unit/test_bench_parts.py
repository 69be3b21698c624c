"""The arithmetic of the benches: a wrong bench is worse than none."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import Kind, pack_reading, split
from tests.bench.packed import BATCH_ROWS, PROFILE_ID, slot_of_readings
from tests.bench.report import Report, quantile, rounded

SLOT_US = 1_780_272_000_000_000


def test_a_report_is_one_json_line_with_the_ratio_and_its_fields() -> None:
    line = Report("writer", 150_000.4, 200_000.0, "rows/s", {"lost": 0}).line({"others_cores": 0.1})

    assert "\n" not in line
    assert json.loads(line) == {
        "bench": "writer",
        "ours": 150_000,
        "limit": 200_000,
        "ratio": 0.75,
        "unit": "rows/s",
        "lost": 0,
        "others_cores": 0.1,
    }


def test_a_report_without_a_limit_claims_no_ratio() -> None:
    assert json.loads(Report("mqtt", 3.0, 0.0, "ms").line({}))["ratio"] is None


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0654321, 0.06543), (12.34567, 12.35), (17080.9, 17081.0), (0.0, 0.0)]
)
def test_figures_keep_four_digits(value: float, shown: float) -> None:
    assert rounded(value) == shown


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_quantile_is_a_measured_value_and_enough_lie_below_it(
    values: list[float], share: float
) -> None:
    ordered = sorted(values)

    found = quantile(ordered, share)

    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered)


@given(points=st.integers(1, 2_500), seed=st.integers(0, 9))
def test_readings_made_by_the_thousand_are_what_the_packer_makes(points: int, seed: int) -> None:
    batches = slot_of_readings(points, SLOT_US, seed)

    rows = [row for batch in batches for row in split(batch.body)]
    assert [batch.rows for batch in batches[:-1]] == [BATCH_ROWS] * (len(batches) - 1)
    assert sum(batch.rows for batch in batches) == len(rows) == points
    assert all(batch.kind is Kind.READING for batch in batches)
    for point, row in enumerate(rows, 1):
        value = _value_of(row)
        expected = pack_reading(
            point, SLOT_US, value, 0, PROFILE_ID, SLOT_US + 7_000, SLOT_US + 9_000
        )
        assert row == expected


def _value_of(row: bytes) -> float:
    (value,) = struct.unpack_from(">d", row, 2 + 4 + 4 + 4 + 8 + 4)
    return float(value)
