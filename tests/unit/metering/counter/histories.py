"""Random histories of a counter, and the rule of docs/metering.md told once more, slowly."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st

from metering.counter.model import (
    GRAIN_US,
    Origin,
    Path,
    Policy,
    Ratio,
    Readings,
    Register,
    Step,
)

MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000
BEGIN = 20_000 * 86_400_000_000
"""2024-10-04, UTC."""
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = np.arange(672, dtype=np.int64) % 96 // 8  # nothing in the first two hours of a day
EVER = (BEGIN - 400 * 24 * HOUR_US, BEGIN + 4000 * 24 * HOUR_US)


def readings_of(
    ts: Sequence[int], ticks: Sequence[int], origin: Sequence[int] | None = None
) -> Readings:
    origin = [Origin.POLLED] * len(ts) if origin is None else origin
    return Readings(np.array(ts, np.int64), np.array(ticks, np.int64), np.array(origin, np.int8))


def every_quarter(*ticks: int) -> Readings:
    """One reading each quarter hour."""
    return readings_of([BEGIN + GRAIN_US * index for index in range(len(ticks))], ticks)


def _registers(earlier: Sequence[tuple[int, Register]] = ()) -> st.SearchStrategy[Register]:
    return st.builds(
        Register,
        capacity=st.sampled_from([None, 400, 1000, 100_000]),
        max_per_hour=st.sampled_from([1, 40, 400]),
        reversible=st.booleans(),
        fine=st.sampled_from([1, 1, 1, 10]),
        earlier=st.just(tuple(earlier)),
    )


@st.composite
def _changing(draw: st.DrawFn) -> Register:
    """Facts that change, mostly on a quarter hour and while the counter runs."""
    times = st.integers(0, 40).map(lambda at: BEGIN + at * GRAIN_US) | st.integers(
        BEGIN, BEGIN + 100 * HOUR_US
    )
    until = sorted(draw(st.lists(times, min_size=1, max_size=3, unique=True)))
    return draw(_registers([(at, draw(_registers())) for at in until]))


STEADY_REGISTERS = _registers()
REGISTERS = STEADY_REGISTERS | _changing()
POLICIES = st.builds(
    lambda readings, times: Policy(readings, times[1], confirm_least_us=times[0]),
    st.integers(1, 5),
    st.lists(
        st.sampled_from([1_000_000, 20 * MINUTE_US, HOUR_US, 24 * HOUR_US]), min_size=2, max_size=2
    ).map(sorted),
)
GAPS = st.sampled_from(
    [GRAIN_US] * 6 + [MINUTE_US, 7 * MINUTE_US + 1, HOUR_US, 5 * HOUR_US + 3, 40 * HOUR_US]
)

GRID_GAPS = st.sampled_from([1] * 6 + [2, 5, 200]).map(GRAIN_US.__mul__)


@st.composite
def histories(
    draw: st.DrawFn,
    longest: int = 30,
    *,
    shortest: int = 0,
    people: bool = True,
    calm: int = 1,
    on_grid: bool = False,
) -> Readings:
    """A counter that runs, with levels that come and go, restarts, gaps, and what people enter.

    ``calm`` times as many readings as else are ordinary; ``on_grid``: only at quarter hours.
    """
    count = draw(st.integers(shortest, longest))
    ts, ticks, origin = [], [], []
    now = BEGIN if on_grid else BEGIN + draw(st.integers(0, 2 * GRAIN_US))
    level, offset = draw(st.integers(0, 999)), 0
    for _ in range(count):
        now += draw(GRID_GAPS if on_grid else GAPS)
        level += draw(st.sampled_from([0, 1, 5, 10, 10, 10, 95]))
        event = draw(st.integers(0, 14 * calm - 1))
        if event == 0:
            offset = draw(st.sampled_from([0, 0, 0, -level, 700, 5000, -300]))
        elif event == 1:
            level, offset = draw(st.integers(0, 120)), 0
        odd = draw(st.sampled_from([0] * (12 * calm - 4) + [-level, 60, 3000, -11]))
        ts.append(now)
        ticks.append(max(level + offset + odd, 0))
        origin.append(int(Origin.POLLED))
        if people and event == 2:
            origin[-1] = Origin.ENTERED
        if people and event == 3:
            ts.append(now)
            ticks.append(draw(st.integers(0, 300)))
            origin.append(int(Origin.RESET))
    return readings_of(ts, ticks, origin)


@st.composite
def ratio_pieces(draw: st.DrawFn) -> list[Ratio]:
    """What a tick is worth, with changes anywhere, also inside a quarter."""
    changes = draw(st.lists(st.integers(1, 200 * HOUR_US), max_size=3, unique=True))
    since = [0, *sorted(BEGIN + change for change in changes)]
    worth = draw(st.lists(st.integers(1, 5000), min_size=len(since), max_size=len(since)))
    return [Ratio(*piece) for piece in zip(since, worth, strict=True)]


def slow_path(readings: Readings, register: Register, policy: Policy) -> Path:
    """The cheapest of all paths, over all pairs of readings, in plain numbers."""
    count = len(readings)
    weight = _weights(readings, policy)
    forced = [index for index in range(count) if readings.origin[index] != Origin.POLLED]
    best: list[tuple[int, int, tuple[int, ...]]] = []
    for index in range(count):
        ways: list[tuple[int, int, tuple[int, ...]]] = []
        if not any(f < index for f in forced):
            ways.append((sum(weight[:index]), 1, (index,)))
        for before in range(index):
            if any(before < f < index for f in forced):
                continue
            cost, kept, path = best[before]
            cost += sum(weight[before + 1 : index])
            cost += _cost(readings, before, index, register, policy)
            ways.append((cost, kept + 1, (*path, index)))
        best.append(min(ways))
    last = forced[-1] if forced else 0
    ends = [
        (best[index][0] + sum(weight[index + 1 :]), *best[index][1:])
        for index in range(last, count)
    ]
    return joined(readings, min(ends)[2] if ends else (), register)


def joined(readings: Readings, kept: Sequence[int], register: Register) -> Path:
    steps, booked, known = [], [], []
    for before, after in pairwise(kept):
        step, ticks = step_of(readings, before, after, register)
        steps.append(step)
        booked.append(ticks or 0)
        known.append(ticks is not None)
    return Path(
        np.array(kept, np.int64),
        np.array(steps, np.int8),
        np.array(booked, np.int64),
        np.array(known, np.bool_),
        np.array([held(readings, after, register).fine for after in kept[1:]], np.int64),
    )


def step_of(
    readings: Readings, before: int, after: int, register: Register
) -> tuple[Step, int | None]:
    """One row of the table in docs/metering.md: the step, and what it books."""
    a, b = int(readings.ticks[before]), int(readings.ticks[after])
    elapsed = int(readings.ts[after] - readings.ts[before])
    if readings.origin[after] == Origin.RESET:
        return Step.ENTERED, 0 if elapsed == 0 else None
    register = held(readings, after, register)
    limit = (register.max_per_hour * (elapsed // 1000) // 3_600_000 + 1) * register.fine
    if (-limit if register.reversible else 0) <= b - a <= limit:
        return Step.NORMAL, b - a
    if register.capacity is not None:
        capacity = register.capacity * register.fine
        turns = [capacity] + ([-capacity] if register.reversible else [])
        for turn in turns:
            gain = b - a + turn
            crossed = (b < a) == (turn > 0)
            right_way = gain * (1 if turn > 0 else -1) >= 0
            if crossed and right_way and abs(gain) <= min(limit, capacity / 4):
                return Step.ROLLOVER, gain
    if b < a:
        return Step.RESET, b if 0 <= b <= limit else None
    return Step.JUMP, None


def held(readings: Readings, after: int, register: Register) -> Register:
    """How the counter counted when a step into a reading ended."""
    end = readings.ts[after]
    return next((one for until, one in register.earlier if end <= until), register)


def _cost(readings: Readings, before: int, after: int, register: Register, policy: Policy) -> int:
    step, _ = step_of(readings, before, after, register)
    dear = step in {Step.RESET, Step.JUMP}
    return policy.confirm_readings * (policy.confirm_us // 1_000_000) if dear else 0


def _weights(readings: Readings, policy: Policy) -> list[int]:
    """Half by the time since the one before, half by that to the next; more when long alone."""
    longest, least = policy.confirm_us // 1_000_000, policy.confirm_least_us // 1_000_000
    count, last = policy.confirm_readings, len(readings) - 1
    costs = []
    for index in range(len(readings)):
        around = [
            int(readings.ts[after] - readings.ts[after - 1]) // 1_000_000
            for after in (index, index + 1)
            if 0 < after <= last
        ]
        halves = [
            min(longest, min(one, longest) * longest * (2 * count - 1) // (2 * least))
            for one in around
        ]
        halves += halves if index == 0 else []
        alone = min(count * min(around), count * longest) if len(around) == 2 else 0
        costs.append(max(sum(halves) // 2, alone, 1))
    return costs
