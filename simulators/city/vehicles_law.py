"""What is waste of vehicles, told from where they really were and what was really approved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from simulators.city.life import midnight_s
from simulators.city.model import Case
from simulators.city.plan import By, Plan
from simulators.city.spans import Span, Spans, common, length, union, without
from simulators.city.vehicles_life import Course
from simulators.city.vehicles_model import NIGHT, TAIL_HOURS, YARD_M, Car, Leg, Point
from simulators.city.vehicles_wishes import at_rest, tail_day

LEAST_S: Final = 600
_DAY: Final = 86_400
_LEAST_KM: Final = 0.25
_NEAR_S: Final = 120


def driven(plan: Plan, course: Course, silent: Spans) -> tuple[dict[str, Spans], list[Case]]:
    """Return when a vehicle drove, or stood elsewhere, as it must not; and the cases of that.

    Args:
        plan: the scenario.
        course: its life.
        silent: when its terminal told nothing.
    """
    begin = midnight_s(plan.first)
    legs = [one for one in course.legs if one.end_s > begin - _DAY]
    permitted = union(_approved(legs), course.duty)
    car = course.car
    hours = _out_of_hours(plan, legs, permitted)
    nights = _not_in_yard(plan, car, legs, permitted)
    still = _moved(_days(plan, car), legs, permitted)
    tail = _moved(_tails(plan, car), legs, permitted)
    true = {
        "vehicle.out_of_hours": [] if car.exempt else [span for span, _ in hours],
        "vehicle.not_in_yard": [] if car.exempt else nights,
        "vehicle.sealed_moved": [] if car.word else [day for day, _, _ in still],
        "vehicle.plate_tail": [] if car.without_tail else [day for day, _, _ in tail],
    }
    open_ = [midnight_s(_day(o.out_s)) for o in course.orders if o.back_s is None]
    unclear = union((at, at + 2 * _DAY) for at in open_)
    cases = [
        *_timed("vehicle.out_of_hours", true, hours, union(silent, unclear), car.orders),
        *_timed("vehicle.not_in_yard", true, _whole(nights), union(silent, unclear), told=True),
        *_by_km("vehicle.sealed_moved", true, still, union(silent, unclear)),
        *_by_km("vehicle.plate_tail", true, tail, union(silent, unclear)),
    ]
    return true, [one for one in cases if one.until_s > begin]


def _day(at_s: int) -> int:
    return (at_s + 8 * 3_600) // _DAY


def _approved(legs: Iterable[Leg]) -> Spans:
    return union(_outings([one for one in legs if one.ordered]).values())


def _outings(legs: Iterable[Leg]) -> dict[int, Span]:
    """Return each outing, from when it left until it came back."""
    found: dict[int, Span] = {}
    for one in legs:
        begun = found.get(one.outing, (one.begin_s, 0))[0]
        found[one.outing] = begun, one.end_s
    return found


def _out_of_hours(plan: Plan, legs: Sequence[Leg], permitted: Spans) -> list[tuple[Span, float]]:
    """Return outings as far as they were out of hours and not approved, with minutes driven."""
    days = range(plan.first - 2, plan.first + plan.days + 1)
    hours = [
        (midnight_s(day) + plan.opens * 60, midnight_s(day) + plan.closes * 60)
        for day in days
        if plan.works(day)
    ]
    ways = union((one.begin_s, one.end_s) for one in legs)
    out = without(without(union(_outings(legs).values()), permitted), hours)
    return [(span, length(common([span], ways)) / 60) for span in out]


def _not_in_yard(plan: Plan, car: Car, legs: Sequence[Leg], permitted: Spans) -> Spans:
    """Return the time of nights that it was elsewhere; who is under way then comes home first."""
    nights = [
        (midnight_s(day) + NIGHT[0], midnight_s(day) + NIGHT[1])
        for day in range(plan.first - 1, plan.first + plan.days)
    ]
    running = [
        (begin, one.end_s) for begin, _ in nights for one in legs if one.begin_s < begin < one.end_s
    ]
    away = (
        [
            (one.begin_s, after.begin_s if not _home(one.end, car) else one.end_s)
            for one, after in zip(legs, [*legs[1:], legs[-1]], strict=True)
        ]
        if legs
        else []
    )
    return without(without(common(nights, union(away)), permitted), union(running))


def _home(place: Point, car: Car) -> bool:
    return any(math.dist(place, yard) <= YARD_M for yard in car.yards)


def _days(plan: Plan, car: Car) -> Spans:
    days = range(plan.first, plan.first + plan.days)
    return [(midnight_s(d), midnight_s(d + 1)) for d in days if at_rest(plan, car, d)]


def _tails(plan: Plan, car: Car) -> Spans:
    days = range(plan.first, plan.first + plan.days)
    begin, end = TAIL_HOURS
    return [(midnight_s(d) + begin, midnight_s(d) + end) for d in days if tail_day(car, d)]


Moved = tuple[Span, Span, float]
"""A day, from when to when it was out on it, and how many kilometres."""


def _moved(days: Spans, legs: Sequence[Leg], permitted: Spans) -> list[Moved]:
    found = []
    for day in days:
        # As a rule nobody moves on such a day.
        its = [one for one in legs if one.begin_s < day[1] and one.end_s > day[0]]
        parts = [(without(common([day], [(o.begin_s, o.end_s)]), permitted), o) for o in its]
        km = sum(length(s) / (o.end_s - o.begin_s) * o.metres / 1_000 for s, o in parts)
        spans = union(*(spans for spans, _ in parts))
        if km > 0:
            found.append((day, (spans[0][0], spans[-1][1]), km))
    return found


def _whole(spans: Spans) -> list[tuple[Span, float]]:
    return [(span, length([span]) / 60) for span in union(spans, bridge=_NEAR_S)]


def _timed(
    kind: str,
    true: dict[str, Spans],
    found: Iterable[tuple[Span, float]],
    unseen: Spans,
    told: bool,
) -> Iterator[Case]:
    for span, minutes in found:
        if minutes >= LEAST_S / 60 and common([span], true[kind]):
            yield Case(kind, *span, {By.MINUTES: minutes}, told and _seen(span, unseen))


def _by_km(
    kind: str, true: dict[str, Spans], found: Iterable[Moved], unseen: Spans
) -> Iterator[Case]:
    for day, span, km in found:
        if km >= _LEAST_KM and common([day], true[kind]):
            yield Case(kind, *span, {By.KILOMETRES: km}, _seen(span, unseen))


def _seen(span: Span, unseen: Spans) -> bool:
    return length(common([span], unseen)) * 3 <= length([span])
