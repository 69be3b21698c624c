"""What is waste by the words of the rules people go by, told from what was true, not from readings.

A condition is waste from its first moment; whether it was long enough to be worth a doubt is what a
measurement finds out. Exemptions are those of practice (rooms, circuits, approved overtime).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.life import Course
from simulators.city.model import Case
from simulators.city.plan import MEASURES, By
from simulators.city.spans import Spans, common, length, union, without
from simulators.city.weather import COOL, HEAT

_MINUTE: Final = 60
LEAST_S: Final = 10 * _MINUTE
"""What is shorter nobody calls a case; and a doubt must have as much truth in it."""
_PAUSE_S: Final = 2 * _MINUTE
"""Somebody who looks in, or a lamp that flickers: what lies on both sides is one case."""
_TOLERANCE_C: Final = 0.5
_DAY_AND_NIGHT_S: Final = 24 * 3_600
_TOLD: Final = 2 / 3

_SET_POINT: Final = frozenset({"ward", "laboratory", "server-room", "archive"})
_MANNED: Final = frozenset({"duty-room", "command-room", "fire-control-room"})
_OPEN: Final = frozenset({"service-hall", "canteen"})
_ALWAYS_LIT: Final = frozenset({"emergency-lighting", "evacuation-lighting"})
_NIGHT: Final = frozenset({"landscape-lighting"})
EXEMPT: Final[Mapping[str, frozenset[str]]] = {
    "aircon.cooling": _SET_POINT,
    "aircon.heating": _SET_POINT,
    "aircon.outside_hours": _SET_POINT | _MANNED | _OPEN,
    "aircon.nobody": _SET_POINT | _MANNED,
    "lighting.nobody": _ALWAYS_LIT | _NIGHT | _MANNED | {"corridor", "ward"},
    "lighting.outside_hours": _ALWAYS_LIT | _NIGHT | _MANNED | _OPEN | {"ward"},
    "lighting.daylight": _ALWAYS_LIT,
    "lighting.never_off": _ALWAYS_LIT | _MANNED | {"ward"},
    "lighting.power_never_off": _ALWAYS_LIT | _MANNED | {"ward"},
}
"""Kind → the tags of what is exempt from it."""

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "aircon.cooling": ("run", "mode", "set_point"),
    "aircon.heating": ("run", "mode", "set_point"),
    "aircon.outside_hours": ("run",),
    "aircon.nobody": ("run", "occupancy"),
    "lighting.nobody": ("relay", "occupancy"),
    "lighting.outside_hours": ("relay",),
    "lighting.daylight": ("relay", "lux"),
    "lighting.never_off": ("relay",),
    "lighting.power_never_off": ("power",),
}
"""Kind → the points without which nobody could tell."""


def conditions(course: Course, hours: Spans, tag: str | None) -> dict[str, Spans]:
    """Return for each kind when its condition really held.

    Args:
        course: of the room.
        hours: when people are expected.
        tag: what exempts the room; None: nothing does.
    """
    run = union([(begin, end) for begin, end, _ in course.run])
    expected = union(hours, course.orders)
    found = {
        "aircon.cooling": _set(course, COOL),
        "aircon.heating": _set(course, HEAT),
        "aircon.outside_hours": without(run, expected),
        "aircon.nobody": without(run, course.people),
        "lighting.nobody": without(course.lamp, course.people),
        "lighting.outside_hours": without(course.lamp, union(expected, course.visits)),
        "lighting.daylight": common(course.lamp, course.bright),
        "lighting.never_off": _long(course.lamp),
        "lighting.power_never_off": _long(course.lamp),
    }
    return {kind: spans for kind, spans in found.items() if tag not in EXEMPT[kind]}


def cases(
    held: Mapping[str, Spans],
    course: Course,
    light: NDArray[np.float64],
    first_s: int,
    silent: Mapping[str, Spans],
) -> list[Case]:
    """Return the cases of conditions, with their sizes, and whether the sensors told of them.

    Args:
        held: by kind, from :func:`conditions`.
        course: of the room.
        light: natural, lx by quarter hour.
        first_s: begin of the first quarter hour.
        silent: by point, when the sensors told nothing; kinds whose
            points are not there are not measured.
    """
    found: list[Case] = []
    for kind, spans in held.items():
        if not all(name in silent for name in NEEDS[kind]):
            continue
        missing = union(*(silent[name] for name in NEEDS[kind]))
        for begin, end in union(spans, bridge=_PAUSE_S):
            if end - begin < LEAST_S:
                continue
            unseen = length(common([(begin, end)], missing)) / (end - begin)
            size = {by: _size(by, begin, end, course, light, first_s) for by in MEASURES[kind]}
            found.append(Case(kind, begin, end, size, unseen <= 1 - _TOLD))
    return found


def _set(course: Course, mode: int) -> Spans:
    sign, limit = (-1, 26.0) if mode == COOL else (1, 20.0)
    beyond = _TOLERANCE_C + 1e-6
    return [(a, b) for a, b, (m, c) in course.run if m == mode and sign * (c - limit) > beyond]


def _long(lamp: Spans) -> Spans:
    return [(begin, end) for begin, end in lamp if end - begin >= _DAY_AND_NIGHT_S]


def _size(  # noqa: PLR0913, PLR0917 - what a size can be of
    by: By, begin: int, end: int, course: Course, light: NDArray[np.float64], first_s: int
) -> float:
    if by is By.LUX:
        return float(light[(begin - first_s) // 900 : (end - 1 - first_s) // 900 + 1].mean())
    if by is By.DEGREES:
        limit = {COOL: 26.0, HEAT: 20.0}
        return max(
            abs(degrees - limit[mode])
            for a, b, (mode, degrees) in course.run
            if a < end and begin < b and mode in limit
        )
    return (end - begin) / (3_600 if by is By.HOURS else _MINUTE)
