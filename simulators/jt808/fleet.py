"""The terminals of a scenario that speak JT/T 808."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from simulators import noise, plant
from simulators.jt808.faults import Wire
from simulators.jt808.habit import Habit
from simulators.jt808.line import Gate, Line
from simulators.jt808.messages import Driver, Identity
from simulators.jt808.report import Fuel
from simulators.jt808.terminal import Since, Terminal
from simulators.mqtt.payload import Mishaps
from simulators.scenario import Scenario, Vehicle
from simulators.truth import TruthLog

_BATCHES: Final = (5, 10, 40)
"""Positions in one 0x0704; forty do not fit one frame."""

_NAMES: Final = ("王强", "李敏", "张伟", "刘洋", "陈静", "杨磊")


def lines(
    plan: Scenario,
    last: Mapping[str, int],
    gate: Gate,
    truth: TruthLog,
    now_us: Callable[[], int],
) -> list[Line]:
    """Return the connections of a scenario's terminals on JT/T 808.

    Args:
        plan: the scenario.
        last: terminal → number of its last report so far.
        gate: where they connect to.
        truth: where they write what they send.
        now_us: the clock, µs since the Unix epoch.
    """
    return [
        Line(
            terminal(plan, v, habit_of(plan, v), Since(last.get(v.terminal, 0), now_us())),
            v.terminal,
            Wire(plan.wire, plan.seed, v.terminal),
            gate,
            truth,
            now_us,
        )
        for v in plan.vehicles
        if v.jt808 is not None
    ]


def habit_of(plan: Scenario, vehicle: Vehicle) -> Habit:
    """Return how a vehicle's terminal behaves: the seed decides."""
    drawn = _drawn(plan, vehicle)
    fuels = (Fuel.ABSENT,) if vehicle.energy == "electric" else tuple(Fuel)
    return Habit(
        newest_first=drawn % 2 == 1,
        batch=_BATCHES[drawn // 2 % len(_BATCHES)],
        fuel=fuels[drawn // 8 % len(fuels)],
        late_s=vehicle.late_s,
    )


def terminal(plan: Scenario, vehicle: Vehicle, habit: Habit, since: Since) -> Terminal:
    """Return a vehicle's terminal.

    Raises:
        ValueError: it does not speak JT/T 808.
    """
    mishaps = Mishaps(plan.messages, plan.seed, vehicle.terminal)
    schedule = plant.schedule_of(plan, vehicle)
    who = _identity(vehicle, _drawn(plan, vehicle))
    return Terminal(who, schedule, mishaps, habit, since)


def counts(lines: Iterable[Line]) -> dict[str, int]:
    """Return what the terminals counted, summed: answers by result, what came amiss by reason."""
    total: Counter[str] = Counter()
    for line in lines:
        stats = line.terminal.stats
        total["jt808:connects"] += line.connects
        total["jt808:repeated"] += stats.repeated
        total["jt808:kept"] += line.terminal.kept
        total["jt808:overwritten"] += stats.overwritten
        total.update({f"jt808:answered:{r}": n for r, n in stats.answered.items()})
        total.update({f"jt808:wrong:{why}": n for why, n in stats.wrong.items()})
    return dict(total)


def _drawn(plan: Scenario, vehicle: Vehicle) -> int:
    return noise.derive(plan.seed, "jt808", vehicle.code)


def _identity(vehicle: Vehicle, drawn: int) -> Identity:
    if vehicle.jt808 is None:
        raise ValueError(f"vehicle {vehicle.code} does not speak JT/T 808")
    number = drawn % 10**8
    return Identity(
        phone=vehicle.terminal,
        version=vehicle.jt808,
        plate=vehicle.plate.replace("·", ""),
        terminal_id=vehicle.terminal[-7:],
        driver=Driver(
            name=_NAMES[drawn % len(_NAMES)],
            identity_number=f"5101001980{number:08d}",
            qualification=f"510100{number:08d}",
            issuer="市交通运输局",
            valid_until="20301231",
        ),
    )
