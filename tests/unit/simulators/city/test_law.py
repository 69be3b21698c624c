"""What is waste, told from what was true."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.city.law import cases, conditions
from simulators.city.life import Course
from simulators.city.model import Case
from simulators.city.plan import By
from simulators.city.spans import Spans
from simulators.city.weather import COOL, DRY, HEAT

HOUR = 3_600
HOURS = [(8 * HOUR, 18 * HOUR)]
LIGHT = np.full(96 * 3, 500.0)
TOLD: dict[str, Spans] = {
    name: [] for name in ("run", "mode", "set_point", "relay", "occupancy", "lux")
}


def found(course: Course, tag: str | None = None, silent: dict[str, Spans] = TOLD) -> list[Case]:
    return cases(conditions(course, HOURS, tag), course, LIGHT, 0, silent)


def kinds(course: Course, tag: str | None = None) -> set[str]:
    return {one.kind for one in found(course, tag)}


def ran(mode: int, degrees: float, begin: int = 9, end: int = 10) -> Course:
    span = (begin * HOUR, end * HOUR)
    return Course(people=[span], run=[(*span, (mode, degrees))])


@pytest.mark.parametrize(
    ("mode", "degrees", "kind"),
    [
        (COOL, 25.4, "aircon.cooling"),
        (COOL, 25.5, None),
        (HEAT, 20.6, "aircon.heating"),
        (HEAT, 20.5, None),
        (DRY, 18.0, None),
        (COOL, 30.0, None),
    ],
)
def test_half_a_degree_is_tolerated_and_other_modes_are_none(
    mode: int, degrees: float, kind: str | None
) -> None:
    assert kinds(ran(mode, degrees)) == ({kind} if kind else set())


def test_sizes_are_degrees_from_the_limit_and_minutes() -> None:
    (one,) = found(ran(COOL, 24.0))
    assert one.size == {By.DEGREES: 2.0, By.MINUTES: 60.0}


def test_what_lasts_less_than_ten_minutes_is_no_case() -> None:
    course = Course(people=[(0, 86_400)], run=[(9 * HOUR, 9 * HOUR + 590, (COOL, 20.0))])
    assert found(course) == []


def test_approved_overtime_is_expected_and_cleaners_may_have_light() -> None:
    evening = (19 * HOUR, 21 * HOUR)
    worked = Course(people=[evening], lamp=[evening], run=[(*evening, (COOL, 26.0))])
    assert kinds(worked) == {"aircon.outside_hours", "lighting.outside_hours"}
    worked.orders = [evening]
    assert kinds(worked) == set()
    assert kinds(Course(people=[evening], lamp=[evening], visits=[evening])) == set()


def test_nobody_is_when_nobody_really_is_there() -> None:
    lit = Course(
        people=[(9 * HOUR, 10 * HOUR)], lamp=[(9 * HOUR, 11 * HOUR)], still=[(0, HOUR * 24)]
    )
    (one,) = found(lit)
    assert (one.kind, one.since_s, one.until_s) == ("lighting.nobody", 10 * HOUR, 11 * HOUR)


def test_lamps_by_day_are_a_case_where_it_is_bright_without_them() -> None:
    lit = Course(
        people=[(0, 24 * HOUR)], lamp=[(9 * HOUR, 12 * HOUR)], bright=[(10 * HOUR, 11 * HOUR)]
    )
    (one,) = found(lit)
    assert (one.kind, one.size) == ("lighting.daylight", {By.LUX: 500.0, By.MINUTES: 60.0})


@pytest.mark.parametrize(
    ("tag", "left"),
    [
        (None, {"lighting.nobody", "lighting.outside_hours", "lighting.never_off"}),
        ("emergency-lighting", set()),
        ("corridor", {"lighting.outside_hours", "lighting.never_off"}),
        ("service-hall", {"lighting.nobody", "lighting.never_off"}),
        ("duty-room", set()),
    ],
)
def test_a_tag_exempts_from_what_practice_says(tag: str | None, left: set[str]) -> None:
    assert kinds(Course(lamp=[(0, 30 * HOUR)]), tag) == left


def test_of_what_sensors_did_not_tell_nobody_can_tell() -> None:
    course = ran(COOL, 24.0, 9, 12)
    long, short = [(9 * HOUR, 11 * HOUR)], [(9 * HOUR, 10 * HOUR)]
    assert [one.told for one in found(course, silent={**TOLD, "mode": long})] == [False]
    assert [one.told for one in found(course, silent={**TOLD, "mode": short})] == [True]
    assert found(course, silent={"run": [], "set_point": []}) == []
