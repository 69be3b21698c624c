"""Rooms of institutions: their air conditioners and lighting circuits, as subjects of rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city import law, sensors
from simulators.city.circuits import allowed
from simulators.city.deeds import DEEDS, exempt
from simulators.city.happenings import Happening, Rooms, happenings, rooms
from simulators.city.life import Course, Day, bright, joined, midnight_s, ordinary, span
from simulators.city.model import Series, Subject, Tag
from simulators.city.plan import Plan
from simulators.city.sensors import Sensed, Troubles
from simulators.city.spans import Span, Spans, union, without
from simulators.city.weather import COOL, HEAT, natural, seasons

BY_POWER: Final = "x-lamps"
"""Tag of lighting circuits of which only the power is known."""
LANDSCAPE: Final = "landscape-lighting"
"""Tag of lamps that burn every evening."""
_GLOOMY, _AIRY = 0.003, 0.06
"""Share of the light outdoors that reaches a desk."""
_LAMPS_LX: Final = (220.0, 420.0)
_BRIGHT_LAMPS_LX: Final = (450.0, 500.0)
_BRIGHT_LAMPS_SHARE: Final = 0.1
_SILENCES_MIN: Final = (20.0, 600.0)
_COOL_HABITS: Final = (26.0, 26.0, 26.5, 27.0)
_HEAT_HABITS: Final = (20.0, 20.0, 19.0, 18.0)
_RATED_W: Final = (60.0, 400.0)
_WINDOWLESS: Final = frozenset({"corridor", "emergency-lighting", "evacuation-lighting"})


@dataclass(frozen=True, slots=True)
class City:
    """What is the same for all rooms.

    Attributes:
        plan: the scenario.
        seed: of everything.
        rooms: what each is.
        happenings: room → day → what is out of the ordinary.
        troubles: (room, device) → what happens to it; ``ac`` and ``lamp``.
        seasons: by day.
    """

    plan: Plan
    seed: int
    rooms: Rooms
    happenings: dict[int, dict[int, Happening]]
    troubles: dict[tuple[int, str], Troubles]
    seasons: NDArray[np.int64]

    @property
    def span(self) -> Span:
        """All of the time, s UTC."""
        return span(self.plan)

    @property
    def hours(self) -> Spans:
        """When people are expected."""
        plan = self.plan
        return [
            (midnight_s(day) + plan.opens * 60, midnight_s(day) + plan.closes * 60)
            for day in range(plan.first, plan.first + plan.days)
            if plan.works(day)
        ]


def city(plan: Plan, seed: int) -> City:
    """Make up a city.

    Raises:
        ValueError: it is too small for what is wanted of it.
    """
    which, weather = rooms(plan, seed), seasons(plan, seed)
    found = happenings(plan, seed, which, weather)
    return City(plan, seed, which, found, _troubles(plan, seed), weather)


def live(plan: Plan, seed: int) -> Callable[[int], list[Subject]]:
    """Make up a city; return what makes up the subjects of one of its institutions.

    Raises:
        ValueError: it is too small for what is wanted of it.
    """
    return partial(institution, city(plan, seed))


def institution(of: City, number: int) -> list[Subject]:
    """Return the subjects of an institution, from 0 on."""
    each = of.plan.rooms
    return [
        one for room in range(number * each, (number + 1) * each) for one in _subjects(of, room)
    ]


def _subjects(of: City, room: int) -> list[Subject]:
    rng = np.random.default_rng([of.seed, 3, room])
    tag = of.rooms.exempt.get(room)
    share = 0.0 if tag in _WINDOWLESS else math.exp(rng.uniform(math.log(_GLOOMY), math.log(_AIRY)))
    light = natural(of.plan, of.seed, room, share)
    course = _course(of, room, light, rng)
    devices = {name: _device(of, room, name) for name in ("ac", "lamp")}
    aircon = tuple(sensors.aircon(course, devices["ac"]))
    lamps = tuple(_lamps(of, room, course, light.reshape(-1), rng))
    told = ((devices["ac"], aircon), (devices["lamp"], lamps))
    silent = {one.point: device.troubles.silent for device, those in told for one in those}
    true = law.conditions(course, of.hours, tag)
    found = law.cases(true, course, light.reshape(-1), of.span[0], silent)
    if tag == LANDSCAPE:  # It is no case here, and not within the timetable either.
        true["lighting.landscape"] = without(course.lamp, allowed(of.plan, "lighting.landscape"))
    by_power = (Tag(BY_POWER),) if room in of.rooms.power_only else ()
    people = tuple(one for one in lamps if one.point == "occupancy")
    tags = (*((Tag(tag),) if tag else ()), *(Tag("overtime", a, b) for a, b in course.orders))
    marked = tuple((name, [span]) for name, span in course.marked)

    def subject(name: str, series: tuple[Series, ...], beside: tuple[Series, ...]) -> Subject:
        family = "aircon." if name == "ac" else "lighting."
        return Subject(
            f"i{room // of.plan.rooms:03}-r{room:04}-{name}",
            series,
            beside,
            tags if name == "ac" else (*tags, *by_power),
            tuple(one for one in found if one.kind.startswith(family)),
            {kind: spans for kind, spans in true.items() if kind.startswith(family)},
            marked,
        )

    return [subject("ac", aircon, people), subject("lamp", lamps, ())]


def _lamps(
    of: City, room: int, course: Course, light: NDArray[np.float64], rng: np.random.Generator
) -> list[Series]:
    """What the lighting circuit of a room tells; ``light`` by quarter hour."""
    device = _device(of, room, "lamp")
    if room in of.rooms.power_only:
        return sensors.power(course, device, rng.uniform(*_RATED_W))
    bright_lamps = rng.random() < _BRIGHT_LAMPS_SHARE
    lx = rng.uniform(*(_BRIGHT_LAMPS_LX if bright_lamps else _LAMPS_LX))
    return sensors.lamps(course, device, light, lx)


def _course(of: City, room: int, light: NDArray[np.float64], rng: np.random.Generator) -> Course:
    plan = of.plan
    habit = {COOL: float(rng.choice(_COOL_HABITS)), HEAT: float(rng.choice(_HEAT_HABITS))}
    tag = of.rooms.exempt.get(room)
    happens = of.happenings.get(room, {})
    days: list[tuple[int, Course]] = []
    for number in range(plan.days):
        own = np.random.default_rng([of.seed, 4, room, number])
        works = plan.works(plan.first + number)
        bounds = plan.opens * 60, plan.closes * 60
        day = Day(works, *bounds, int(of.seasons[number]), light[number], habit, own)
        day.course.bright = bright(light[number])
        if tag is not None:
            exempt(day, tag)
        else:
            ordinary(day)
            if number in happens:
                DEEDS[happens[number].name](day, happens[number])
        days.append((midnight_s(plan.first + number), day.course))
    return joined(days, (COOL, habit[COOL]))


def _device(of: City, room: int, name: str) -> Sensed:
    rng = np.random.default_rng([of.seed, 5, room, len(name)])
    troubles = of.troubles.get((room, name), Troubles())
    return Sensed(of.span, rng, troubles, int(rng.choice(sensors.POLLS_S)))


def _troubles(plan: Plan, seed: int) -> dict[tuple[int, str], Troubles]:
    rng = np.random.default_rng([seed, 6])
    begin, end = span(plan)
    low, high = (math.log(minutes * 60) for minutes in _SILENCES_MIN)
    found: dict[tuple[int, str], Troubles] = {}
    for name, count in plan.disturbances.items():
        for _ in range(count):
            key = int(rng.integers(plan.institutions * plan.rooms)), ("ac", "lamp")[rng.integers(2)]
            one = found.setdefault(key, Troubles())
            at = int(rng.integers(begin, end - 86_400))
            _happens(one, name, (at, at + int(math.exp(rng.uniform(low, high)))))
    for one in found.values():
        one.gone, one.late = union(one.gone), union(one.late)
    return found


def _happens(one: Troubles, name: str, when: Span) -> None:
    if name == "replacement":
        one.replaced = when[0]
    elif name == "glitch":
        one.glitches.append(when[0])
    elif name == "late":
        one.late.append(when)
    else:
        one.gone.append(when)
        if name == "unknown":
            one.unknown.append(when)
