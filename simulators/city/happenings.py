"""What happens where and when, out of the ordinary: cases, and what only looks like them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulators.city.plan import MEASURES, By, Plan, Wanted
from simulators.city.weather import COOL, FAN, HEAT

_TRIES: Final = 2_000
_AT_LEAST: Final = 1.0
_AT_MOST: Final = 1.1
"""A case of so many minutes lasts up to a tenth longer: it belongs to its size beyond doubt."""
_SPANS_MIN: Final = (50, 100, 200, 400)
"""How long cases last whose size is something else."""
_BRIGHT_SPANS_MIN: Final = (60, 90, 150)
_FAR_DEGREES: Final = 2.0
_BRIGHT_LX: Final = 700.0
_WEEKEND_SHARE: Final = 0.25
_DAY_MIN: Final = 1_440


@dataclass(frozen=True, slots=True)
class Happening:
    """Something out of the ordinary.

    Attributes:
        name: a kind of waste, or of what is harmless.
        room: number in the city.
        day: from the first of the plan on.
        minutes: how long; 0: as long as such things last.
        extent: degrees beyond the limit, or lx of natural light; 0: neither.
    """

    name: str
    room: int
    day: int
    minutes: float = 0.0
    extent: float = 0.0


@dataclass(frozen=True, slots=True)
class Rooms:
    """Which rooms are what: numbers in the city.

    Attributes:
        exempt: room → its tag.
        power_only: their lighting circuits tell their power alone.
        plain: all others.
    """

    exempt: dict[int, str]
    power_only: frozenset[int]
    plain: tuple[int, ...]


def rooms(plan: Plan, seed: int) -> Rooms:
    """Say which rooms are what.

    Raises:
        ValueError: there are more special rooms than rooms.
    """
    count = plan.institutions * plan.rooms
    order = np.random.default_rng([seed, 1]).permutation(count).tolist()
    words = [word for word, number in plan.exempt.items() for _ in range(number)]
    if len(words) + plan.power_only >= count:
        raise ValueError(f"{len(words)} exempt rooms and {plan.power_only} others: too many")
    exempt = dict(zip(order, words, strict=False))
    behind = len(words) + plan.power_only
    return Rooms(exempt, frozenset(order[len(words) : behind]), tuple(order[behind:]))


def happenings(
    plan: Plan, seed: int, of: Rooms, seasons: NDArray[np.int64]
) -> dict[int, dict[int, Happening]]:
    """Say what happens in which room on which day: one thing a day at most.

    Raises:
        ValueError: the city is too small, or no season fits, for all that is wanted.
    """
    rng = np.random.default_rng([seed, 2])
    diary = _Diary(plan, of, seasons, rng)
    mine = [one for one in plan.wanted if one.kind in MEASURES]
    for wanted in sorted(mine, key=lambda one: -_days(max(one.sizes), one.by)):
        for size in wanted.sizes:
            for _ in range(wanted.each):
                diary.enter(_case(wanted, size, rng))
    for name, count in plan.harmless.items():
        for _ in range(count):
            diary.enter(Happening(name, 0, 0))
    return diary.found


def _case(wanted: Wanted, size: float, rng: np.random.Generator) -> Happening:
    longer = rng.uniform(_AT_LEAST, _AT_MOST)
    if wanted.by is By.HOURS:
        return Happening(wanted.kind, 0, 0, size * 60 * longer)
    if wanted.by is By.MINUTES:
        usual = _BRIGHT_LX if wanted.kind == "lighting.daylight" else _FAR_DEGREES
        return Happening(wanted.kind, 0, 0, size * longer, usual)
    spans = _BRIGHT_SPANS_MIN if wanted.by is By.LUX else _SPANS_MIN
    return Happening(wanted.kind, 0, 0, float(rng.choice(spans)), size)


def _days(size: float, by: By) -> int:
    return math.ceil(size / 24) if by is By.HOURS else 1


@dataclass(slots=True)
class _Diary:
    """Enters what happens on days of rooms that are free."""

    plan: Plan
    of: Rooms
    seasons: NDArray[np.int64]
    rng: np.random.Generator

    found: dict[int, dict[int, Happening]] = field(default_factory=dict)
    taken: set[tuple[int, int]] = field(default_factory=set)

    def enter(self, one: Happening) -> None:
        by_power = one.name == "lighting.power_never_off"
        among = sorted(self.of.power_only) if by_power else self.of.plain
        days = math.ceil(one.minutes / _DAY_MIN) + 1 if one.minutes > _DAY_MIN else 1
        for _ in range(_TRIES if among else 0):
            room = among[int(self.rng.integers(len(among)))]
            day = int(self.rng.integers(1, self.plan.days - days))
            span = {(room, at) for at in range(day, day + days)}
            if self._suits(one.name, day) and not span & self.taken:
                self.taken |= span
                placed = Happening(one.name, room, day, one.minutes, one.extent)
                self.found.setdefault(room, {})[day] = placed
                return
        raise ValueError(f"no room and day is left for {one.name}: fewer of it, or a larger city")

    def _suits(self, name: str, day: int) -> bool:
        works = self.plan.works(self.plan.first + day)
        season = int(self.seasons[day])
        if name == "aircon.cooling":
            return works and season == COOL
        if name == "aircon.heating":
            return works and season == HEAT
        if name in {"at_tolerance", "flicker", "nap"}:
            return works and season != FAN
        if name.endswith("outside_hours") or name == "overtime":
            return works or bool(self.rng.random() < _WEEKEND_SHARE)
        return works


def each(found: dict[int, dict[int, Happening]]) -> Iterator[Happening]:
    """Yield all that happens."""
    for of_room in found.values():
        yield from of_room.values()
