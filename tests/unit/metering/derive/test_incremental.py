"""However the readings of two devices come in, windows put together are what one computation gives.

The same as tests/integration/metering/derive/test_incremental.py without a database, and so for
many more histories: everything between a change and its window.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from metering.counter.judge import judge
from metering.counter.model import GRAIN_US, Int64s, Policy, Readings, Register
from metering.counter.series import Series
from metering.derive.compute import Rules, compute, concerned
from metering.derive.counted import counted
from metering.derive.history import Binding, Entry, History, Scale
from metering.derive.readings import Floats, Found
from metering.derive.store import Computed, Noted
from storage.due import Span
from storage.times import ALWAYS_US, NEVER_US

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = 2_000_000 * GRAIN_US
QUARTERS = 250
EVER = Span(ALWAYS_US, NEVER_US)
WEEK = np.arange(672, dtype=np.int64) % 96 // 8


@dataclass
class Device:
    """What a counter shows, and which of it is known by now."""

    ts: Int64s
    values: Floats
    known: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.known = np.zeros(len(self.ts), np.bool_)

    def around(self, one: Binding, span: Span, most: int) -> Found:
        """What :func:`metering.derive.readings.around` finds."""
        hung = self.known & (self.ts >= one.begin_us) & (self.ts < one.end_us)
        ts, values = self.ts[hung], self.values[hung]
        low = int(np.searchsorted(ts, span.from_us))
        high = int(np.searchsorted(ts, span.to_us, side="right"))
        part = slice(max(low - most, 0), high + most)
        return Found(ts[part], values[part], low < most, len(ts) - high < most)


def device(draw: random.Random) -> Device:
    """A counter of 1,000 that dips, jumps, hangs, is reset and is away, dense at times."""
    rows: list[tuple[int, float]] = []
    now, true = BEGIN + draw.choice([0, 0, 120_000_000]), draw.choice([0.0, 5.0, 990.0, 400.0])
    trouble, left, other = "", 0, 0.0
    while now < BEGIN + QUARTERS * GRAIN_US:
        true = (true + draw.choice([0, 0.01, 0.5, 1.23])) % 1000
        if left == 0:
            kinds = ["", "dip", "spike", "away", "reset", "hangs"]
            trouble = draw.choices(kinds, [60, 2, 2, 2, 1, 1])[0]
            left = draw.choice([1, 2, 3, 5, 30]) if trouble else 1
            other = draw.random() * 900
        left -= 1
        if trouble == "reset":
            true, trouble = 0.0, ""
        if trouble != "away":
            shown = {"dip": 0.0, "spike": true + 900_000, "hangs": other}.get(trouble, true)
            rows.append((now, round(shown, 2)))
        now += draw.choice([GRAIN_US] * 8 + [60_000_000] * 40 + [2 * GRAIN_US, 30 * GRAIN_US])
    return Device(np.array([ts for ts, _ in rows], np.int64), np.array([v for _, v in rows]))


def history(draw: random.Random) -> History:
    """One device after the other, with facts of all kinds, many of them on the quarter hour."""

    def moment() -> int:
        quarter = draw.randrange(QUARTERS)
        return BEGIN + quarter * GRAIN_US + draw.choice([0, 0, 1, 400_000_000])

    def scale() -> Scale:
        tick = draw.choice([Decimal("0.01"), Decimal("0.1"), Decimal("0.001")])
        capacity = draw.choice([None, int(1000 / tick)])
        most = int(draw.choice([4, 100]) / tick)
        return Scale(tick, Register(capacity, most, reversible=draw.random() < 0.15))

    def binding(number: int, begin: int, end: int) -> Binding:
        kinds = ["reading", "reset"]
        changes = sorted({moment() for _ in range(draw.choice([0, 0, 1, 2]))})
        entries = {
            (max(begin, BEGIN) if draw.random() < 0.2 else moment(), draw.choice(kinds))
            for _ in range(draw.choice([0, 1, 3]))
        }
        return Binding(
            device_id=number,
            point_id=number,
            begin_us=begin,
            end_us=end,
            factor=Decimal(1),
            scales=tuple((since, scale()) for since in (ALWAYS_US, *changes)),
            entries=tuple(
                Entry(at, kind, Decimal(draw.choice(["0", "12.34", "500"])))
                for at, kind in sorted(entries)
                if begin <= at < end
            ),
        )

    swap = moment()
    profiles = [((ALWAYS_US, None),), ((ALWAYS_US, WEEK), (moment(), None), (NEVER_US, WEEK))]
    return History(
        1,
        (binding(0, ALWAYS_US, swap), binding(1, swap, NEVER_US)),
        ((ALWAYS_US, Decimal(1)), (moment(), Decimal(40))),
        draw.choice(profiles),
    )


class Meter:
    """What is derived of a meter: window by window, as the worker replaces it."""

    def __init__(self, known: History, devices: Sequence[Device], policy: Policy) -> None:
        self.quarters: dict[int, tuple[int, ...]] = {}
        self.findings: dict[tuple[int, str], Noted] = {}
        self._history = known
        self._devices = devices
        self._rules = Rules(policy, ZONE)

    def update(self, span: Span) -> None:
        new = self._computed(span)
        low, high = new.window.from_us, new.window.to_us
        self.quarters = {at: row for at, row in self.quarters.items() if not low <= at < high}
        self.findings = {at: one for at, one in self.findings.items() if not low <= at[0] < high}
        rows = new.quarters
        columns = (rows.micro, rows.estimated, rows.covered_s, rows.flags)
        table = zip(*(column.tolist() for column in columns), strict=True)
        self.quarters.update(zip(rows.slot.tolist(), table, strict=True))
        self.findings.update(((one.ts_us, one.kind), one) for one in new.findings)

    def _computed(self, span: Span) -> Computed:
        for most in (20, 200, 10**9):
            devices = [
                counted(self._history, one, self._devices[one.point_id].around(one, span, most))
                for one in concerned(self._history, span)
            ]
            found = compute(1, span, devices, self._rules)
            if found is not None:
                return found
        raise AssertionError("all readings were given, and still they do not reach")


def batches(draw: random.Random, devices: Sequence[Device]) -> Iterator[list[tuple[int, int]]]:
    """Which readings (device, index) come together, some of them late."""
    coming = [
        (int(ts) + draw.choice([0, 0, 0, 0, 1, 5, 40, 300]) * GRAIN_US, number, index)
        for number, one in enumerate(devices)
        for index, ts in enumerate(one.ts)
    ]
    coming.sort()
    while coming:
        size = draw.choice([1, 5, 30, 200])
        yield [(number, index) for _, number, index in coming[:size]]
        coming = coming[size:]


@pytest.mark.parametrize("seed", range(40))
def test_windows_put_together_are_one_computation_and_add_up_to_the_steps(seed: int) -> None:
    draw = random.Random(seed)
    known, devices = history(draw), [device(draw), device(draw)]
    least = draw.choice([1, 30, 45]) * 60_000_000
    policy = Policy(draw.choice([2, 4]), draw.choice([6, 24]) * 3_600_000_000, None, least)
    meter = Meter(known, devices, policy)
    meter.update(EVER)  # the entries are there before any reading
    due: list[Span] = []
    for batch in batches(draw, devices):
        for number, index in batch:
            devices[number].known[index] = True
        times = [int(devices[number].ts[index]) for number, index in batch]
        due.append(Span(min(times), max(times)))
        # What is known is not always computed at once, nor in the order in which it came.
        while due and draw.random() < 0.7:
            meter.update(due.pop(draw.randrange(len(due))))
    draw.shuffle(due)
    for span in due:
        meter.update(span)

    full = Meter(known, devices, policy)
    full.update(EVER)

    assert meter.quarters == full.quarters
    assert meter.findings == full.findings
    plain = Meter(replace(known, ratios=known.ratios[:1]), devices, policy)
    plain.update(EVER)
    steps = sum(
        booked(counted(known, one, devices[one.point_id].around(one, EVER, 10**9)).series, policy)
        for one in known.bindings
    )
    assert sum(row[0] for row in plain.quarters.values()) == steps


def booked(series: Series, policy: Policy) -> int:
    """What the steps of a device say, millionths at the first ratio."""
    readings: Readings = series.readings
    path = judge(readings, series.register, policy)
    return int(path.booked.sum()) * series.ratios[0].micro_per_tick
