"""Vehicles of institutions as subjects of rules: their ways, stays and papers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from simulators.city.life import midnight_s
from simulators.city.model import Tag
from simulators.city.plan import VEHICLE_USES, Plan
from simulators.city.spans import Spans, union
from simulators.city.vehicles_law import driven
from simulators.city.vehicles_life import live as live_days
from simulators.city.vehicles_model import Car, Vehicle
from simulators.city.vehicles_papers import papers
from simulators.city.vehicles_wishes import Wishes, wishes

_CLASSES: Final = ("sedan", "sedan", "sedan", "suv", "mpv")
_RATES: Final = {"sedan": 8.6, "suv": 10.2, "mpv": 11.0}
_TANKS: Final = {"sedan": 55, "suv": 65, "mpv": 65}
_YARDS_APART_M: Final = 4_000
_HOME_M: Final = 4_400
_WORD: Final = "emergency-response"


def live(plan: Plan, seed: int) -> Callable[[int], list[Vehicle]]:
    """Make up vehicles; return what makes up those of one of the city's institutions.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    cars = _cars(plan, seed)
    return partial(_institution, plan, seed, cars, wishes(plan, seed, cars))


def _institution(
    plan: Plan, seed: int, cars: list[Car], wanted: Wishes, number: int
) -> list[Vehicle]:
    return [_vehicle(plan, seed, one, wanted) for one in cars if one.institution == number]


def _cars(plan: Plan, seed: int) -> list[Car]:
    rng = np.random.default_rng([seed, 31])
    count = plan.institutions * plan.vehicles
    uses = [use for use in VEHICLE_USES for _ in range(plan.vehicle_uses.get(use, 0))]
    if len(uses) > count:
        raise ValueError(f"{len(uses)} vehicles are wanted for some use: {count} are there")
    order = rng.permutation(count).tolist()
    use_of = dict(zip(order, uses, strict=False))
    return [_car(plan, seed, number, use_of.get(number, "")) for number in range(count)]


def _car(plan: Plan, seed: int, number: int, use: str) -> Car:
    institution = number // plan.vehicles
    where = np.random.default_rng([seed, 36, institution])
    yard = (float(where.uniform(-9e3, 9e3)), float(where.uniform(-9e3, 9e3)))
    rng = np.random.default_rng([seed, 37, number])
    kind = str(rng.choice(_CLASSES))
    angle, turn = rng.uniform(0, 2 * math.pi, 2).tolist()
    begun = int(rng.integers(30, plan.days - 20)) + plan.first
    sealed = (begun, begun + int(rng.integers(5, 15))) if use == "sealed" else (0, 0)
    return Car(
        number=number,
        institution=institution,
        kind=kind,
        use=use if use in {"law", "special", "confidential", "emergency"} else "",
        word=_WORD if use == _WORD else "",
        energy="electric" if use == "electric" else "petrol",
        tail=int(rng.integers(0, 10)),
        tank_l=_TANKS[kind],
        rate=_RATES[kind] * float(np.exp(rng.normal(0, 0.06))),
        yards=(yard, _beside(yard, _YARDS_APART_M, angle)),
        home=_beside(yard, _HOME_M, turn),
        busy=float(rng.uniform(0.5, 0.95)),
        km=float(rng.uniform(28, 55)),
        since=plan.first - 120 if use == "new" else 0,
        sealed=sealed,
        basement=bool(use == "basement"),
        orders=bool(use != "unkept"),
        terminal=True,
        reads=bool(rng.random() < 0.8),
        cap_yuan=200 if use == "capped" else 0,
    )


def _beside(place: tuple[float, float], metres: float, angle: float) -> tuple[float, float]:
    return place[0] + metres * math.cos(angle), place[1] + metres * math.sin(angle)


def _vehicle(plan: Plan, seed: int, car: Car, wanted: Wishes) -> Vehicle:
    course = live_days(plan, seed, car, wanted)
    rng = np.random.default_rng([seed, 38, car.number])
    silent = _silent(plan, rng)
    true, cases = driven(plan, course, silent)
    written = papers(plan, seed, course, wanted)
    marks = [(name, [span]) for name, span in (*course.marked, *written.marked)]
    resets = plan.vehicle_troubles.get("reset", 0) / (plan.institutions * plan.vehicles)
    begin, end = midnight_s(plan.first), midnight_s(plan.first + plan.days)
    return Vehicle(
        code=car.code,
        series=(),
        beside=(),
        tags=(Tag(car.word),) if car.word else (),
        cases=(*cases, *written.cases),
        true={**true, **written.true},
        marked=(*marks, ("silent", silent)),
        car=car,
        legs=tuple(course.legs),
        orders=tuple(course.orders),
        duty=course.duty,
        idle=course.idle,
        silent=silent,
        resets=(int(rng.integers(begin, end)),) if rng.random() < resets else (),
        repairs=tuple(written.repairs),
        fillings=tuple(written.fillings),
    )


def _silent(plan: Plan, rng: np.random.Generator) -> Spans:
    """Return when a terminal told nothing: for some hours, or for days."""
    count = plan.institutions * plan.vehicles
    begin, end = midnight_s(plan.first), midnight_s(plan.first + plan.days - 4)
    found = []
    for name, low, high in (("silence", 2, 10), ("silent_days", 24, 72)):
        for _ in range(int(rng.poisson(plan.vehicle_troubles.get(name, 0) / count))):
            at = int(rng.integers(begin, end))
            found.append((at, at + int(rng.uniform(low, high) * 3_600)))
    return union(found)
