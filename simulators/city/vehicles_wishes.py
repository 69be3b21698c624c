"""Which vehicle does what out of the ordinary on which day, and which pays or uses too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulators.city.plan import Plan
from simulators.city.vehicles_model import Car

HISTORY: Final = 550
"""Days before the city's: norms are learned from eighteen months."""
_EDGE: Final = 3
"""Nothing happens on the first and last days: nobody looks beyond them."""
_HALF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that is to happen: a kind of case, or what only looks like one."""

    name: str
    size: float = 0.0


@dataclass(slots=True)
class Wishes:
    """All of it.

    Attributes:
        days: (vehicle, local day) → what happens then.
        part: vehicle → (local day, what happens with a part of it).
        upkeep: vehicle → by how many per cent more it is mended for.
        large: vehicles that were truly repaired for much, once.
        fuel: vehicle → (local day from which on, uses or pays more).
    """

    days: dict[tuple[int, int], Wish] = field(default_factory=dict)
    part: dict[int, tuple[int, Wish]] = field(default_factory=dict)
    upkeep: dict[int, float] = field(default_factory=dict)
    large: set[int] = field(default_factory=set)
    fuel: dict[int, tuple[int, Wish]] = field(default_factory=dict)


def wishes(plan: Plan, seed: int, cars: Sequence[Car]) -> Wishes:
    """Give vehicles and days to what a scenario wants.

    Raises:
        ValueError: there are too few.
    """
    rng = np.random.default_rng([seed, 32])
    found = Wishes()
    _give_days(found, plan, cars, rng)
    _give_parts(found, plan, cars, rng)
    bound = [one for one in cars if one.since < plan.first - 400 and one.energy == "petrol"]
    order = iter(rng.permutation(len(bound)).tolist())
    for wish in _wanted(plan, "vehicle.maintenance_cost"):
        found.upkeep[bound[_next(order, wish.name)].number] = wish.size
    for _ in range(plan.vehicle_harmless.get("large_repair", 0)):
        found.large.add(bound[_next(order, "large_repair")].number)
    order = iter([n for n in rng.permutation(len(bound)).tolist() if not bound[n].cap_yuan])
    for kind in ("vehicle.fuel_rate", "vehicle.fuel_cost"):
        for wish in _wanted(plan, kind):
            day = plan.first + int(rng.integers(-75, -5))
            found.fuel[bound[_next(order, kind)].number] = day, wish
    return found


def _wanted(plan: Plan, kind: str) -> Iterator[Wish]:
    for one in plan.wanted:
        if one.kind == kind:
            yield from (Wish(kind, size) for size in one.sizes for _ in range(one.each))


def _next(order: Iterator[int], name: str) -> int:
    found = next(order, None)
    if found is None:
        raise ValueError(f"no vehicle is left for {name}: fewer of it, or more of them")
    return found


def _give_days(found: Wishes, plan: Plan, cars: Sequence[Car], rng: np.random.Generator) -> None:
    taken: set[tuple[int, int]] = set()
    asked = {name: list(_wanted(plan, name)) for name in DAYS if name.startswith("vehicle.")}
    quiet = {name: [Wish(name)] * plan.vehicle_harmless.get(name, 0) for name in HARMLESS}
    days = range(plan.first + _EDGE, plan.first + plan.days - _EDGE)
    for name, those in {**asked, **quiet}.items():
        free = [(one, day) for one in cars for day in days if DAYS[name](plan, one, day)]
        order = iter(rng.permutation(len(free)).tolist())
        for wish in those:
            at = next((n for n in order if (free[n][0].number, free[n][1]) not in taken), None)
            if at is None:
                raise ValueError(f"no vehicle and day is left for {name}: fewer of it, or more")
            car, day = free[at]
            found.days[car.number, day] = wish
            # What follows within twelve hours is one doubt: cases of a vehicle lie apart.
            taken |= {(car.number, day + by) for by in (-2, -1, 0, 1, 2)}


def _give_parts(found: Wishes, plan: Plan, cars: Sequence[Car], rng: np.random.Generator) -> None:
    old = [one for one in cars if one.since < plan.first - 400]
    order = iter(rng.permutation(len(old)).tolist())
    kinds = [*_wanted(plan, "vehicle.repeated_part")]
    kinds += [Wish(name) for name in PARTS for _ in range(plan.vehicle_harmless.get(name, 0))]
    for wish in kinds:
        day = plan.first + int(rng.integers(_EDGE, plan.days - _EDGE))
        found.part[old[_next(order, wish.name)].number] = day, wish


def at_rest(plan: Plan, car: Car, day: int) -> bool:
    """Whether a vehicle is sealed on a local day."""
    return day in plan.holidays or car.sealed[0] <= day < car.sealed[1]


def tail_day(car: Car, day: int) -> bool:
    """Whether a local day is the weekday of its plate: Monday 1 and 6 … Friday 5 and 0."""
    return (day + 3) % 7 == (car.tail - 1) % 5


def _works(plan: Plan, car: Car, day: int) -> bool:
    return plan.works(day) and not at_rest(plan, car, day)


def _plain(plan: Plan, car: Car, day: int) -> bool:
    return not car.exempt and not at_rest(plan, car, day) and car.orders


def _evening(plan: Plan, car: Car, day: int) -> bool:
    return _plain(plan, car, day) and not at_rest(plan, car, day + 1)


def _two(plan: Plan, car: Car, day: int) -> bool:
    return _plain(plan, car, day) and _works(plan, car, day) and _works(plan, car, day + 1)


def _rest(plan: Plan, car: Car, day: int) -> bool:
    return not car.word and at_rest(plan, car, day)


DAYS: Final[dict[str, Callable[[Plan, Car, int], bool]]] = {
    "vehicle.sealed_moved": lambda plan, car, day: (
        _rest(plan, car, day) and not car.exempt and car.orders
    ),
    "shifted": _rest,
    "warmed_up": _rest,
    "duty": lambda plan, car, day: not plan.works(day) and not car.exempt and car.orders,
    "vehicle.plate_tail": lambda plan, car, day: (
        tail_day(car, day) and _two(plan, car, day) and not car.without_tail
    ),
    "vehicle.out_of_hours": _evening,
    "vehicle.not_in_yard": _two,
    "overtime_order": _evening,
    "written_after": _two,
    "order_before": _two,
    "late_return": _two,
    "other_yard": _two,
    "no_return": _two,
}
"""What happens on a day → whether it can; what has the fewest days first."""
HARMLESS: Final = tuple(name for name in DAYS if not name.startswith("vehicle."))
PARTS: Final = ("other_side", "guarantee", "inspected", "in_parts", "other_motor", "no_reading")
"""What happens to parts and only looks like a repetition."""
