"""Which readings count."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from metering.counter.judge import judge
from metering.counter.model import Path, Policy, Readings, Register
from tests.unit.metering.counter.histories import (
    POLICIES,
    REGISTERS,
    histories,
    slow_path,
)

KWH = Register(capacity=None, max_per_hour=100)


def same(path: Path, other: Path) -> None:
    np.testing.assert_array_equal(path.kept, other.kept)
    np.testing.assert_array_equal(path.steps, other.steps)
    np.testing.assert_array_equal(path.booked, other.booked)
    np.testing.assert_array_equal(path.known, other.known)


def kept(readings: Readings, register: Register = KWH, policy: Policy | None = None) -> list[int]:
    path: list[int] = judge(readings, register, policy or Policy()).kept.tolist()
    return path


@settings(max_examples=300, deadline=None, print_blob=True)
@given(readings=histories(), register=REGISTERS, policy=POLICIES)
def test_it_is_the_cheapest_of_all_paths(
    readings: Readings, register: Register, policy: Policy
) -> None:
    same(judge(readings, register, policy), slow_path(readings, register, policy))
