"""What happens at buildings, and when: waste that meters tell of, and what only looks like it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from simulators.city.plan import METERED, USES, By, Plan, Wanted

LEARNT_DAYS: Final = 28
"""What is usual must be seen before anything can be unusual: nothing happens in these days."""
_APART_H: Final = LEARNT_DAYS * 24
"""What lies nearer is learned as usual; rules are not measured by how well they do then."""
_TRIES: Final = 4_000
_SMALLEST_KW, _LARGEST_KW = 0.6, 60.0
_DAYS: Final = {
    "water.night_flow": (4, 10),
    "electricity.base_load": (6, 12),
    "consumption.step": (12, 14),
    "meter.mains": (4, 10),
    "late_work": (1, 1),
    "busy_day": (1, 1),
    "branch_off": (4, 10),
    "closed": (3, 9),
}
_LASTING: Final = ("meter.stuck", "meter.still")
"""Their size is how many hours they last; up to a tenth more."""
_AT_MOST: Final = 1.1
_OF_WATER: Final = {"meter.still", "closed"}
_BURST_H: Final = (2, 8)
_BRANCHED_KW: Final = 2.0
"""Smaller buildings have no branch of a size that anybody asks about."""
_FAR_ABOVE: Final = (0.9, 2.0)
"""Share of its base load by which a building exceeds it where kW are the measure."""
WATER, POWER = "water", "kwh"


@dataclass(frozen=True, slots=True)
class Incident:
    """Something at a meter of a building, for some hours.

    Attributes:
        name: a kind of waste, or of :data:`simulators.city.plan.UNUSUAL`.
        meter: ``water`` or ``kwh``.
        begin: hour of the city's time, from 0 on.
        hours: how long.
        extent: m³/h or kW on top, % of what is usual, or hours.
        base_kw: what the building draws at night, of a base load; else 0.
        late: share of the first hour before it begins, and of the hour behind in which it goes on.
    """

    name: str
    meter: str
    begin: int
    hours: int
    extent: float = 0.0
    base_kw: float = 0.0
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class Buildings:
    """What buildings are, and what happens there.

    Attributes:
        use: of some, of :data:`simulators.city.plan.USES`; the others are offices.
        base_kw: what each draws at night.
        incidents: of each, apart from one another.
    """

    use: dict[int, str]
    base_kw: list[float]
    incidents: dict[int, list[Incident]]


def incidents(plan: Plan, seed: int) -> Buildings:
    """Make up what buildings are, and what happens there.

    Raises:
        ValueError: the city is too small for what is wanted of it.
    """
    rng = np.random.default_rng([seed, 11])
    count = plan.institutions * plan.buildings
    words = [word for word in USES for _ in range(plan.uses.get(word, 0))]
    if len(words) > count:
        raise ValueError(f"{len(words)} buildings of some use, and only {count} buildings")
    use = dict(zip(rng.permutation(count).tolist(), words, strict=False))
    low, high = math.log(_SMALLEST_KW), math.log(_LARGEST_KW)
    base = [math.exp(rng.uniform(low, high)) for _ in range(count)]
    diary = _Diary(plan, Buildings(use, base, {}), rng)
    for wanted in sorted((one for one in plan.wanted if one.kind in METERED), key=_longest):
        for size in wanted.sizes:
            for _ in range(wanted.each):
                diary.enter(wanted.kind, size, wanted.by)
    for name, number in plan.unusual.items():
        for _ in range(number if name != "growth" else 0):
            diary.enter(name, 0.0, None)
    return diary.of


def _longest(wanted: Wanted) -> int:
    return -_DAYS.get(wanted.kind, (0, 0))[1]


@dataclass(slots=True)
class _Diary:
    """Enters what happens at meters of buildings that are free."""

    plan: Plan
    of: Buildings
    rng: np.random.Generator
    taken: dict[tuple[int, str], list[tuple[int, int]]] = field(default_factory=dict)

    def enter(self, name: str, size: float, by: By | None) -> None:
        for _ in range(_TRIES if self.of.base_kw else 0):
            building = int(self.rng.integers(len(self.of.base_kw)))
            extent = self._extent(name, size, by, building)
            one = self._drawn(name, extent, building)
            span = (one.begin - _APART_H, one.begin + one.hours + _APART_H)
            mine = self.taken.setdefault((building, one.meter), [])
            if extent >= 0 and self._suits(one, building) and not _meets(mine, span):
                mine.append((one.begin, one.begin + one.hours))
                self.of.incidents.setdefault(building, []).append(one)
                return
        raise ValueError(f"no building and day is left for {name}: fewer of it, or a larger city")

    def _extent(self, name: str, size: float, by: By | None, building: int) -> float:
        """In the unit of the incident; -1: no such building."""
        base = self.of.base_kw[building]
        if name in {"meter.mains", "meter.stuck"} and base < _BRANCHED_KW:
            return -1.0
        if name != "electricity.base_load":
            return size
        if by is By.SHARE:
            return size * base / 100 if size * base / 100 >= 2.0 else -1.0
        return size if _FAR_ABOVE[0] * base <= size <= _FAR_ABOVE[1] * base else -1.0

    def _drawn(self, name: str, extent: float, building: int) -> Incident:
        hours = self._hours(name, extent)
        meter = WATER if name.startswith("water.") or name in _OF_WATER else POWER
        if name in {"consumption.step", "busy_day"} and self.rng.random() < 0.5:
            meter = WATER
        last = self.plan.days * 24 - hours - 24
        begin = int(self.rng.integers(LEARNT_DAYS * 24 + 24, last))
        base = self.of.base_kw[building] if name == "electricity.base_load" else 0.0
        late = float(self.rng.random()) if name == "water.burst" else 0.0
        return Incident(name, meter, begin, hours, extent, base, late)

    def _hours(self, name: str, extent: float) -> int:
        if name == "water.burst":
            return int(self.rng.integers(*_BURST_H))
        if name in _LASTING:
            return round(extent * self.rng.uniform(1, _AT_MOST))
        low, high = _DAYS[name]
        return int(self.rng.integers(low * 24, high * 24 + 1))

    def _suits(self, one: Incident, building: int) -> bool:
        """What is exempt is made nowhere: what would be a case elsewhere is none there."""
        exempt = self.of.use.get(building) in {"ward", "cooling-tower"}
        works = self.plan.works(self.plan.first + one.begin // 24)
        return (not exempt or one.name not in METERED) and (works or one.name != "busy_day")


def _meets(spans: list[tuple[int, int]], span: tuple[int, int]) -> bool:
    return any(begin < span[1] and span[0] < end for begin, end in spans)
