"""The terminals of a scenario on JT/T 808."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from simulators.county import Size, county
from simulators.jt808 import fleet, messages
from simulators.jt808.habit import Habit
from simulators.jt808.report import Fuel
from simulators.jt808.terminal import Since
from simulators.scenario import Vehicle
from tests.unit.simulators.platforms import Platform, Talk

PLAN = county(7, date(2026, 8, 1), Size(4, 4, 0, 0, vehicles=40, jt808=30))
MOVING = [v for v in PLAN.vehicles if v.jt808 is not None]
BEGIN = PLAN.since_us + 34 * 3600 * 1_000_000


def test_terminals_behave_differently_and_always_the_same() -> None:
    habits = [fleet.habit_of(PLAN, v) for v in MOVING]
    assert len(MOVING) == 30
    assert {habit.newest_first for habit in habits} == {True, False}
    assert len({habit.batch for habit in habits}) == 3
    assert habits == [fleet.habit_of(PLAN, v) for v in MOVING]


def test_an_electric_vehicle_says_nothing_of_fuel() -> None:
    fuels = {v.energy: fleet.habit_of(PLAN, v).fuel for v in MOVING if v.energy == "electric"}
    assert fuels == {"electric": Fuel.ABSENT}


def test_how_late_it_is_stands_in_the_scenario() -> None:
    late = msgspec.structs.replace(MOVING[0], late_s=86_400)
    assert fleet.habit_of(PLAN, late).late_s == 86_400


@pytest.mark.parametrize("vehicle", MOVING[:3], ids=lambda v: v.jt808)
def test_each_edition_speaks(vehicle: Vehicle) -> None:
    found = Talk(fleet.terminal(PLAN, vehicle, Habit(), Since(0, BEGIN)), Platform(), BEGIN)
    found.connect()
    found.wait(3600)
    assert found.platform.ids[:2] == [messages.REGISTER, messages.AUTHENTICATE]
    assert len(found.platform.numbers) >= 60
    assert found.terminal.stats.wrong.total() == 0


def test_a_vehicle_on_mqtt_has_no_such_terminal() -> None:
    with pytest.raises(ValueError, match="does not speak"):
        fleet.terminal(PLAN, PLAN.vehicles[-1], Habit(), Since(0, BEGIN))
