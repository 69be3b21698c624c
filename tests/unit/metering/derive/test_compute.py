"""Which devices a change concerns."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.counter.model import GRAIN_US, Policy, Register
from metering.derive.compute import MOST_QUARTERS, Rules, compute, concerned
from metering.derive.counted import counted
from metering.derive.history import Binding, History, Scale
from metering.derive.readings import Found
from storage.due import Span
from storage.times import ALWAYS_US, NEVER_US

SCALE = Scale(Decimal(1), Register(None, 1000))


def at(quarter: float) -> int:
    return int((100_000 + quarter) * GRAIN_US)


def history(*changes: float) -> History:
    """Devices 1, 2, … that take over from each other at these quarter hours."""
    times = [ALWAYS_US, *map(at, changes), NEVER_US]
    bindings = (
        Binding(number, number, begin, end, Decimal(1), ((ALWAYS_US, SCALE),), ())
        for number, (begin, end) in enumerate(pairwise(times), 1)
    )
    return History(1, tuple(bindings), ((ALWAYS_US, Decimal(1)),), ((ALWAYS_US, None),))


@pytest.mark.parametrize(
    ("changes", "span", "devices"),
    [
        ((), (3, 4), [1]),
        ((10, 20), (3, 4), [1]),
        ((10, 20), (12, 14), [2]),
        ((10, 20), (3, 14), [1, 2]),
        ((10, 20), (10, 10), [1, 2]),
        ((10.5, 20), (12, 14), [1, 2]),
        ((10, 20), (20, 20), [2, 3]),
        ((10.5, 20.5), (12, 14), [1, 2, 3]),
        ((10.2, 10.4, 10.6), (12, 14), [1, 2, 3, 4]),
        ((10.2, 10.4, 10.6), (3, 4), [1, 2, 3, 4]),
    ],
)
def test_devices_that_share_a_quarter_with_what_changes_are_concerned(
    changes: tuple[float, ...], span: tuple[float, float], devices: list[int]
) -> None:
    found = concerned(history(*changes), Span(at(span[0]), at(span[1])))

    assert [one.device_id for one in found] == devices


def test_nobody_is_concerned_where_nothing_hung() -> None:
    (first, second) = history(10).bindings
    parted = History(
        1,
        (
            Binding(1, 1, at(0), at(5), *_rest(first)),
            Binding(2, 2, at(20), at(30), *_rest(second)),
        ),
        (),
        (),
    )

    assert concerned(parted, Span(at(10), at(12))) == ()


@pytest.mark.parametrize(("moment", "devices"), [(5, [1, 2]), (5.2, [2]), (6, [2]), (9, [])])
def test_a_device_that_comes_within_the_quarter_of_a_change_is_concerned(
    moment: float, devices: list[int]
) -> None:
    first, second = history(10).bindings
    known = History(
        1,
        (
            Binding(1, 1, at(0), at(5), *_rest(first)),
            Binding(2, 2, at(5.5), at(6), *_rest(second)),
        ),
        (),
        (),
    )

    found = concerned(known, Span(at(moment), at(moment)))

    assert [one.device_id for one in found] == devices


def test_quarter_hours_of_a_lifetime_are_refused() -> None:
    """A reading of 1926 that got past every check must not fill the table."""
    (binding,) = history().bindings
    span = Span(0, MOST_QUARTERS * GRAIN_US + 2 * GRAIN_US)
    near = Found(np.array([span.from_us, span.to_us]), np.array([0.0, 5.0]), True, True)
    device = counted(history(), binding, near)
    rules = Rules(Policy(), ZoneInfo("Asia/Shanghai"))
    with pytest.raises(ValueError, match=r"from 1970-01-01 on: at most .* whose time is wrong"):
        compute(1, span, [device], rules)


def _rest(one: Binding) -> tuple[Decimal, tuple[tuple[int, Scale], ...], tuple[()]]:
    return one.factor, one.scales, ()
