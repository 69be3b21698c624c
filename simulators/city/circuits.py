"""Circuits that run by a timetable, boilers and landscape lighting, as subjects of rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from simulators.city.life import midnight_s, span
from simulators.city.model import Case, Subject, Tag
from simulators.city.plan import TIMED, By, Plan
from simulators.city.sensors import POLLS_S, Sensed, Troubles
from simulators.city.spans import Span, Spans, common, length, union, without

_MINUTE: Final = 60
_LEAST_S: Final = 600
_TAGS: Final = {
    "circuit.outside_schedule": ("boiled-water", "overtime"),
    "lighting.landscape": ("landscape-lighting", "event"),
}
"""Kind → what such circuits are, and what permits more than their timetable."""
_WORKDAY: Final = (390, 1_110)
_HOLIDAY: Final = (1_080, 1_350)
"""When boilers may run on workdays, and landscape lighting on holidays, minutes."""
_PERMITTED_SHARE, _EARLY_SHARE = 0.03, 0.2
_SILENCES: Final = 4
_UNSEEN: Final = 1 / 3

Wishes = dict[tuple[int, int], float]
"""(circuit, day) → for how many minutes it is left on."""


def live(plan: Plan, seed: int) -> Callable[[int], list[Subject]]:
    """Make up circuits; return what makes up those of one of its institutions.

    Raises:
        ValueError: there are too few for what is wanted of them.
    """
    return partial(_institution, plan, seed, _wishes(plan, seed))


def _institution(plan: Plan, seed: int, wishes: Wishes, number: int) -> list[Subject]:
    each = plan.circuits
    return [_circuit(plan, seed, wishes, one) for one in range(number * each, number * each + each)]


def _kind(circuit: int) -> str:
    return TIMED[circuit % len(TIMED)]


def _wishes(plan: Plan, seed: int) -> Wishes:
    rng = np.random.default_rng([seed, 21])
    found: Wishes = {}
    for kind in TIMED:
        mine = [one for one in range(plan.institutions * plan.circuits) if _kind(one) == kind]
        free = [(one, day) for one in mine for day in range(1, plan.days - 2)]
        order = iter(rng.permutation(len(free)).tolist())
        for size in (s for w in plan.wanted if w.kind == kind for s in w.sizes * w.each):
            at = next(order, None)
            if at is None:
                raise ValueError(f"no circuit and day is left for {kind}: fewer of it, or more")
            found[free[at]] = size * rng.uniform(1.02, 1.08)
    return found


def _circuit(plan: Plan, seed: int, wishes: Wishes, circuit: int) -> Subject:
    rng = np.random.default_rng([seed, 22, circuit])
    kind = _kind(circuit)
    tag, permit = _TAGS[kind]
    on: list[Span] = []
    permitted: list[Span] = []
    for day in range(plan.days):
        midnight = midnight_s(plan.first + day)
        minutes = wishes.get((circuit, day))
        on += _usual(plan, kind, plan.first + day, midnight, rng)
        begin = midnight + int(rng.uniform(1_110, 1_140)) * _MINUTE
        if minutes is not None:
            first = _end(plan, kind, plan.first + day, midnight) or begin
            on.append((first, first + int(minutes * _MINUTE)))
        elif rng.random() < _PERMITTED_SHARE:
            permitted.append((begin - 3_600, begin + 4 * 3_600))
            on.append((begin, begin + 3 * 3_600))
    fine = union(allowed(plan, kind), permitted)
    wrong = without(union(on), fine)
    troubles = _troubles(plan, rng)
    sensed = Sensed(span(plan), rng, troubles, int(rng.choice(POLLS_S)))
    return Subject(
        f"c{circuit:04}",
        tuple(sensed.state("relay", union(on))),
        (),
        (Tag(tag), *(Tag(permit, *one) for one in permitted)),
        tuple(_case(kind, one, troubles.silent) for one in wrong if one[1] - one[0] >= _LEAST_S),
        {kind: wrong},
        ((permit, permitted),),
    )


def _case(kind: str, when: Span, silent: Spans) -> Case:
    lasts = when[1] - when[0]
    unseen = length(common([when], silent)) / lasts
    return Case(kind, *when, {By.MINUTES: lasts / _MINUTE}, unseen <= _UNSEEN)


def _bounds(plan: Plan, kind: str, day: int) -> tuple[int, int] | None:
    """When a circuit may run on a day, minutes; None: not at all."""
    if kind == "lighting.landscape":
        return _HOLIDAY if day in plan.holidays else None
    return _WORKDAY if plan.works(day) else None


def allowed(plan: Plan, kind: str) -> Spans:
    """Return when circuits of a kind may run by their timetable."""
    days = range(plan.first, plan.first + plan.days)
    told = ((midnight_s(day), _bounds(plan, kind, day)) for day in days)
    return [(at + b[0] * _MINUTE, at + b[1] * _MINUTE) for at, b in told if b is not None]


def _end(plan: Plan, kind: str, day: int, midnight: int) -> int | None:
    bounds = _bounds(plan, kind, day)
    return None if bounds is None else midnight + bounds[1] * _MINUTE


def _usual(plan: Plan, kind: str, day: int, midnight: int, rng: np.random.Generator) -> Spans:
    """By its timetable; at times somebody is some minutes early."""
    bounds = _bounds(plan, kind, day)
    if bounds is None:
        return []
    early = rng.uniform(0, 8) if rng.random() < _EARLY_SHARE else 0.0
    return [(midnight + int((bounds[0] - early) * _MINUTE), midnight + bounds[1] * _MINUTE)]


def _troubles(plan: Plan, rng: np.random.Generator) -> Troubles:
    begin, end = span(plan)
    low, high = math.log(20 * _MINUTE), math.log(600 * _MINUTE)
    starts = rng.integers(begin, end - 86_400, _SILENCES).tolist()
    gone = union([(at, at + int(math.exp(rng.uniform(low, high)))) for at in starts])
    return Troubles(gone=gone)
