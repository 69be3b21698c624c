"""A room's days as they really were: who was there, what ran and how, which lamps burned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators import almanac
from simulators.city.plan import Plan
from simulators.city.spans import Span, Spans, common, union, without
from simulators.city.weather import COOL, HEAT

LIMIT_C: Final = {COOL: 26.0, HEAT: 20.0}
DARK_LX: Final = 300.0
Setting = tuple[int, float]
"""Mode and set point, ℃."""
Run = tuple[int, int, Setting]
"""First second, first second after, how it was set."""


@dataclass(slots=True)
class Course:
    """What was true of a room, s UTC.

    Attributes:
        people: somebody was there.
        still: somebody was there and sat so still that no sensor of movement sees it.
        lamp: the lamps burned.
        run: the air conditioner ran, as it was set; ascending.
        idle: how its remote control was left while it did not run: from when on.
        orders: approved overtime.
        visits: cleaners were there.
        bright: there was natural light enough to do without lamps.
        marked: what only looks like waste, by name.
    """

    people: Spans = field(default_factory=list)
    still: Spans = field(default_factory=list)
    lamp: Spans = field(default_factory=list)
    run: list[Run] = field(default_factory=list)
    idle: list[tuple[int, Setting]] = field(default_factory=list)
    orders: Spans = field(default_factory=list)
    visits: Spans = field(default_factory=list)
    bright: Spans = field(default_factory=list)
    marked: list[tuple[str, Span]] = field(default_factory=list)


@dataclass(slots=True)
class Day:
    """One day of a room while it is made up; s from its midnight.

    Attributes:
        works: whether people are expected.
        opens: from when.
        closes: until when.
        season: of :mod:`simulators.city.weather`.
        light: natural, lx by quarter hour.
        habit: how these people set it in cooling and in heating.
        rng: of this room and day.
        course: of this day alone.
        dark: when lamps are needed.
    """

    works: bool
    opens: int
    closes: int
    season: int
    light: NDArray[np.float64]
    habit: dict[int, float]
    rng: np.random.Generator
    course: Course = field(default_factory=Course)
    dark: Spans = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dark = quarters(self.light < DARK_LX)

    def between(self, low: float, high: float) -> int:
        """Return a moment between two, in minutes of the day, as seconds."""
        return int(self.rng.uniform(low, high) * 60)

    def setting(self) -> Setting:
        """How people of this room set it on such a day."""
        return self.season, self.habit.get(self.season, 25.0)

    def lives(self, people: Spans) -> None:
        """People are there, with lamps where it is dark, and the air conditioner in its season."""
        self.course.people = people
        self.course.lamp = common(people, self.dark)
        self.course.run = []
        if self.season in self.habit:
            self.course.run = [(begin, end, self.setting()) for begin, end in people]

    def runs(self, begin: int, end: int, setting: Setting) -> None:
        """It runs so in this time, whatever it does otherwise."""
        spans = [((a, b), how) for a, b, how in self.course.run]
        rest = [(a, b, how) for span, how in spans for a, b in without([span], [(begin, end)])]
        self.course.run = sorted([*rest, (begin, end, setting)])

    def burns(self, begin: int, end: int) -> None:
        """The lamps burn in this time, whatever they do otherwise."""
        self.course.lamp = union(self.course.lamp, [(begin, end)])

    def leave(self, begin: int, end: int) -> None:
        """Nobody is there in this time."""
        self.course.people = without(self.course.people, [(begin, end)])

    def mark(self, name: str, begin: int, end: int) -> None:
        """Note what only looks like waste."""
        self.course.marked.append((name, (begin, end)))

    def whole(self) -> Span:
        """Return from when to when somebody is there on a long day without a break."""
        return self.opens + 10 * 60, self.closes - 5 * 60

    def within(self, minutes: float) -> Span:
        """Return so many minutes somewhere in the long day, or as many as it has."""
        first, last = self.whole()
        most = min(int(minutes * 60), last - first - 120)
        begin = first + 60 + int(self.rng.uniform(0, last - first - most - 60))
        return begin, begin + most


def quarters(chosen: NDArray[np.bool_]) -> Spans:
    """Return the quarter hours that are chosen as spans, s from the first."""
    padded = np.r_[False, chosen, False].astype(np.int8)
    steps = np.diff(padded)
    pairs = zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
    return [(int(a) * 900, int(b) * 900) for a, b in pairs]


def ordinary(day: Day) -> None:
    """A day of thrifty people: they switch off when they leave."""
    if not day.works:
        return
    arrive, leave = day.between(480, 525), day.between(1_035, 1_125)
    if day.rng.random() < 0.2:
        day.lives([(arrive, leave)])
        return
    day.lives([(arrive, day.between(710, 735)), (day.between(795, 825), leave)])


def joined(days: list[tuple[int, Course]], idle: Setting) -> Course:
    """Return days, each from its midnight on (s UTC), as one course.

    Args:
        days: ascending; what goes on beyond midnight stays what it is.
        idle: how the remote control was left before the first day.
    """
    found = Course(idle=[(days[0][0], idle)])

    def moved(name: str) -> Spans:
        parts = [[(a + at, b + at) for a, b in getattr(one, name)] for at, one in days]
        return union(*parts)

    for name in ("people", "still", "lamp", "orders", "visits", "bright"):
        setattr(found, name, moved(name))
    found.run = _apart([(a + at, b + at, how) for at, one in days for a, b, how in one.run])
    found.idle += [(moment + at, how) for at, one in days for moment, how in one.idle]
    found.marked = [(n, (a + at, b + at)) for at, one in days for n, (a, b) in one.marked]
    return found


def _apart(runs: list[Run]) -> list[Run]:
    """Where two overlap, the later one was set last."""
    found: list[Run] = []
    for begin, end, how in sorted(runs):
        if found and found[-1][1] > begin:
            found[-1] = (found[-1][0], begin, found[-1][2])
        found.append((begin, end, how))
    return [one for one in found if one[0] < one[1]]


def span(plan: Plan) -> Span:
    """Return all of a scenario's time, s UTC."""
    return midnight_s(plan.first), midnight_s(plan.first + plan.days)


def midnight_s(day: int) -> int:
    """Return a local day's midnight, s UTC."""
    return almanac.start_of(day) // 1_000_000


def bright(light: NDArray[np.float64]) -> Spans:
    """Return when lamps are not needed: natural light by quarter hour, of one day."""
    return quarters(light >= DARK_LX)
