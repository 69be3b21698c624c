"""The days of a vehicle: when it is out, where, by whose order, and where it sleeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulators.city.life import midnight_s
from simulators.city.plan import Plan
from simulators.city.spans import Spans, union
from simulators.city.vehicles_model import NIGHT, Car, Leg, Order, Point
from simulators.city.vehicles_wishes import HISTORY, Wish, Wishes, at_rest, tail_day

_MINUTE: Final = 60
_HOUR: Final = 3_600
_TOWN, _ROAD = 35 / 3.6, 70 / 3.6
"""How fast people drive, m/s."""
BENT: Final = 1.3
"""A way is so much longer than its straight line."""
_SLOTS: Final = ((500, 720), (810, 1_110))
"""When ordinary outings begin and end at the latest, minutes of the day."""
_DRAWS: Final = 8
_ON_TAIL_DAYS: Final = 0.25
_AT_NIGHT: Final = 0.25
_UNSAID: Final = 0.01


@dataclass(slots=True)
class Course:
    """A life while it is made up."""

    car: Car
    where: Point
    legs: list[Leg] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    duty: Spans = field(default_factory=list)
    idle: Spans = field(default_factory=list)
    marked: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    outing: int = 0

    def drive(self, begin_s: int, to: Point, *, ordered: bool, speed: float = _TOWN) -> int:
        """Drive somewhere; return when it is there."""
        metres = BENT * math.dist(self.where, to)
        end_s = begin_s + max(round(metres / speed), 1)
        leg = Leg(begin_s, end_s, self.where, to, metres, self.outing, ordered)
        self.legs.append(leg)
        self.where = to
        return end_s

    def round(  # noqa: PLR0913 - an outing, each part by its name
        self,
        begin_s: int,
        there: Point,
        wait_s: int,
        *,
        ordered: bool,
        back: Point | None = None,
        speed: float = _TOWN,
    ) -> int:
        """Drive somewhere, stay, and come back; return when."""
        self.outing += 1
        left = self.drive(begin_s, there, ordered=ordered, speed=speed) + wait_s
        return self.drive(left, back or self.car.yards[0], ordered=ordered, speed=speed)

    def order(self, out_s: int, back_s: int, *, step_s: int = 600, returns: bool = True) -> None:
        """Write down an order: times are rounded away from the way, or to whole steps."""
        if self.car.orders:
            half = step_s // 2 if step_s >= _HOUR else 0
            out = (out_s + half) // step_s * step_s
            back = -((half - back_s) // step_s) * step_s if half else -(-back_s // step_s) * step_s
            self.orders.append(Order(len(self.orders), out, back if returns else None))


def live(plan: Plan, seed: int, car: Car, wishes: Wishes) -> Course:
    """Live a vehicle's days, from long before the city's on."""
    rng = np.random.default_rng([seed, 33, car.number])
    begun = max(plan.first - HISTORY, car.since)
    end = plan.first + plan.days
    draws = rng.random((end - begun, len(_SLOTS), _DRAWS)).tolist()
    course = Course(car, car.yards[0])
    for day, drawn in zip(range(begun, end), draws, strict=True):
        wish = wishes.days.get((car.number, day), Wish(""))
        _home(course, day)
        _usual(course, plan, day, drawn, wish)
        if wish.name:
            _DEEDS[wish.name](course, plan, day, wish.size, rng)
        elif _may(plan, car, day) and drawn[0][7] < _AT_NIGHT:
            _at_night(course, day, rng)
    course.duty = union(course.duty)
    return course


def _may(plan: Plan, car: Car, day: int) -> bool:
    """Whether it drives without an order: for emergencies on every day."""
    return bool(car.word) or (car.exempt and not at_rest(plan, car, day))


def _usual(course: Course, plan: Plan, day: int, drawn: list[list[float]], wish: Wish) -> None:
    """Live the outings of a workday, all of them ordered."""
    car = course.car
    away = course.legs and course.legs[-1].end_s > midnight_s(day) + 8 * _HOUR
    if away or not plan.works(day) or at_rest(plan, car, day) or course.where != car.yards[0]:
        return
    # What is bound by its plate mostly stays; who keeps no orders always does.
    busy = car.busy * (_ON_TAIL_DAYS * car.orders if tail_day(car, day) else 1.0)
    if wish.name == "vehicle.plate_tail":
        return
    for (first, last), one in zip(_SLOTS, drawn, strict=True):
        if one[0] >= busy:
            continue
        begin = midnight_s(day) + int((first + 60 * one[1]) * _MINUTE)
        most = (midnight_s(day) + last * _MINUTE - begin - 600) * _TOWN
        way = min(car.km * 1_000 * math.exp(1.4 * (one[2] - 0.5)), most)
        wait = int(600 + 3_000 * one[3])
        there = _at(car.yards[0], way / 2 / BENT, one[4])
        wait = min(
            wait, max(600, midnight_s(day) + (last + 40) * _MINUTE - begin - int(way / _TOWN))
        )
        ends = course.round(begin, there, wait, ordered=True)
        course.order(begin - int(600 * one[5]), ends + int(600 * one[5]), returns=one[6] >= _UNSAID)


def _at(start: Point, metres: float, turn: float) -> Point:
    angle = 2 * math.pi * turn
    return start[0] + metres * math.cos(angle), start[1] + metres * math.sin(angle)


def _home(course: Course, day: int) -> None:
    """Bring it to its yard before it works, when it slept elsewhere."""
    if course.where != course.car.yards[0] and math.dist(course.where, course.car.yards[0]) < 2e4:
        course.outing += 1
        begin = midnight_s(day) + 455 * _MINUTE
        course.order(begin, course.drive(begin, course.car.yards[0], ordered=True))


def _after_hours(plan: Plan, day: int, rng: np.random.Generator) -> int:
    """Return when somebody leaves in the evening, or by day when nobody works."""
    low, high = (plan.closes + 15, plan.closes + 60) if plan.works(day) else (540, 840)
    return midnight_s(day) + int(rng.integers(low, high)) * _MINUTE


def _by_minutes(minutes: float, yard: Point, rng: np.random.Generator) -> Point:
    return _at(yard, minutes / 2 * _MINUTE * _TOWN / BENT, rng.random())


def _out_of_hours(
    course: Course, plan: Plan, day: int, minutes: float, rng: np.random.Generator
) -> None:
    there = _by_minutes(minutes * 1.02, course.where, rng)
    course.round(_after_hours(plan, day, rng), there, int(rng.integers(900, 5_400)), ordered=False)


def _overtime(course: Course, plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    _evening(course, plan, day, rng, 600, "overtime_order")


def _written_after(
    course: Course, plan: Plan, day: int, _: float, rng: np.random.Generator
) -> None:
    _evening(course, plan, day, rng, _HOUR, "written_after")


def _evening(  # noqa: PLR0913, PLR0917 - who, when, and how it is written down
    course: Course, plan: Plan, day: int, rng: np.random.Generator, step_s: int, name: str
) -> None:
    begin = _after_hours(plan, day, rng)
    there = _by_minutes(rng.uniform(20, 100), course.where, rng)
    end = course.round(begin, there, int(rng.integers(900, 5_400)), ordered=True)
    course.order(begin, end, step_s=step_s)
    course.marked.append((name, (begin, end)))


def _late_return(course: Course, _plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    """Come home behind the hour, by an order that says an earlier time."""
    there = _by_minutes(rng.uniform(80, 160), course.where, rng)
    leg = BENT * math.dist(course.where, there) / _TOWN
    back = midnight_s(day) + NIGHT[0] - int(leg * rng.uniform(0.2, 0.8))
    begin = back - int(leg) - int(rng.integers(600, 1_200))
    end = course.round(begin, there, back - begin - int(leg), ordered=True)
    course.order(begin, midnight_s(day) + NIGHT[0])
    course.marked.append(("late_return", (begin, end)))


def _order_before(course: Course, plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    """Leave on the evening before, by an order of two days."""
    begin = _after_hours(plan, day, rng)
    there = _at(course.where, rng.uniform(5e4, 12e4), rng.random())
    course.outing += 1
    course.drive(begin, there, ordered=True, speed=_ROAD)
    back = midnight_s(day + 1) + int(rng.integers(780, 900)) * _MINUTE
    end = course.drive(back, course.car.yards[0], ordered=True, speed=_ROAD)
    course.order(begin, end)
    course.marked.append(("order_before", (begin, end)))


def _no_return(course: Course, plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    """Work in the evening, by an order that says no return."""
    begin = _after_hours(plan, day, rng)
    end = course.round(begin, _by_minutes(60, course.where, rng), 1_800, ordered=True)
    course.order(begin, end, returns=False)
    course.marked.append(("no_return", (begin, end)))


def _duty(course: Course, _plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    span = midnight_s(day) + 8 * _HOUR, midnight_s(day) + 20 * _HOUR
    course.duty.append(span)
    for hour in (9, 14):
        begin = midnight_s(day) + hour * _HOUR + int(rng.integers(0, 3_600))
        course.round(begin, _by_minutes(rng.uniform(20, 90), course.where, rng), 900, ordered=False)
    course.marked.append(("duty", span))


def _not_in_yard(
    course: Course, _plan: Plan, day: int, minutes: float, rng: np.random.Generator
) -> None:
    night = midnight_s(day) + NIGHT[0]
    asked = int(minutes * 1.02 * _MINUTE)
    if minutes < 300 and rng.random() < 0.5:
        begin = night + int(rng.integers(1_800, 27_000 - asked))
        there = _by_minutes(min(minutes / 2, 40), course.where, rng)
        drives = 2 * round(BENT * math.dist(course.where, there) / _TOWN)
        course.round(begin, there, asked - drives, ordered=False)
        return
    course.outing += 1
    left = midnight_s(day) + int(rng.integers(1_070, 1_100)) * _MINUTE
    course.order(left, course.drive(left, course.car.home, ordered=True))
    if minutes < 480:
        course.outing += 1
        leg = round(BENT * math.dist(course.where, course.car.yards[0]) / _TOWN)
        course.drive(night + asked - leg, course.car.yards[0], ordered=False)


def _other_yard(course: Course, _plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    begin = midnight_s(day) + int(rng.integers(1_060, 1_090)) * _MINUTE
    course.outing += 1
    end = course.drive(begin, course.car.yards[1], ordered=True)
    course.order(begin, end)
    span = midnight_s(day) + NIGHT[0], midnight_s(day) + NIGHT[1]
    course.marked.append(("other_yard", span))


def _by_km(course: Course, _plan: Plan, day: int, km: float, rng: np.random.Generator) -> None:
    begin = midnight_s(day) + int(rng.integers(540, 840)) * _MINUTE
    there = _at(course.where, km * 1.02 * 500 / BENT, rng.random())
    course.round(begin, there, int(rng.integers(1_800, 5_400)), ordered=False)


def _shifted(course: Course, _plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    """Put it elsewhere in its yard, for the sweepers."""
    begin = midnight_s(day) + int(rng.integers(540, 840)) * _MINUTE
    there = _at(course.where, rng.uniform(20, 60), rng.random())
    end = course.round(begin, there, 1_800, ordered=True, speed=2.0)
    course.marked.append(("shifted", (begin, end)))


def _warmed_up(course: Course, _plan: Plan, day: int, _: float, rng: np.random.Generator) -> None:
    """Let the engine run where it stands, for the battery."""
    begin = midnight_s(day) + int(rng.integers(540, 840)) * _MINUTE
    span = begin, begin + int(rng.integers(300, 2_400))
    course.idle.append(span)
    course.marked.append(("warmed_up", span))


def _at_night(course: Course, day: int, rng: np.random.Generator) -> None:
    """Drive as who is exempt does: without an order, at any time of the evening and night."""
    begin = midnight_s(day) + int(rng.integers(1_190, 1_500)) * _MINUTE
    there = _by_minutes(rng.uniform(20, 90), course.where, rng)
    end = course.round(begin, there, int(rng.integers(600, 5_400)), ordered=False)
    course.marked.append(("exempt", (begin, end)))


_DEEDS: Final = {
    "vehicle.out_of_hours": _out_of_hours,
    "vehicle.not_in_yard": _not_in_yard,
    "vehicle.sealed_moved": _by_km,
    "vehicle.plate_tail": _by_km,
    "overtime_order": _overtime,
    "written_after": _written_after,
    "order_before": _order_before,
    "late_return": _late_return,
    "no_return": _no_return,
    "other_yard": _other_yard,
    "duty": _duty,
    "shifted": _shifted,
    "warmed_up": _warmed_up,
}
